"""The company's own home page: its structured data, descriptions and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors import social_links, structured_data
from sources.vendors.site_names import name_in_title, said_name, short
from sources.vendors.structured_data import Node, node, text
from sources.vendors.web_page import Page
from sources.vendors.web_site import open_site, own_domain, read

_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b", re.ASCII)


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
        site = open_site(call.subject.domain, http, self.limits.deadline)
        return [site.get(f"{site.origin}/")]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the page claims about the company at its own address; () when it says nothing.

        Raises SourceUnavailable when the site let no robot in.
        """
        page = read(payload)
        if page is None:
            return ()
        if not payload.url:
            raise PayloadChanged("a page without its address proves nothing")
        site = own_domain(payload.url)
        if not site:
            return ()
        company = structured_data.organisation(structured_data.read_scripts(page.structured), site) or {}
        values = dict(_values(page, company))
        if not values:
            return ()
        claims = tuple(
            Claim(attribute=slug, value=value, references=(payload.url,)) for slug, value in values.items()
        )
        return [Finding(subject=_subject(site, page, values), claims=claims)]


def _values(page: Page, company: Node) -> Iterator[tuple[str, Any]]:
    """The claims of a page as (attribute, value); each at most once, none empty."""
    address = node(company.get("address"))
    city, region, country = (
        text(address.get(f"address{part}")) for part in ("Locality", "Region", "Country")
    )
    founded = _YEAR.search(text(company.get("foundingDate")))
    candidates = {
        "name": said_name(page, company),
        "legal_name": short(text(company.get("legalName"))),
        "company_description": text(company.get("description"))
        or page.meta.get("description")
        or page.meta.get("og:description"),
        "founded_year": int(founded[1]) if founded else None,
        "headcount": _headcount(company.get("numberOfEmployees")),
        "headquarters": ", ".join(filter(None, (city, region, country)))
        if city and (region or country)
        else "",
        "city": short(city),
        "country": short(country),
        "phone": short(text(company.get("telephone"))),
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
        name=values.get("name") or name_in_title(page.title, site),
        domain=site,
        linkedin_url=values.get("company_linkedin_url", ""),
        city=values.get("city", ""),
        country=values.get("country", ""),
    )


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
