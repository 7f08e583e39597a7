"""Hunter's JSON: enrichment in Clearbit's shape, the people of a domain, one address found or verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources.attributes import Kind
from sources.cleaning import Refused, url
from sources.contract import Finding, Payload, Subject
from sources.errors import PayloadChanged
from sources.vendors import clearbit
from sources.vendors.firmographics import (
    address,
    claims,
    company_page,
    is_chief,
    land,
    place,
    profile_page,
    site,
)
from sources.vendors.json_answers import count, mapping, mappings, text, texts

ACCOUNT = (*clearbit.COMPANY, "email", "email_pattern", "executives", "ceo_name", "ceo_linkedin_url")
"""What answers about a company may claim."""
CONTACT = clearbit.PERSON
"""What answers about a person may claim."""

Json = Mapping[str, Any]

_SCHEME = "hunter"
_DELIVERABLE = frozenset(("valid", "accept_all", "webmail"))
_UNDELIVERABLE = frozenset(("invalid", "disposable"))
_RESULTS = {"deliverable": "valid", "risky": "accept_all", "undeliverable": "invalid"}
"""The verdicts of early answers."""
_MOST_REFERENCES = 3


def is_verification(data: Json) -> bool:
    """Whether `data` is the verdict on one address."""
    return "email" in data and "score" in data and ("status" in data or "result" in data)


def findings(data: Json, payload: Payload) -> list[Finding]:
    """What one answer's `data` claims; [] when nothing is known. Raises PayloadChanged for another shape."""
    if "person" in data and "company" in data:
        parts = [data["person"], data["company"]]
        return [found for part in parts if part is not None for found in findings(mapping(part), payload)]
    if "emails" in data and "domain" in data:
        found = _domain_search(data)
    elif is_verification(data):
        found = _verified(data)
    elif "email" in data and "score" in data:
        found = _found_address(data)
    elif clearbit.is_person(data):
        found = clearbit.person_finding(data, _SCHEME)
    elif clearbit.is_company(data):
        found = clearbit.company_finding(data, payload, _SCHEME)
    else:
        raise PayloadChanged("Hunter's answer is none that this version of the adapter knows")
    return [found] if found else []


def _domain_search(data: Json) -> Finding | None:
    """A company and its people; None for a mail provider."""
    if data.get("webmail") is True or data.get("disposable") is True:
        return None
    city, state, country = (text(data.get(part)) for part in ("city", "state", "country"))
    identity: dict[str, Any] = {
        "name": text(data.get("organization")),
        "domain": site(data.get("domain")),
        "city": city,
        "country": land(country),
    }
    page = _page(data.get("linkedin"), "company")
    values = {
        **identity,
        "industry": text(data.get("industry")),
        "headcount": count(data.get("headcount")),
        "company_description": text(data.get("description")),
        "tech_stack": texts(data.get("technologies")),
        "email_pattern": text(data.get("pattern")),
        "headquarters": place(city, state, land(country)) if city and (state or country) else "",
        "company_linkedin_url": page,
        "twitter_url": _link("https://twitter.com/", data.get("twitter")),
        "facebook_url": _link("https://www.facebook.com/", data.get("facebook")),
        **_leaders(mappings(data.get("emails"))),
    }
    reference = f"{_SCHEME}:{identity['domain'] or identity['name']}"
    mailbox = next((item for item in mappings(data.get("emails")) if _is_mailbox(item)), {})
    box = claims({"email": address(mailbox.get("value"))}, *pages_of(mailbox), reference)
    found = (*claims(values, reference), *box)
    is_known = any(claim.attribute not in ("domain",) for claim in found)
    return Finding(subject=Subject(**identity, linkedin_url=page), claims=found) if is_known else None


def _found_address(data: Json) -> Finding | None:
    """A person and the address found for the name; a guess that nothing confirms is no claim."""
    names = (text(data.get("first_name")), text(data.get("last_name")))
    identity: dict[str, Any] = {
        "name": " ".join(filter(None, names)),
        "email": address(data.get("email")) if is_confirmed(data) else "",
        "linkedin_url": _page(data.get("linkedin_url") or data.get("linkedin"), "in"),
    }
    if not address(data.get("email")):
        return None
    values = {
        **identity,
        "job_title": text(data.get("position")),
        "current_company": text(data.get("company")),
        "phone": text(data.get("phone_number")),
    }
    found = claims(values, *pages_of(data), f"{_SCHEME}:{address(data.get('email'))}")
    subject = Subject(kind=Kind.CONTACT, domain=site(data.get("domain")), **identity)
    return Finding(subject=subject, claims=found)


def _verified(data: Json) -> Finding | None:
    """An address that receives mail; None for any other verdict."""
    found = address(data.get("email"))
    verdict = text(data.get("status")) or _RESULTS.get(text(data.get("result")), "")
    if not found or verdict not in _DELIVERABLE:
        return None
    subject = Subject(kind=Kind.CONTACT, email=found)
    return Finding(subject=subject, claims=claims({"email": found}, *pages_of(data), f"{_SCHEME}:{found}"))


def _leaders(people: list[Json]) -> dict[str, Any]:
    """Executives with their titles; the chief when there is only one."""
    named = [(person, name) for person in people if (name := _name(person)) and text(person.get("position"))]
    leaders = [
        f"{name}, {text(person.get('position'))}"
        for person, name in named
        if text(person.get("seniority")).lower() == "executive"
    ]
    chiefs = [(person, name) for person, name in named if is_chief(text(person.get("position")))]
    chief, name = chiefs[0] if len(chiefs) == 1 else ({}, "")
    return {
        "executives": texts(leaders),
        "ceo_name": name,
        "ceo_linkedin_url": _page(chief.get("linkedin"), "in"),
    }


def _name(person: Json) -> str:
    """First and last name, or "" unless both are known."""
    first, last = text(person.get("first_name")), text(person.get("last_name"))
    return f"{first} {last}" if first and last else ""


def _is_mailbox(item: Json) -> bool:
    return item.get("type") == "generic" and is_confirmed(item)


def is_confirmed(item: Json) -> bool:
    """Whether an address was verified, or at least seen on a page and not found to be wrong."""
    status = text(mapping(item.get("verification")).get("status"))
    return status in _DELIVERABLE or (status not in _UNDELIVERABLE and bool(pages_of(item)))


def is_wrong(item: Json) -> bool:
    """Whether an address was verified and receives nothing."""
    return text(mapping(item.get("verification")).get("status")) in _UNDELIVERABLE


def pages_of(item: Json) -> list[str]:
    """The first public pages that show an address."""
    pages = []
    for source in mappings(item.get("sources")):
        try:
            pages.append(url(text(source.get("uri"))))
        except Refused:
            continue
    return list(filter(None, pages))[:_MOST_REFERENCES]


def _page(value: Any, kind: str) -> str:
    """The LinkedIn page of a link or a bare handle."""
    shown = text(value)
    link = shown if "/" in shown else f"{kind}/{shown}"
    return profile_page(link) if kind == "in" else company_page(link)


def _link(prefix: str, value: Any) -> str:
    """The page of a link or a bare handle on a social network."""
    shown = text(value)
    return shown if "://" in shown else clearbit.page_of(prefix, shown)
