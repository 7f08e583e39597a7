"""LinkedIn data as Proxycurl shaped it and Enrich Layer still does: companies, people, open roles.

Fields: the models of Enrich Layer's published client. Any field may be missing or null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cleaning import Refused, url
from sources.contract import Claim, Finding, Subject
from sources.identity import name_key
from sources.vendors import social_links
from sources.vendors.firmographics import (
    address,
    amount,
    claims,
    company_page,
    land,
    place,
    profile_page,
    site,
)
from sources.vendors.job_roles import Role, role_claims
from sources.vendors.json_answers import count, mapping, mappings, text, texts

COMPANY = (
    *("name", "domain", "industry", "headcount", "company_description", "founded_year", "headquarters"),
    *("city", "country", "follower_count", "company_linkedin_url", "twitter_url", "facebook_url"),
    *("phone", "email", "ticker", "crunchbase_url"),
    *("funding_stage", "last_funding_date", "last_funding_amount", "total_funding", "investors"),
)
"""What a company's profile may claim."""
JOBS = ("recent_job_postings", "open_job_titles")
"""What the list of a company's open roles may claim."""
PERSON = (
    *("name", "linkedin_url", "headline", "job_title", "current_company", "location", "city", "country"),
    "follower_count",
)
"""What a person's profile may claim."""

Json = Mapping[str, Any]

_WHICH_COMPANY = frozenset(("universal_name_id", "company_size_on_linkedin", "company_size", "hq"))
_WHICH_PERSON = frozenset(("public_identifier", "first_name", "full_name", "experiences", "headline"))


def is_company(record: Json) -> bool:
    """Whether a JSON object is a company's profile."""
    return "name" in record and bool(_WHICH_COMPANY & record.keys())


def is_person(record: Json) -> bool:
    """Whether a JSON object is a person's profile: it has at least two of the keys that say which."""
    return len(_WHICH_PERSON & record.keys()) > 1


def company_finding(company: Json, scheme: str) -> Finding | None:
    """What is claimed about a company, referred to by its LinkedIn page; None when nothing is."""
    where, extra = _seat(company), mapping(company.get("extra"))
    city, state, country = text(where.get("city")), text(where.get("state")), land(where.get("country"))
    identity: dict[str, Any] = {
        "name": text(company.get("name")),
        "domain": site(company.get("website")),
        "city": city,
        "country": country,
    }
    page = page_of("company", company.get("universal_name_id"))
    links = [_full(link.get("canonical_url")) for link in mappings(company.get("social_networking_services"))]
    values = {
        **identity,
        "company_linkedin_url": page,
        "industry": text(company.get("industry")),
        "headcount": count(company.get("company_size_on_linkedin")) or _band(company.get("company_size")),
        "company_description": text(company.get("description")) or text(company.get("tagline")),
        "founded_year": count(company.get("founded_year"))
        or count(mapping(extra.get("founding_date")).get("year")),
        "headquarters": place(city, state, country) if city and (state or country) else "",
        "follower_count": count(company.get("follower_count")),
        "twitter_url": social_links.twitter(links) or _account("twitter.com", extra.get("twitter_id")),
        "facebook_url": social_links.facebook(links)
        or _account("www.facebook.com", extra.get("facebook_id")),
        "phone": text(extra.get("phone_number")),
        "email": address(extra.get("contact_email")),
        "ticker": text(extra.get("stock_symbol")).rpartition(":")[2],
        "crunchbase_url": _link(extra.get("crunchbase_profile_url")),
    }
    name = page or f"{scheme}:{text(company.get('linkedin_internal_id')) or identity['name']}"
    found = (*claims(values, name), *claims(_funding(company, extra), name, values["crunchbase_url"]))
    return Finding(subject=Subject(**identity, linkedin_url=page), claims=found) if found else None


def person_finding(person: Json, scheme: str) -> Finding | None:
    """What is claimed about a person, referred to by the LinkedIn profile; None when it is nobody."""
    city, state = text(person.get("city")), text(person.get("state"))
    country = land(person.get("country_full_name")) or land(person.get("country"))
    identity: dict[str, Any] = {
        "name": name_of(person),
        "linkedin_url": page_of("in", person.get("public_identifier")),
        "city": city,
        "country": country,
    }
    if not (identity["name"] or identity["linkedin_url"]):
        return None
    title, company = _position(person)
    values = {
        **identity,
        "headline": text(person.get("headline")),
        "job_title": title,
        "current_company": company,
        "location": place(city, state, country) or text(person.get("location_str")),
        "follower_count": count(person.get("follower_count")),
    }
    reference = identity["linkedin_url"] or f"{scheme}:{identity['name']}"
    return Finding(
        subject=Subject(kind=Kind.CONTACT, **identity),
        claims=claims(values, reference),
    )


def roles(listing: Json, subject: Subject) -> list[Role]:
    """The open roles of a listing that are the subject's own, by the company's page or name."""
    found = []
    for job in mappings(listing.get("job")):
        page, name = company_page(job.get("company_url")), text(job.get("company"))
        is_own = not (page or name) or is_same(page, name, subject)
        title, link = text(job.get("job_title")), _link(job.get("job_url"))
        if title and is_own:
            found.append(Role(title=title, url=link))
    return found


def job_claims(listing: Json, subject: Subject) -> tuple[Claim, ...]:
    """Claims about open roles; how many of engineering only when the listing has no further page."""
    open_roles = roles(listing, subject)
    is_whole = not (listing.get("next_page_no") or listing.get("next_page_api_url"))
    return role_claims(open_roles, subject.linkedin_url, is_whole=is_whole)


def executive(person: Json, subject: Subject) -> tuple[str, str]:
    """ "Jane Roe, CTO" with her profile, when her profile says that she works at the subject now; else ("", "")."""
    for job in _current(person):
        page, company = company_page(job.get("company_linkedin_profile_url")), text(job.get("company"))
        name, title = name_of(person), text(job.get("title"))
        if is_same(page, company, subject) and name and title:
            return f"{name}, {title}", page_of("in", person.get("public_identifier"))
    return "", ""


def is_same(page: str, name: str, subject: Subject) -> bool:
    """Whether a company's page or name is the subject's."""
    is_page = bool(page) and page == subject.linkedin_url
    return is_page or bool(name_key(name) and name_key(name) == name_key(subject.name))


def with_claims(finding: Finding, *more: Claim) -> Finding:
    """The finding with further claims of the same subject."""
    return replace(finding, claims=(*finding.claims, *more))


def page_of(kind: str, name: Any) -> str:
    """The page of a bare name ("acme") of `kind` company or in, or of a link; "" when it is none."""
    shown = text(name)
    link = shown if "/" in shown or not shown else f"{kind}/{shown}"
    return profile_page(link) if kind == "in" else company_page(link)


def name_of(person: Json) -> str:
    """A person's full name, or ""."""
    names = (text(person.get("first_name")), text(person.get("last_name")))
    return text(person.get("full_name")) or " ".join(filter(None, names))


def listed(listing: Json) -> list[Finding]:
    """A listing of open roles by the companies that it names: their titles, since it may hold but some of them."""
    by_company: dict[tuple[str, str], list[Json]] = {}
    for job in mappings(listing.get("job")):
        name, page = text(job.get("company")), company_page(job.get("company_url"))
        if name or page:
            by_company.setdefault((name, page), []).append(job)
    found = []
    for (name, page), jobs in by_company.items():
        subject = Subject(name=name, linkedin_url=page)
        said = job_claims({"job": jobs, "next_page_no": True}, subject)
        if said:
            found.append(Finding(subject=subject, claims=said))
    return found


def _account(host: str, name: Any) -> str:
    """The page of an account on a social network, or ""."""
    shown = text(name)
    return f"https://{host}/{shown}" if shown and "/" not in shown and " " not in shown else ""


def _seat(company: Json) -> Json:
    """The headquarters among a company's places."""
    places = mappings(company.get("locations"))
    return mapping(company.get("hq")) or next((each for each in places if each.get("is_hq") is True), {})


def _band(value: Any) -> str:
    """A size such as [51, 200] as "51-200", one without end as "10001+"."""
    ends = value if isinstance(value, list) else []
    low, high = (count(ends[index]) if len(ends) > index else None for index in (0, 1))
    if not isinstance(low, int):
        return ""
    return f"{low}-{high}" if isinstance(high, int) else f"{low}+"


def _funding(company: Json, extra: Json) -> dict[str, Any]:
    """The rounds of a company, the latest by the day it was announced."""
    given = company.get("funding_data")
    rounds = mappings(given) or ([mapping(given)] if mapping(given) else [])
    dated = [each for each in rounds if _day(each.get("announced_date"))]
    latest = max(dated, key=lambda each: _day(each.get("announced_date")), default={})
    backers = [each.get("name") for item in rounds for each in mappings(item.get("investor_list"))]
    return {
        "funding_stage": text(latest.get("funding_type")).partition(" - ")[0],
        "last_funding_date": _day(latest.get("announced_date")),
        "last_funding_amount": amount(latest.get("money_raised")),
        "total_funding": amount(extra.get("total_funding_amount")) or amount(extra.get("total_fund_raised")),
        "investors": texts(backers),
    }


def _position(person: Json) -> tuple[str, str]:
    """Title and company of the position that began last of those that have not ended."""
    for job in _current(person):
        return text(job.get("title")), text(job.get("company"))
    title, said, company = text(person.get("occupation")).rpartition(" at ")
    return (title, company) if said else ("", "")


def _current(person: Json) -> Sequence[Json]:
    """Positions that have not ended, the one that began last first."""
    held = [job for job in mappings(person.get("experiences")) if not job.get("ends_at")]
    return sorted(held, key=lambda job: _began(job.get("starts_at")), reverse=True)


def _began(value: Any) -> tuple[int, int, int]:
    numbers = (mapping(value).get(part) for part in ("year", "month", "day"))
    year, month, day = (n if isinstance(n, int) else 0 for n in numbers)
    return year, month, day


def _day(value: Any) -> str:
    """A date of three numbers as ISO day; "" unless all are given."""
    year, month, day = _began(value)
    return (
        f"{year:04}-{month:02}-{day:02}" if 1900 <= year < 2100 and 1 <= month <= 12 and 0 < day < 32 else ""
    )


def _full(value: Any) -> str:
    """A link that may lack its scheme, with it."""
    link = text(value)
    return link if "//" in link or not link else f"https://{link}"


def _link(value: Any) -> str:
    try:
        return url(text(value))
    except Refused:
        return ""
