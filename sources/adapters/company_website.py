"""The company's own home page: its structured data, descriptions and links."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from protego import Protego

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.cleaning import Refused, domain
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged, RateLimited, SourceUnavailable, Unreachable
from sources.vendors import page_kinds, social_links, structured_data
from sources.vendors.structured_data import Node, node, text
from sources.vendors.web_page import MAX_BODY, Page, read_page

ROBOT = "Footnote"
"""The name that a site's robots.txt may address us by."""

MAX_ROBOTS = 500_000
MAX_NAME = 200
_ACCEPT = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"}
_HTML = ("text/html", "application/xhtml+xml")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b", re.ASCII)
_TITLE_BREAK = re.compile(r"\s+[|–—·•»:-]+\s+|\s*[|»]\s*|:\s+")
_NO_NAMES = frozenset(
    ("home", "homepage", "home page", "welcome", "start", "startseite", "accueil", "inicio")
)


class CompanyWebsite(Source):
    """Asks the home page of a domain, when its robots.txt lets us.

    One question makes two to six requests to one site: robots.txt and the page, at `https://acme.com/`, else at
    `https://www.acme.com/`, else at `http://acme.com/` when nothing listens for https. A certificate that is
    wrong never leads to plain http.
    """

    slug = "company_website"
    label = "Company website"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = (
        *("name", "legal_name", "company_description", "founded_year", "headcount", "headquarters", "city"),
        *("country", "phone", "email", "company_linkedin_url", "twitter_url", "facebook_url"),
    )
    cadence = Cadence.parse("monthly")
    limits = Limits(deadline=15.0, max_bytes=2_000_000)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The home page as found after redirects; raises NotAllowed when robots.txt forbids it."""
        started = time.monotonic()
        name = call.subject.domain
        for origin in (f"https://{name}", f"https://www.{name}", f"http://{name}"):
            try:
                _ask_robots(origin, http)
            except Unreachable as error:
                unreachable = error
                if time.monotonic() - started > self.limits.deadline / 2:
                    break
            else:
                page = http.get(f"{origin}/", headers=_ACCEPT)
                return [
                    Payload(status=page.status, body=page.body[:MAX_BODY], url=page.url, headers=page.headers)
                ]
        raise unreachable

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the page claims about the company at its own address; () when it says nothing.

        Raises SourceUnavailable when the site let no robot in.
        """
        _check_status(payload)
        if payload.status != 200 or not _is_html(payload):
            return ()
        page = read_page(payload.body, payload.headers.get("content-type", ""))
        if page_kinds.is_blocked(page, payload.body):
            raise SourceUnavailable(f"{payload.url} shows robots a check instead of its page")
        if page_kinds.is_empty_site(page, payload.body):
            return ()
        if not payload.url:
            raise PayloadChanged("a page without its address proves nothing")
        try:
            site = domain(payload.url)
        except Refused:  # the page is part of another company's site
            return ()
        company = structured_data.organisation(structured_data.read_scripts(page.structured), site) or {}
        values = dict(_values(page, company))
        if not values:
            return ()
        claims = tuple(
            Claim(attribute=slug, value=value, references=(payload.url,)) for slug, value in values.items()
        )
        return [Finding(subject=_subject(site, page, values), claims=claims)]


def _ask_robots(origin: str, http: Http) -> None:
    """Read robots.txt as RFC 9309 says: 4xx allows all, and where it cannot be told we stay away."""
    answer = http.get(f"{origin}/robots.txt")
    if answer.status >= 500 or answer.status == 429:
        raise SourceUnavailable(
            f"{origin}/robots.txt answers {answer.status}: the site is not read until it is readable"
        )
    if 200 <= answer.status < 300:
        body = answer.body
        if len(body) > MAX_ROBOTS:  # the start of a line may forbid more than the line does
            body = body[: body.rfind(b"\n", 0, MAX_ROBOTS) + 1]
        rules = Protego.parse(body.decode("utf-8", "replace"))
        if not rules.can_fetch(f"{origin}/", ROBOT):
            raise NotAllowed(f"{origin}/robots.txt asks robots to stay away")


def _check_status(payload: Payload) -> None:
    """Raise what a status that is not about the page means."""
    if payload.status == 429:
        pause = payload.headers.get("retry-after", "")
        seconds = float(pause) if pause.isascii() and pause.isdigit() and len(pause) < 7 else None
        raise RateLimited(f"{payload.url} asks for a pause", retry_after=seconds)
    if payload.status in (401, 403, 407, 451) or payload.status >= 500:
        raise SourceUnavailable(f"{payload.url} refused to show its page ({payload.status})")


def _is_html(payload: Payload) -> bool:
    """Whether the body is a page: by its type, or where there is none by how it begins."""
    kind = payload.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = payload.body[:1_024]
    if b"\x00" in start and not start.startswith(_UTF_16):
        return False
    return kind in _HTML or (not kind and b"<" in start)


def _values(page: Page, company: Node) -> Iterator[tuple[str, Any]]:
    """The claims of a page as (attribute, value); each at most once, none empty."""
    address = node(company.get("address"))
    city, region, country = (
        text(address.get(f"address{part}")) for part in ("Locality", "Region", "Country")
    )
    founded = _YEAR.search(text(company.get("foundingDate")))
    candidates = {
        "name": _short(text(company.get("name"))) or _short(page.meta.get("og:site_name", "")),
        "legal_name": _short(text(company.get("legalName"))),
        "company_description": text(company.get("description"))
        or page.meta.get("description")
        or page.meta.get("og:description"),
        "founded_year": int(founded[1]) if founded else None,
        "headcount": _headcount(company.get("numberOfEmployees")),
        "headquarters": ", ".join(filter(None, (city, region, country)))
        if city and (region or country)
        else "",
        "city": _short(city),
        "country": _short(country),
        "phone": _short(text(company.get("telephone"))),
        "email": _email(text(company.get("email"))),
    }
    same_as = structured_data.texts(company.get("sameAs"))
    for slug, find in (
        ("company_linkedin_url", social_links.company_linkedin),
        ("twitter_url", social_links.twitter),
        ("facebook_url", social_links.facebook),
    ):
        candidates[slug] = find(same_as) or find(page.links)
    yield from ((slug, value) for slug, value in candidates.items() if value)


def _subject(site: str, page: Page, values: dict[str, Any]) -> Subject:
    """Whom the page is about: the domain it was found at, and its name there or in its title."""
    return Subject(
        name=values.get("name") or _name_in_title(page.title, site),
        domain=site,
        linkedin_url=values.get("company_linkedin_url", ""),
        city=values.get("city", ""),
        country=values.get("country", ""),
    )


def _name_in_title(title: str, site: str) -> str:
    """The part of a title that looks like the name of the site, else its first part that says something."""
    parts = [part for part in _TITLE_BREAK.split(title) if part and part.lower() not in _NO_NAMES]
    label = site.partition(".")[0].replace("-", "")
    for part in parts:
        letters = re.sub(r"[\W_]", "", part).lower()
        if letters and (letters in label or label in letters):
            return _short(part)
    return _short(parts[0]) if parts else ""


def _headcount(value: Any) -> int | str | None:
    """A number of people, bare or as a QuantitativeValue; ranges say no number."""
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value > 0 else None
    return text(value) or None


def _email(address: str) -> str:
    address = address.removeprefix("mailto:")
    return address if "@" in address and len(address) <= 254 else ""


def _short(value: str) -> str:
    """A value that is short enough to be a name, or nothing."""
    return value if len(value) <= MAX_NAME else ""
