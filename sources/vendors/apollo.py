"""Apollo's JSON of organizations and people: what it claims, and whom a bulk answer is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cleaning import Refused, url
from sources.contract import Claim, Finding, Subject
from sources.errors import PayloadChanged
from sources.vendors.firmographics import (
    address,
    amount,
    claims,
    company_page,
    growth,
    land,
    place,
    profile_page,
    site,
)
from sources.vendors.job_roles import Role, role_claims
from sources.vendors.json_answers import count, mapping, mappings, text, texts

ORGANIZATION = (
    *("name", "domain", "industry", "headcount", "revenue_range", "tech_stack", "company_description"),
    *("founded_year", "headquarters", "city", "country", "phone", "ticker", "employee_growth_6mo"),
    *("company_linkedin_url", "twitter_url", "facebook_url", "crunchbase_url"),
    *("funding_stage", "last_funding_date", "last_funding_amount", "total_funding", "investors"),
)
"""What an answer about an organization may claim."""
PERSON = (
    *("name", "email", "phone", "linkedin_url", "headline", "job_title", "current_company", "location"),
    *("city", "country"),
)
"""What an answer about a person may claim."""

Json = Mapping[str, Any]

# Other states are guesses, and an address that is not paid for reads "email_not_unlocked@…".
_SURE_EMAIL = frozenset(("verified", "likely to engage", "likely_to_engage"))


def findings(answer: Json, scheme: str) -> tuple[Finding, ...]:
    """What an answer claims: about one record, those of a bulk answer, or those of a page of a search.

    Open roles are asked for by the organization's id, which the list of them does not repeat: it names nobody.
    Raises PayloadChanged for what holds none of these.
    """
    if "organization_job_postings" in answer:
        found = _roles(
            mappings(answer["organization_job_postings"]), mapping(answer.get("pagination")), scheme
        )
        return (found,) if found else ()
    read: list[Finding | None] = []
    known = [(name, each) for name, each in _RECORDS.items() if name in answer]
    for name, finding in known:
        records = answer[name] if name in _LISTS and isinstance(answer[name], list) else [answer[name]]
        if not all(record is None or isinstance(record, dict) for record in records):
            raise PayloadChanged(f"Apollo's {name} is no JSON object")
        read += [finding(record, scheme) for record in records if record]
    if answer and not known:
        raise PayloadChanged("Apollo's answer is neither an organization nor a person")
    return tuple(found for found in read if found)


def organization_finding(organization: Json, scheme: str) -> Finding | None:
    """What is claimed about an organization, referred to as `scheme:id`; None when nothing is."""
    identity: dict[str, Any] = {
        "name": text(organization.get("name")),
        "domain": domain_of(organization),
        "city": text(organization.get("city")),
        "country": land(organization.get("country")),
    }
    page = company_page(organization.get("linkedin_url"))
    name = text(organization.get("id")) or identity["domain"] or identity["name"]
    reference = f"{scheme}:{name}"
    values = {**identity, "company_linkedin_url": page, **_organization_values(organization)}
    found = (*claims(values, reference), *_funding(organization, reference))
    return Finding(subject=Subject(**identity, linkedin_url=page), claims=found) if found else None


def person_finding(person: Json, scheme: str) -> Finding | None:
    """What is claimed about a person; None when it is nobody: Apollo says so with an empty name."""
    names = (text(person.get("first_name")), text(person.get("last_name")))
    name = text(person.get("name")) or " ".join(filter(None, names))
    if not name or person.get("match_confidence") == "none":
        return None
    is_sure = text(person.get("email_status")).lower() in _SURE_EMAIL
    city, state, country = (text(person.get(part)) for part in ("city", "state", "country"))
    identity: dict[str, Any] = {
        "name": name,
        "email": address(person.get("email")) if is_sure else "",
        "linkedin_url": profile_page(person.get("linkedin_url")),
        "city": city,
        "country": land(country),
    }
    employer = mapping(person.get("organization")) or mapping(person.get("account"))
    values = {
        **identity,
        "phone": _phone(person),
        "headline": text(person.get("headline")),
        "job_title": text(person.get("title")),
        "current_company": text(employer.get("name"))
        or text(person.get("organization_name"))
        or _current_job(person),
        "location": place(city, state, country),
    }
    reference = f"{scheme}:{text(person.get('id')) or identity['linkedin_url'] or name}"
    subject = Subject(kind=Kind.CONTACT, domain=domain_of(employer), **identity)
    return Finding(subject=subject, claims=claims(values, reference))


def domain_of(organization: Json) -> str:
    """The registrable domain of an organization, or ""."""
    given = (site(organization.get(name)) for name in ("primary_domain", "website_url", "domain"))
    return next(filter(None, given), "")


def assign(body: Any, domains: Sequence[str]) -> list[Any] | None:
    """The organizations of a bulk answer, one for each of `domains`, each as a single answer has it.

    Organizations are told by their domain, since unknown ones may be left out. One that was found under another
    domain is taken by its place when there is one for each; otherwise whoever it may be gets the whole body.
    """
    found = mapping(body).get("organizations")
    if not isinstance(found, list):
        return None
    known = {domain_of(item): item for item in mappings(found)}
    others = [item for item in mappings(found) if domain_of(item) not in domains]
    answers: list[Any] = []
    for number, name in enumerate(domains):
        by_place = found[number] if len(found) == len(domains) else body
        if name in known:
            answers.append({"organization": known[name]})
        elif not others:
            answers.append({"organization": None})
        else:
            answers.append({"organization": by_place} if by_place in others else body)
    return answers


def people(body: Any, number: int) -> list[Any] | None:
    """The people of a bulk answer, one for each of `number` questions, each as a single answer has it."""
    matches = mapping(body).get("matches")
    if not isinstance(matches, list):
        return None
    if not matches and mapping(body).get("missing_records") == number:
        matches = [None] * number
    return [{"person": match} for match in matches]


def _organization_values(organization: Json) -> dict[str, Any]:
    city, state, country = (text(organization.get(part)) for part in ("city", "state", "country"))
    phone = mapping(organization.get("primary_phone"))
    used = mappings(organization.get("current_technologies"))
    return {
        "industry": text(organization.get("industry"))
        or next(iter(texts(organization.get("industries"))), ""),
        "headcount": count(organization.get("estimated_num_employees")),
        "revenue_range": _money(organization, "annual_revenue")
        or _money(organization, "organization_revenue"),
        "tech_stack": texts(organization.get("technology_names"))
        or texts([item.get("name") for item in used]),
        "company_description": text(organization.get("short_description")),
        "founded_year": count(organization.get("founded_year")),
        "headquarters": place(city, state, country) if city and (state or country) else "",
        "phone": text(phone.get("sanitized_number"))
        or text(phone.get("number"))
        or text(organization.get("phone")),
        "ticker": text(organization.get("publicly_traded_symbol")),
        "employee_growth_6mo": growth(organization.get("organization_headcount_six_month_growth")),
        "twitter_url": text(organization.get("twitter_url")),
        "facebook_url": text(organization.get("facebook_url")),
        "crunchbase_url": text(organization.get("crunchbase_url")),
    }


def _money(organization: Json, name: str) -> float | str | None:
    """An amount as a number, else as it is printed: "251.2M"."""
    return amount(organization.get(name)) or amount(organization.get(f"{name}_printed"))


def _funding(organization: Json, reference: str) -> tuple[Claim, ...]:
    """Claims about rounds; those about the latest one refer to the news of it as well."""
    rounds = mappings(organization.get("funding_events"))
    day = text(organization.get("latest_funding_round_date"))[:10]
    latest = next((item for item in rounds if day and text(item.get("date"))[:10] == day), {})
    paid, currency = text(latest.get("amount")), text(latest.get("currency"))
    investors = [name.strip() for item in rounds for name in text(item.get("investors")).split(",")]
    about_latest = {
        "funding_stage": text(organization.get("latest_funding_stage")),
        "last_funding_date": text(organization.get("latest_funding_round_date")),
        "last_funding_amount": f"{currency}{paid}" if currency and paid.strip("0.") else "",
    }
    in_all = {"total_funding": _money(organization, "total_funding"), "investors": texts(investors)}
    return (*claims(about_latest, _link(latest.get("news_url")), reference), *claims(in_all, reference))


def _link(value: Any) -> str:
    try:
        return url(text(value))
    except Refused:
        return ""


def _phone(person: Json) -> str:
    """The first number that is not known to be wrong."""
    numbers = [
        each for each in mappings(person.get("phone_numbers")) if each.get("status") != "invalid_number"
    ]
    shown = (text(each.get("sanitized_number")) or text(each.get("raw_number")) for each in numbers)
    return next(filter(None, shown), "") or text(person.get("sanitized_phone"))


def _roles(postings: Sequence[Json], pages: Json, scheme: str) -> Finding | None:
    """Open roles; how many of engineering only when no further page holds more."""
    told = [(text(each.get("title")), _link(each.get("url")), text(each.get("id"))) for each in postings]
    roles = [
        Role(title=title, url=link or f"{scheme}:{id_}")
        for title, link, id_ in told
        if title and (link or id_)
    ]
    total = pages.get("total_pages")
    found = role_claims(roles, is_whole=not isinstance(total, int) or total <= 1)
    return Finding(subject=Subject(), claims=found, names_nobody=True) if found else None


def _current_job(person: Json) -> str:
    jobs = mappings(person.get("employment_history"))
    return next((text(job.get("organization_name")) for job in jobs if job.get("current") is True), "")


_RECORDS = {
    "organization": organization_finding,
    "organizations": organization_finding,
    "account": organization_finding,
    "accounts": organization_finding,
    "person": person_finding,
    "contact": person_finding,
    "people": person_finding,
    "matches": person_finding,
    "contacts": person_finding,
}
_LISTS = frozenset(name for name in _RECORDS if name.endswith("s") or name == "people")
