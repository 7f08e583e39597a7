"""BuiltWith's JSON of domains: the technologies in use, the company behind the site, and errors inside a 200.

Shape and error codes: api.builtwith.com/domain-api and api.builtwith.com/errorCodes. Dates are milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sources.contract import Finding, Payload, Subject
from sources.errors import PayloadChanged, RateLimited, SourceError, SourceRefused, SourceUnavailable
from sources.vendors import social_links
from sources.vendors.firmographics import claims, land, place, site
from sources.vendors.json_answers import count, mapping, mappings, read_json, text, texts

Json = Mapping[str, Any]

INVALID_DOMAIN = "-8"

# A page is visited again within weeks, so what was not seen for three months before the last visit is gone.
_GONE_AFTER = 90 * 86_400_000
_LEFT_AFTER = 365 * 86_400_000
_WRITTEN_TIME = re.compile(r"(?:/Date\()?(\d{9,15})[^\d]?.*", re.ASCII)
# Tags of what a page says about itself (titles, character sets, style rules), which is no technology of a company.
_NO_TECHNOLOGY = re.compile(r"docinfo|seo[_ -].*|encoding|css|language|link|copyright|robots|parked")
_NO_SITE = frozenset(("domain not resolving", "parked domain", "domain parking"))
_VERSION = re.compile(r"[ .-]*v?\d.*", re.IGNORECASE)
_HOME = ("", "www")


def finding(result: Json) -> Finding | None:
    """What is claimed about the domain of one result; None when BuiltWith knows nothing of it."""
    name = domain_of(result)
    if not name:
        return None
    meta = mapping(result.get("Meta"))
    identity: dict[str, Any] = {
        "name": text(meta.get("CompanyName")),
        "domain": name,
        "city": text(meta.get("City")),
        "country": land(meta.get("Country")),
    }
    values = {
        # The domain is the question's: that BuiltWith repeats it says nothing about the company.
        **{slug: value for slug, value in identity.items() if slug != "domain"},
        **_technologies(result),
        "industry": text(meta.get("Vertical")),
        "phone": next(iter(texts(meta.get("Telephones"))), ""),
        "headcount": count(mapping(result.get("Attributes")).get("Employees")),
        "headquarters": _seat(meta),
        **_pages(texts(meta.get("Social"))),
    }
    found = claims(values, f"https://builtwith.com/{name}")
    if not found:
        return None
    page = values["company_linkedin_url"]
    return Finding(subject=Subject(**identity, linkedin_url=page), claims=found)


def domain_of(result: Json) -> str:
    """The registrable domain that a result is about, or ""."""
    return site(result.get("Lookup"))


def assign(body: Any, domains: Sequence[str]) -> list[Any] | None:
    """A bulk answer as one answer for each of `domains`; None when it holds no results, only errors.

    A domain without a result gets the errors, and the results that are nobody's: they say themselves whom they are
    about.
    """
    answer = mapping(body)
    results = mappings(answer.get("Results"))
    if not results:
        return None
    found: dict[str, list[Json]] = {}
    for result in results:
        found.setdefault(domain_of(result), []).append(result)
    others = [result for name, own in found.items() if name not in domains for result in own]
    rest = {"Results": others, "Errors": answer.get("Errors")}
    return [{"Results": found[name]} if name in found else rest for name in domains]


def is_unreadable(payload: Payload) -> bool:
    """Whether an answer about several domains says no more than that a domain among them is invalid."""
    try:
        answer = mapping(read_json(payload))
    except PayloadChanged:
        return False
    errors = mappings(answer.get("Errors"))
    return bool(errors) and not answer.get("Results") and text(errors[0].get("Code")) == INVALID_DOMAIN


def error_of(errors: Sequence[Json]) -> SourceError:
    """What the first error of an answer means."""
    code = text(errors[0].get("Code"))
    if code in ("-2", "-3", "-5"):
        reason = {"-2": "does not accept the key", "-3": "has no credit left for us"}
        return SourceRefused(f"BuiltWith {reason.get(code, 'does not allow this on our plan')} ({code})")
    if code == "-7":
        return RateLimited("BuiltWith takes one question at a time for this key (-7)")
    if code == "-99":
        return SourceUnavailable("BuiltWith could not answer (-99): ask again later")
    told = text(errors[0].get("Message"))[:200] or "an error that is not expected"
    return PayloadChanged(f"BuiltWith answered: {told} ({code[:20] or 'no code'})")


def _technologies(result: Json) -> dict[str, Any]:
    """The technologies in use on all pages of a domain, the home page's first."""
    paths = _visited(mappings(mapping(result.get("Result")).get("Paths")))
    paths.sort(key=lambda path: text(path.get("SubDomain")).lower() not in _HOME)
    used = [pair for path in paths for pair in _in_use(path)]
    return {
        "tech_stack": list(dict.fromkeys(name for name, _ in used)),
        "cms": next((name for name, tag in used if tag == "cms"), ""),
        "analytics_tools": list(dict.fromkeys(name for name, tag in used if tag == "analytics")),
    }


def _visited(paths: list[Json]) -> list[Json]:
    """The pages that are still visited: one that was left a year before another was visited is gone."""
    newest = max((_time(path.get("LastIndexed")) or 0 for path in paths), default=0)
    return [path for path in paths if (_time(path.get("LastIndexed")) or newest) >= newest - _LEFT_AFTER]


def _in_use(path: Json) -> Iterator[tuple[str, str]]:
    """Name and tag of each technology that was still there when the page was last visited."""
    visited = _time(path.get("LastIndexed"))
    for technology in mappings(path.get("Technologies")):
        name, tag = _product(technology), text(technology.get("Tag")).lower()
        if not name or _NO_TECHNOLOGY.fullmatch(tag) or name.lower() in _NO_SITE:
            continue
        seen = _time(technology.get("LastDetected"))
        if seen is None or visited is None or seen >= visited - _GONE_AFTER:
            yield name, tag


def _product(technology: Json) -> str:
    """The name of a technology; of a version ("jQuery 3.1" of "jQuery") that of the product."""
    name, parent = text(technology.get("Name")), text(technology.get("Parent"))
    is_version = name.lower().startswith(parent.lower()) and _VERSION.fullmatch(name[len(parent) :])
    return parent if parent and is_version else name


def _pages(links: Sequence[str]) -> dict[str, str]:
    """The company's pages among links that may lack their scheme."""
    full = [link if "//" in link else f"https://{link}" for link in links]
    return {
        "company_linkedin_url": social_links.company_linkedin(full),
        "twitter_url": social_links.twitter(full),
        "facebook_url": social_links.facebook(full),
    }


def _seat(meta: Json) -> str:
    """City, state and country of the company, when the city is known with one of them."""
    city, state, country = text(meta.get("City")), text(meta.get("State")), land(meta.get("Country"))
    return place(city, state, country) if city and (state or country) else ""


def _time(value: Any) -> float | None:
    """A time in milliseconds; old versions write it as the text "/Date(1293840000000)/"."""
    if isinstance(value, str) and (found := _WRITTEN_TIME.fullmatch(value)):
        return float(found[1])
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
