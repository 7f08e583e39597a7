"""The catalogue of attributes: every fact that has a name, with its type, unit and other names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a record is: a company or a person."""

    ACCOUNT = "account"
    CONTACT = "contact"


class Type(StrEnum):
    """How a value is stored; `sources.cleaning.clean` turns what a source says into it.

    text, url, email, phone, domain: str · integer: int · money: whole USD as int ·
    decimal: number · percent: number, 12.5 means 12.5 % · date: ISO day as str ·
    list: list of distinct str · range: str such as "$10M-$50M" · stage: funding stage as str ·
    year: int · boolean: bool · country: English country name as str
    """

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    PERCENT = "percent"
    MONEY = "money"
    RANGE = "range"
    DATE = "date"
    YEAR = "year"
    LIST = "list"
    STAGE = "stage"
    URL = "url"
    DOMAIN = "domain"
    EMAIL = "email"
    PHONE = "phone"
    COUNTRY = "country"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named fact: its slug, label, type, unit, the kinds of records that have it, and its aliases."""

    slug: str
    label: str
    type: Type
    kinds: frozenset[Kind]
    unit: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()


ACCOUNT = frozenset({Kind.ACCOUNT})
CONTACT = frozenset({Kind.CONTACT})
BOTH = ACCOUNT | CONTACT

IDENTITY = ("name", "domain", "email", "linkedin_url", "city", "country")
"""The identity columns of a record; each is the projection of the attribute `identity_slug` names."""

_A = Attribute
CATALOGUE: tuple[Attribute, ...] = (
    _A("name", "Name", Type.TEXT, BOTH, "", "The name the subject uses", ("company_name", "account_name", "full_name")),
    _A("domain", "Domain", Type.DOMAIN, BOTH, "", "Registrable domain of the company", ("website", "company_domain", "url", "web_site")),
    _A("city", "City", Type.TEXT, BOTH, "", "City of the headquarters or of the person", ("hq_city", "billing_city", "town")),
    _A("country", "Country", Type.COUNTRY, BOTH, "", "Country of the headquarters or of the person", ("hq_country", "billing_country", "country_region")),
    _A("email", "E-mail", Type.EMAIL, BOTH, "", "E-mail address", ("email_address", "work_email", "e_mail")),
    _A("phone", "Phone", Type.PHONE, BOTH, "", "Telephone number in international form", ("phone_number", "mobile_phone", "telephone", "mobile")),
    _A("linkedin_url", "LinkedIn", Type.URL, CONTACT, "", "LinkedIn profile of the person", ("linkedin", "linkedin_profile", "person_linkedin_url")),
    _A("company_linkedin_url", "Company LinkedIn", Type.URL, ACCOUNT, "", "LinkedIn page of the company", ("linkedin", "linkedin_url", "company_linkedin", "linkedin_company_page")),
    _A("industry", "Industry", Type.TEXT, ACCOUNT, "", "Industry classification, e.g. Fintech", ("sector", "vertical")),
    _A("headcount", "Headcount", Type.INTEGER, ACCOUNT, "people", "Number of employees", ("employees", "employee_count", "num_employees", "number_of_employees", "company_size", "team_size")),
    _A("revenue_range", "Revenue range", Type.RANGE, ACCOUNT, "USD a year", "Estimated yearly revenue, e.g. $10M-$50M", ("revenue", "annual_revenue", "estimated_revenue")),
    _A("tech_stack", "Tech stack", Type.LIST, ACCOUNT, "", "Technologies used", ("technologies", "technology", "tech")),
    _A("cms", "CMS", Type.TEXT, ACCOUNT, "", "Content management system of the website", ()),
    _A("analytics_tools", "Analytics tools", Type.LIST, ACCOUNT, "", "Analytics tools on the website", ("analytics",)),
    _A("funding_stage", "Funding stage", Type.STAGE, ACCOUNT, "", "Latest funding round, e.g. Series B", ("stage", "funding_status", "last_funding_type", "latest_funding_stage")),
    _A("last_funding_date", "Last funding date", Type.DATE, ACCOUNT, "", "Day of the latest funding round", ("last_funding_on", "last_funding_at")),
    _A("last_funding_amount", "Last funding amount", Type.MONEY, ACCOUNT, "USD", "Amount raised in the latest round", ("last_funding_amount_usd",)),
    _A("total_funding", "Total funding", Type.MONEY, ACCOUNT, "USD", "Amount raised in all rounds", ("total_funding_usd", "funding_total_usd", "funds_raised")),
    _A("investors", "Investors", Type.LIST, ACCOUNT, "", "Who invested", ()),
    _A("employee_growth_6mo", "Employee growth, 6 months", Type.PERCENT, ACCOUNT, "%", "Growth of the headcount over six months", ("employee_growth", "headcount_growth_6mo")),
    _A("recent_job_postings", "Open engineering roles", Type.INTEGER, ACCOUNT, "roles", "Number of open engineering roles", ("open_roles", "job_postings")),
    _A("open_job_titles", "Open job titles", Type.LIST, ACCOUNT, "", "Titles of open roles", ()),
    _A("executives", "Executives", Type.LIST, ACCOUNT, "", "Executives with their titles", ("leadership",)),
    _A("company_description", "Description", Type.TEXT, ACCOUNT, "", "What the company does", ("description", "about")),
    _A("founded_year", "Founded", Type.YEAR, ACCOUNT, "", "Year of foundation", ("founded", "year_founded", "founded_on")),
    _A("headquarters", "Headquarters", Type.TEXT, ACCOUNT, "", "City, state and country of the headquarters", ("hq", "hq_location", "headquarters_location")),
    _A("former_names", "Former names", Type.LIST, ACCOUNT, "", "Names the company used before", ("previous_names",)),
    _A("legal_name", "Legal name", Type.TEXT, ACCOUNT, "", "Registered name", ()),
    _A("ceo_name", "CEO", Type.TEXT, ACCOUNT, "", "Name of the chief executive", ("ceo",)),
    _A("ceo_linkedin_url", "CEO LinkedIn", Type.URL, ACCOUNT, "", "LinkedIn profile of the chief executive", ()),
    _A("ceo_email", "CEO e-mail", Type.EMAIL, ACCOUNT, "", "E-mail address of the chief executive", ()),
    _A("domain_registered_on", "Domain registered", Type.DATE, ACCOUNT, "", "Day on which the domain was registered", ()),
    _A("email_pattern", "E-mail pattern", Type.TEXT, ACCOUNT, "", "How addresses of the company's people are made, e.g. {first}.{last}", ()),
    _A("ticker", "Ticker", Type.TEXT, ACCOUNT, "", "Stock ticker", ("ticker_symbol", "stock_symbol")),
    _A("lei", "LEI", Type.TEXT, ACCOUNT, "", "Legal entity identifier (ISO 17442)", ()),
    _A("cik", "CIK", Type.TEXT, ACCOUNT, "", "SEC central index key", ()),
    _A("headline", "Headline", Type.TEXT, CONTACT, "", "Headline of the profile", ()),
    _A("current_company", "Current company", Type.TEXT, CONTACT, "", "Where the person works now", ("company", "employer")),
    _A("location", "Location", Type.TEXT, CONTACT, "", "Where the person lives", ()),
    _A("follower_count", "Followers", Type.INTEGER, BOTH, "people", "Followers on LinkedIn", ("followers",)),
    _A("job_title", "Job title", Type.TEXT, CONTACT, "", "Role of the person", ("title", "position", "role")),
    _A("email_provider", "E-mail provider", Type.TEXT, ACCOUNT, "", "Who runs the company's mail", ("mail_provider",)),
    _A("twitter_url", "Twitter", Type.URL, ACCOUNT, "", "Twitter or X page", ("twitter",)),
    _A("facebook_url", "Facebook", Type.URL, ACCOUNT, "", "Facebook page", ("facebook",)),
    _A("crunchbase_url", "Crunchbase", Type.URL, ACCOUNT, "", "Page of the company on Crunchbase", ("crunchbase", "crunchbase_page", "crunchbase_profile")),
)  # fmt: skip

BY_SLUG = {attribute.slug: attribute for attribute in CATALOGUE}


def slug_of(text: str) -> str:
    """A header or label as a slug: lower case letters and digits, words joined by `_`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def identity_slug(kind: Kind, column: str) -> str:
    """The attribute that an identity column of a record shows."""
    return "company_linkedin_url" if (kind, column) == (Kind.ACCOUNT, "linkedin_url") else column


def find(name: str, kind: Kind, custom: Iterable[Attribute] = ()) -> Attribute | None:
    """The attribute called `name` (its slug, label or an alias, in any spelling), or None."""
    slug = slug_of(name)
    candidates = [a for a in (*CATALOGUE, *custom) if kind in a.kinds]
    for attribute in candidates:
        if attribute.slug == slug:
            return attribute
    for attribute in candidates:
        if slug in attribute.aliases or slug == slug_of(attribute.label):
            return attribute
    return None
