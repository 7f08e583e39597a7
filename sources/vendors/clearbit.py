"""Clearbit's JSON of a company and of a person, which Hunter's enrichment speaks as well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sources.attributes import Kind
from sources.contract import Finding, Payload, Subject
from sources.vendors.firmographics import (
    address,
    amount,
    claims,
    company_page,
    confidence,
    land,
    place,
    profile_page,
    site,
)
from sources.vendors.json_answers import count, mapping, text, texts
from sources.vendors.mail_hosts import mail_provider

COMPANY = (
    *(
        "name",
        "legal_name",
        "domain",
        "industry",
        "headcount",
        "revenue_range",
        "tech_stack",
        "total_funding",
    ),
    *("company_description", "founded_year", "headquarters", "city", "country", "phone", "ticker"),
    *("company_linkedin_url", "twitter_url", "facebook_url", "crunchbase_url", "email", "cik"),
    "email_provider",
)
"""What an answer about a company may claim."""
PERSON = (
    *(
        "name",
        "email",
        "phone",
        "job_title",
        "current_company",
        "linkedin_url",
        "location",
        "city",
        "country",
    ),
)
"""What an answer about a person may claim."""

Json = Mapping[str, Any]

_WHICH_COMPANY = frozenset(("id", "name", "legalName", "domain"))
_MIXED_BAND = re.compile(r"(\d{1,6}) ?- ?(\d{1,6})k", re.IGNORECASE | re.ASCII)
_INDUSTRY = ("industry", "subIndustry", "industryGroup", "sector")


def is_company(record: Json) -> bool:
    """Whether a JSON object is a company: it has at least two of the keys that say which."""
    return len(_WHICH_COMPANY & record.keys()) > 1 and not is_person(record)


def is_person(record: Json) -> bool:
    """Whether a JSON object is a person: the name is an object of its parts, or there is an employment."""
    return isinstance(record.get("name"), dict) or ("employment" in record and "metrics" not in record)


def company_finding(company: Json, payload: Payload, scheme: str) -> Finding | None:
    """What is claimed about a company, referred to as `scheme:id`; None when nothing is."""
    geo = mapping(company.get("geo"))
    where = site(company.get("domain"))
    identity: dict[str, Any] = {
        "name": text(company.get("name")),
        "domain": where,
        "city": text(geo.get("city")),
        "country": land(geo.get("countryCode")) or land(geo.get("country")),
    }
    values = claims(
        {
            **identity,
            **_company_values(company),
            "headquarters": _headquarters(geo) or _short(company.get("location")),
            "email": _mailbox(company, where),
        },
        f"{scheme}:{text(company.get('id')) or where or identity['name']}",
    )
    if not values:
        return None
    page = company_page(_handle(company, "linkedin"))
    aliases = tuple(filter(None, [text(company.get("legalName"))]))
    return Finding(
        subject=Subject(**identity, linkedin_url=page, aliases=aliases),
        claims=values,
        confidence=confidence(payload, "domain", company.get("domainAliases")),
    )


def person_finding(person: Json, scheme: str) -> Finding | None:
    """What is claimed about a person, referred to as `scheme:id`; None when nobody is named."""
    job, geo, names = (mapping(person.get(part)) for part in ("employment", "geo", "name"))
    job = job or {**mapping(person.get("company")), "title": person.get("title")}  # as a search says it
    name = text(names.get("fullName")) or " ".join(
        filter(None, (text(names.get("givenName")), text(names.get("familyName"))))
    )
    handle = _handle(person, "linkedin")
    identity: dict[str, Any] = {
        "name": name,
        "email": address(person.get("email")),
        "linkedin_url": profile_page(handle if "/" in handle else f"in/{handle}"),
        "city": text(geo.get("city")),
        "country": land(geo.get("countryCode")) or land(geo.get("country")),
    }
    if not (name or identity["linkedin_url"]):
        return None
    values = {
        **identity,
        "phone": text(person.get("phone")),
        "job_title": text(job.get("title")),
        "current_company": text(job.get("name")),
        "location": text(person.get("location")),
    }
    employer = site(job.get("domain"))
    reference = f"{scheme}:{text(person.get('id')) or identity['email'] or name}"
    return Finding(
        subject=Subject(kind=Kind.CONTACT, domain=employer, **identity), claims=claims(values, reference)
    )


def _company_values(company: Json) -> dict[str, Any]:
    # Early versions have the numbers beside the name.
    numbers, kind = mapping(company.get("metrics")) or company, mapping(company.get("category"))
    found = texts(mapping(company.get("site")).get("phoneNumbers"))
    return {
        "legal_name": text(company.get("legalName")),
        "industry": next(filter(None, (text(kind.get(level)) for level in _INDUSTRY)), "")
        or text(company.get("category")),
        "headcount": _people(numbers.get("employees")) or _people(numbers.get("employeesRange")),
        "revenue_range": amount(numbers.get("estimatedAnnualRevenue"))
        or amount(numbers.get("annualRevenue")),
        "tech_stack": texts(company.get("tech")),
        "total_funding": amount(numbers.get("raised")),
        "company_description": text(company.get("description")),
        "founded_year": count(company.get("foundedYear")) or text(company.get("foundedDate")),
        "phone": text(company.get("phone")) or next(iter(found), ""),
        "ticker": text(company.get("ticker")),
        "email_provider": _mail(text(company.get("emailProvider"))),
        "cik": _cik(mapping(company.get("identifiers")).get("usCIK")),
        "company_linkedin_url": company_page(_handle(company, "linkedin")),
        "twitter_url": page_of("https://twitter.com/", _handle(company, "twitter")),
        "facebook_url": page_of("https://www.facebook.com/", _handle(company, "facebook")),
        "crunchbase_url": _crunchbase(_handle(company, "crunchbase")),
    }


def _people(value: Any) -> int | str | None:
    """A number of people or a band; of Clearbit's "251-1K" only the end is in thousands."""
    found = count(value)
    return _MIXED_BAND.sub(r"\1-\g<2>000", found) if isinstance(found, str) else found


def _mailbox(company: Json, where: str) -> str:
    """The first address on the site that is at the company's own domain."""
    found = map(address, texts(mapping(company.get("site")).get("emailAddresses")))
    return next((each for each in found if where and each.endswith(f"@{where}")), "")


def _mail(told: str) -> str:
    """The name of a mail provider, which Hunter tells by its host; in Clearbit's own answers it is a truth value."""
    return mail_provider([f"0 {told}"]) or told


def _cik(value: Any) -> str:
    """A central index key with its ten digits, or ""."""
    digits = text(value)
    return digits.zfill(10) if digits.isdigit() and len(digits) <= 10 and digits.strip("0") else ""


def _crunchbase(handle: str) -> str:
    """The page on Crunchbase; the handle is written with its path, in early answers without."""
    name = handle.removeprefix("organization/").removeprefix("company/")
    return page_of("https://www.crunchbase.com/organization/", name)


def _short(value: Any) -> str:
    """A place without street and postal code, "" for an address with them."""
    shown = text(value)
    return shown if len(shown) < 100 and not any(each.isdigit() for each in shown) else ""


def _headquarters(geo: Json) -> str:
    city, state, country = (text(geo.get(part)) for part in ("city", "state", "country"))
    return place(city, state, country) if city and (state or country) else ""


def _handle(record: Json, network: str) -> str:
    """The name on a social network; a country's page of LinkedIn is written with its path."""
    return text(mapping(record.get(network)).get("handle"))


def page_of(prefix: str, handle: str) -> str:
    """The page of a handle; "" when the handle is no plain name."""
    name = handle.lstrip("@")
    return f"{prefix}{name}" if name and not set(name) & set(' /:?#<>"\\') else ""
