"""Companies of the United Kingdom as their register, Companies House, tells of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.identity import name_key
from sources.vendors.firmographics import cased, claims, is_miss, land, place
from sources.vendors.json_answers import (
    mapping,
    mappings,
    raise_for_status,
    read_json,
    read_object,
    text,
    texts,
)
from sources.vendors.sic_divisions import DIVISIONS

_HOME = "United Kingdom"
_JURISDICTIONS = frozenset(
    ("england-wales", "england", "wales", "scotland", "northern-ireland", "united-kingdom")
)
_NUMBER = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)
_OFFICERS = re.compile(r"/company/([A-Za-z0-9]{1,8})/(?:officers|appointments)")
_CLOSED = frozenset(("dissolved", "converted-closed", "removed", "closed"))
_ROLES = {
    "director": "Director",
    "managing-officer": "Managing officer",
    "llp-member": "Member",
    "llp-designated-member": "Designated member",
    "member-of-a-management-organ": "Member of the management",
}
"""Roles of persons who lead; secretaries, nominees and corporate officers do not."""
_DORMANT = "74990"


class CompaniesHouse(Source):
    """Searches by name; the profile and officers are asked for when one company that is not closed has that name."""

    slug = "companies_house"
    label = "Companies House (UK)"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("name",),)
    provides = (
        *("legal_name", "founded_year", "industry", "headquarters", "city", "country", "former_names"),
        "executives",
    )
    cadence = Cadence.parse("quarterly")
    # 600 requests in five minutes, of which a question makes up to three.
    limits = Limits(per_minute=40, in_flight=4)
    secret = Secret(
        env="COMPANIES_HOUSE_API_KEY",
        help_url="https://developer.company-information.service.gov.uk/get-started",
    )
    base_url = "https://api.company-information.service.gov.uk"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """`{"profile": …, "officers": …}` of the company of that name, else the page of companies found.

        A company known to be at home elsewhere is not asked about: the answer is a 404 of our own.
        """
        subject = call.subject
        if land(subject.country) not in ("", _HOME):
            return [Payload(status=404, body=b"{}", url=f"{self.base_url}/search/companies")]
        password = base64.b64encode(f"{call.key}:".encode()).decode("ascii")
        headers = {"Authorization": f"Basic {password}"}
        search = {"q": subject.name, "items_per_page": "20"}
        found = http.get("search/companies", params=search, headers=headers)
        number = _only_namesake(found, subject)
        if not number:
            return [found]
        profile = http.get(f"company/{number}", headers=headers)
        if profile.status != 200 or (call.wanted and "executives" not in call.wanted):
            return [profile]
        officers = http.get(f"company/{number}/officers", headers=headers)
        return [_both(profile, officers)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company of a profile (with its officers), or each open company of a search."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_object(payload)
        profile = mapping(answer.get("profile")) or answer
        if "company_name" in profile or "company_number" in profile:
            found = _company(profile, mapping(answer.get("officers")))
            return [found] if found else ()
        if not isinstance(answer.get("items"), list):
            raise PayloadChanged("Companies House sent neither a company nor a list")
        items = mappings(answer["items"])
        if any("officer_role" in item for item in items):
            return _board(payload, answer)
        return [found for item in items if _is_open(item) and (found := _searched(item))]


def _only_namesake(answer: Payload, subject: Subject) -> str:
    """The number of the one open company with a name of the subject, or ""."""
    if answer.status != 200:
        return ""
    try:
        body = read_json(answer)
    except PayloadChanged:
        return ""
    keys = {key for name in (subject.name, *subject.aliases) if (key := name_key(name))}
    same = {
        _number(item.get("company_number"))
        for item in mappings(mapping(body).get("items"))
        if _is_open(item) and name_key(text(item.get("title"))) in keys
    }
    return same.pop() if len(same) == 1 else ""


def _both(profile: Payload, officers: Payload) -> Payload:
    """Profile and officers in one; a company may have no officers, any other error is the answer."""
    if officers.status not in (200, 404):
        return officers
    try:
        body = {"profile": read_json(profile)}
        if officers.status == 200:
            body["officers"] = read_json(officers)
    except PayloadChanged:
        return profile
    return Payload(status=200, body=json.dumps(body).encode(), url=profile.url, headers=profile.headers)


def _company(profile: Mapping[str, Any], officers: Mapping[str, Any]) -> Finding | None:
    name, number = text(profile.get("company_name")), _number(profile.get("company_number"))
    if not name or not number:
        return None
    city, country = _seat(profile.get("registered_office_address"), text(profile.get("jurisdiction")))
    former = texts([entry.get("name") for entry in mappings(profile.get("previous_company_names"))])
    values = {
        "legal_name": name,
        "founded_year": _year(profile.get("date_of_creation")),
        "industry": _industry(profile.get("sic_codes")),
        "headquarters": place(city, country) if city and country else "",
        "city": city,
        "country": country,
        "former_names": former,
        "executives": _leaders(officers.get("items")),
    }
    return Finding(
        subject=Subject(name=name, city=city, country=country, aliases=tuple(former)),
        claims=claims(values, _page(number)),
    )


def _searched(item: Mapping[str, Any]) -> Finding | None:
    """A company of a search; the advanced search writes it like a profile."""
    name, number = (
        text(item.get("title")) or text(item.get("company_name")),
        _number(item.get("company_number")),
    )
    if not name or not number:
        return None
    city, country = _seat(item.get("address") or item.get("registered_office_address"), "")
    values = {
        "legal_name": name,
        "founded_year": _year(item.get("date_of_creation")),
        "industry": _industry(item.get("sic_codes")),
        "city": city,
        "country": country,
    }
    return Finding(
        subject=Subject(name=name, city=city, country=country), claims=claims(values, _page(number))
    )


def _board(payload: Payload, answer: Mapping[str, Any]) -> Sequence[Finding]:
    """A list of officers alone: it says the company's number, not its name, and without that proves nothing."""
    named = (answer, *mappings(answer.get("items"))[:1])
    links = (*(text(mapping(each.get("links")).get("self")) for each in named), payload.url)
    found = next(filter(None, map(_OFFICERS.search, links)), None)
    leaders = _leaders(answer.get("items"))
    if not found or not leaders:
        return ()
    reference = f"{_page(_number(found[1]))}/officers"
    return [Finding(subject=Subject(), claims=claims({"executives": leaders}, reference))]


def _is_open(item: Mapping[str, Any]) -> bool:
    return text(item.get("company_status")) not in _CLOSED


def _number(value: Any) -> str:
    """A company number with its eight characters, or ""."""
    found = text(value).upper()
    return found.zfill(8) if _NUMBER.fullmatch(found) else ""


def _page(number: str) -> str:
    return f"https://find-and-update.company-information.service.gov.uk/company/{number}"


def _year(value: Any) -> int | None:
    found = re.match(r"([12]\d{3})-\d\d-\d\d", text(value), re.ASCII)
    return int(found[1]) if found else None


def _seat(value: Any, jurisdiction: str) -> tuple[str, str]:
    """City and country of a registered office; an address without country lies where the company is registered."""
    address = mapping(value)
    shown = text(address.get("country"))
    country = land(shown) or (_HOME if not shown and jurisdiction in _JURISDICTIONS else "")
    return cased(address.get("locality")), country


def _industry(codes: Any) -> str:
    """The division of the first code that says what the company does."""
    known = [code for code in texts(codes) if code.isdigit() and code != _DORMANT]
    return next((DIVISIONS[code.zfill(5)[:2]] for code in known if code.zfill(5)[:2] in DIVISIONS), "")


def _leaders(items: Any) -> list[str]:
    """Those who lead now: "Jane Smith (Director)" of "SMITH, Jane, Dr"."""
    people = []
    for item in mappings(items):
        last, first, *_ = (*(part.strip() for part in text(item.get("name")).split(",")), "")
        role = _ROLES.get(text(item.get("officer_role")))
        if role and last and not text(item.get("resigned_on")):
            name = f"{first} {last.title() if last.isupper() else last}".strip()
            people.append(f"{name} ({role})")
    return list(dict.fromkeys(people))
