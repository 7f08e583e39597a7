"""Crunchbase's JSON of organizations (API v4): what a page of the database claims about a company.

Fields and codes: data.crunchbase.com/docs (Organization, Funding Round, enumerations).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from sources.contract import Claim, Finding, Subject
from sources.errors import PayloadChanged
from sources.vendors.firmographics import address, claims, company_page, is_chief, land, place, site
from sources.vendors.json_answers import mapping, mappings, text, texts

Json = Mapping[str, Any]

FIELDS = (
    *("identifier", "name", "legal_name", "aliases", "website_url", "short_description", "categories"),
    *("location_identifiers", "num_employees_enum", "revenue_range", "founded_on", "phone_number"),
    *("contact_email", "linkedin", "twitter", "facebook", "stock_symbol", "investor_identifiers"),
    *("funding_total", "last_funding_type", "last_funding_at", "last_funding_total"),
)
"""The fields that are asked for: an answer holds only those."""
CARD = "raised_funding_rounds"
"""The card with the rounds, which only the look-up of one organization gives."""

_SITE = "https://www.crunchbase.com"
_EMPLOYEES = re.compile(r"c_0*(\d{1,6})_0*(\d{1,6}|max)", re.ASCII)
_BAND = re.compile(r"\d{1,6} ?[-–] ?\d{1,6}|\d{1,6}\+", re.ASCII)
_REVENUE = {
    "r_00000000": "<$1M",
    "r_00001000": "$1M-$10M",
    "r_00010000": "$10M-$50M",
    "r_00050000": "$50M-$100M",
    "r_00100000": "$100M-$500M",
    "r_00500000": "$500M-$1B",
    "r_01000000": "$1B-$10B",
    "r_10000000": "$10B+",
}
_UNTOLD = frozenset(("undisclosed", "series_unknown_undisclosed"))
_ORGANIZATION = frozenset(("organization", "company"))


def finding(organization: Json) -> Finding | None:
    """What is claimed about an organization (`properties` and perhaps `cards`); None when nothing is.

    Raises PayloadChanged when it is another kind of entity: a person, a funding round.
    """
    about = _about(organization)
    identifier = mapping(about.get("identifier"))
    kind = text(identifier.get("entity_def_id")) or text(about.get("entity_def_id"))
    if kind and kind not in _ORGANIZATION:
        raise PayloadChanged(f"Crunchbase answered about a {kind[:30]} instead of an organization")
    seat = next(iter(_card(organization, "headquarters_address")), about)
    city, country = (_located(seat, level) for level in ("city", "country"))
    identity: dict[str, Any] = {
        "name": text(about.get("name")) or text(identifier.get("value")),
        "domain": site(website(organization)),
        "city": city,
        "country": land(country),
    }
    page = company_page(_link(about.get("linkedin")))
    permalink = text(identifier.get("permalink")) or text(about.get("permalink"))
    name = permalink or text(about.get("uuid")) or text(organization.get("uuid"))
    reference = _page("organization", name) or f"crunchbase:{identity['domain'] or identity['name']}"
    public = _page("organization", permalink)
    values = {**identity, "company_linkedin_url": page, "crunchbase_url": public, **_facts(about, seat)}
    values["ticker"] = values["ticker"] or _ticker(_card(organization, "ipos"))
    found = (
        *claims(values, reference),
        *_funding(organization, reference),
        *claims(_leaders(_card(organization, "jobs")), reference),
    )
    if not found:
        return None
    other_names = (values["legal_name"], *texts(about.get("aliases")))
    aliases = tuple(dict.fromkeys(alias for alias in other_names if alias and alias != identity["name"]))
    return Finding(subject=Subject(**identity, linkedin_url=page, aliases=aliases), claims=found)


def website(organization: Json) -> str:
    """The address of an organization's website, or ""."""
    about = _about(organization)
    return next(filter(None, map(_link, map(about.get, ("website_url", "website", "homepage_url")))), "")


def at_home(organizations: Sequence[Json]) -> list[Json]:
    """Of organizations that share a domain those whose website is the domain itself, when there are any.

    Branches and products of a company are organizations too, with pages below its site.
    """
    homes = {site(website(each)) for each in organizations if _is_home(website(each))}
    return [
        each for each in organizations if _is_home(website(each)) or site(website(each)) not in homes - {""}
    ]


def _is_home(address: str) -> bool:
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return False
    return bool(host) and host == site(address) and parts.path.strip("/") == ""


def _about(organization: Json) -> Json:
    """The fields of an organization; those of an autocompletion stand without a wrapper."""
    all_fields = next(iter(_card(organization, "fields")), {})
    given = mapping(organization.get("properties")) or ({} if all_fields else organization)
    return {**all_fields, **given}


def _card(organization: Json, name: str) -> list[Json]:
    """The entries of a card, one alone as well."""
    found = mapping(organization.get("cards")).get(name)
    return [found] if isinstance(found, dict) else mappings(found)


def _facts(about: Json, seat: Json) -> dict[str, Any]:
    city, region, country = (_located(seat, level) for level in ("city", "region", "country"))
    return {
        "legal_name": text(about.get("legal_name")),
        "company_description": text(about.get("short_description")) or text(about.get("description")),
        "industry": ", ".join(_names(about.get("categories"))),
        "headcount": _employees(text(about.get("num_employees_enum"))),
        "revenue_range": _REVENUE.get(text(about.get("revenue_range")), ""),
        "founded_year": _link(about.get("founded_on"))[:4],
        "headquarters": place(city, region, country) if city and (region or country) else "",
        "phone": text(about.get("phone_number")),
        "email": address(about.get("contact_email")),
        "twitter_url": _link(about.get("twitter")),
        "facebook_url": _link(about.get("facebook")),
        "ticker": text(mapping(about.get("stock_symbol")).get("label"))
        or _link(about.get("stock_symbol"))
        or text(about.get("listed_stock_symbol")),
    }


def _funding(organization: Json, reference: str) -> tuple[Claim, ...]:
    """Claims about rounds. Those about the latest one are all of the organization's fields or all of one round."""
    about = _about(organization)
    rounds = _card(organization, CARD)
    backers = [name for each in rounds for name in _backers(each)]
    backers += _names([each.get("identifier") for each in _card(organization, "investors")])
    in_all = {
        "total_funding": _dollars(about.get("funding_total")),
        "investors": texts(backers) or _names(about.get("investor_identifiers")),
    }
    latest = {
        "funding_stage": _stage(about.get("last_funding_type")),
        "last_funding_date": _day(about.get("last_funding_at")),
        "last_funding_amount": _dollars(about.get("last_funding_total")),
    }
    if not any(latest.values()):  # of those that are no loans and no grants something may be known alone
        latest["funding_stage"] = _stage(about.get("last_equity_funding_type"))
        latest["last_funding_amount"] = _dollars(about.get("last_equity_funding_total"))
    dated = [each for each in rounds if _day(each.get("announced_on"))]
    if any(latest.values()) or not dated:
        return (*claims(latest, reference), *claims(in_all, reference))
    newest = max(dated, key=lambda each: _day(each.get("announced_on")))
    in_all["total_funding"] = in_all["total_funding"] or _dollars(
        newest.get("funded_organization_funding_total")
    )
    latest = {
        "funding_stage": _stage(newest.get("investment_type")),
        "last_funding_date": _day(newest.get("announced_on")),
        "last_funding_amount": _dollars(newest.get("money_raised")),
    }
    shown = text(mapping(newest.get("identifier")).get("permalink")) or text(newest.get("permalink"))
    return (*claims(latest, _page("funding_round", shown), reference), *claims(in_all, reference))


def _leaders(jobs: Sequence[Json]) -> dict[str, Any]:
    """Executives with their titles, and the chief when there is one only."""
    held = [
        (_link(job.get("person_identifier")), text(job.get("title")))
        for job in jobs
        if job.get("job_type") == "executive"
        and job.get("is_current") is not False
        and not job.get("ended_on")
    ]
    named = [(name, title) for name, title in held if name and title]
    chiefs = list(dict.fromkeys(name for name, title in named if is_chief(title)))
    return {
        "executives": texts([f"{name}, {title}" for name, title in named]),
        "ceo_name": chiefs[0] if len(chiefs) == 1 else "",
    }


def _ticker(ipos: Sequence[Json]) -> str:
    """The symbol of the latest flotation that was not undone."""
    listed = [each for each in ipos if not each.get("delisted_on")]
    latest = max(listed, key=lambda each: _day(each.get("went_public_on")), default={})
    return _link(latest.get("stock_symbol"))


def _backers(funding_round: Json) -> list[str]:
    return _names(funding_round.get("lead_investor_identifiers")) + _names(
        funding_round.get("investor_identifiers")
    )


def _names(identifiers: Any) -> list[str]:
    """What identifiers are called: each is an object with a `value`, in old answers the bare name."""
    values = identifiers if isinstance(identifiers, list) else []
    return texts([mapping(each).get("value") if isinstance(each, dict) else each for each in values])


def _located(about: Json, level: str) -> str:
    """The city, region or country of the headquarters."""
    places = mappings(about.get("location_identifiers"))
    return next((text(each.get("value")) for each in places if each.get("location_type") == level), "")


def _link(value: Any) -> str:
    """The text of a link or date, which is the bare text or an object with a `value`."""
    return text(value.get("value")) if isinstance(value, dict) else text(value)


def _day(value: Any) -> str:
    """A date that names its day; "" when only month or year are certain."""
    precision = text(value.get("precision")) if isinstance(value, dict) else ""
    return _link(value)[:10] if precision in ("", "day") else ""


def _dollars(value: Any) -> float | None:
    """An amount in US dollars; other currencies are converted by Crunchbase itself."""
    money = mapping(value)
    amount = money.get("value_usd")
    if amount is None and money.get("currency") == "USD":
        amount = money.get("value")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    return amount if amount > 0 else None


def _stage(value: Any) -> str:
    code = text(value)
    return "" if code in _UNTOLD else code


def _employees(code: str) -> str:
    """ "51-100" for the code c_00051_00100, "10001+" for c_10001_max."""
    found = _EMPLOYEES.fullmatch(code)
    if not found:
        return code if _BAND.fullmatch(code) else ""
    return f"{found[1]}+" if found[2] == "max" else f"{found[1]}-{found[2]}"


def _page(kind: str, name: str) -> str:
    """The public page of an entity, or ""."""
    return f"{_SITE}/{kind}/{quote(name, safe='')}" if name else ""
