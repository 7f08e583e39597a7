"""The company's own pages: their structured data, descriptions and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError, SourceRefused
from sources.vendors import contact_links, job_postings, social_links, structured_data
from sources.vendors.firmographics import claims
from sources.vendors.job_roles import Role
from sources.vendors.kept_pages import join, split
from sources.vendors.site_names import name_in_title, said_name, short
from sources.vendors.structured_data import Node, node, text
from sources.vendors.web_page import Page
from sources.vendors.web_site import ABOUT, CAREERS, CONTACT, open_site, own_domain, read

_PAGES = {"about": ABOUT, "contact": CONTACT, "careers": CAREERS}
_OF_THE_PAGE = {"name": "name", "company_description": "description"}
_MOST_REFERENCES = 20
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b", re.ASCII)


class CompanyWebsite(Source):
    """Asks the home page of a domain, and of its about, contact and careers pages those that it links to.

    One question makes two to nine requests to one site: robots.txt and the pages it allows, at `https://acme.com/`,
    else at `https://www.acme.com/`, else at `http://acme.com/` when nothing listens for https. A certificate that
    is wrong never leads to plain http. The setting `pages`, by default `["about", "contact", "careers"]`, says which
    pages are read beside the home page.
    """

    slug = "company_website"
    label = "Company website"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = (
        *("name", "legal_name", "company_description", "founded_year", "headcount", "headquarters", "city"),
        *("country", "phone", "email", "company_linkedin_url", "twitter_url", "facebook_url"),
        *("recent_job_postings", "open_job_titles"),
    )
    cadence = Cadence.parse("monthly")
    limits = Limits(deadline=15.0, max_bytes=2_000_000)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The home page as found after redirects, or several pages in one payload.

        Raises NotAllowed when robots.txt forbids the home page, SourceRefused when the setting names no pages.
        """
        kinds = _kinds(call.settings)
        site = open_site(call.subject.domain, http, self.limits.deadline)
        home = site.get(f"{site.origin}/")
        return [join([home, *site.more(home, kinds, self.limits.deadline)])]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the pages claim about the company at their own address; () when they say nothing.

        The home page comes first, the others say what it does not. Raises SourceUnavailable when the site let no
        robot in.
        """
        home, *others = split(payload)
        page = read(home)
        if page is None:
            return ()
        if not home.url:
            raise PayloadChanged("a page without its address proves nothing")
        site = own_domain(home.url)
        if not site:
            return ()
        company, said = _company(page, site), dict[str, Claim]()
        _add(said, (*_values(page, company), *_links(page, site)), home.url)
        for other in others:
            if own_domain(other.url) == site and (further := _page(other)):
                _add(said, _more(further, site), other.url)
                for claim in _postings(further, other.url, site):
                    said.setdefault(claim.attribute, claim)
        if not said:
            return ()
        return [Finding(subject=_subject(site, page, said), claims=tuple(said.values()))]


def _kinds(settings: Mapping[str, Any]) -> list[re.Pattern[str]]:
    """What the setting asks to be read beside the home page."""
    names = settings.get("pages", list(_PAGES))
    if not isinstance(names, list) or any(not isinstance(name, str) or name not in _PAGES for name in names):
        raise SourceRefused(f"the setting 'pages' of the company website is a list of {', '.join(_PAGES)}")
    return [_PAGES[name] for name in names]


def _page(payload: Payload) -> Page | None:
    """A page beside the home page; None when it cannot be read."""
    try:
        return read(payload)
    except SourceError:
        return None


def _add(said: dict[str, Claim], values: Iterable[tuple[str, Any]], url: str) -> None:
    """Claim what is not claimed yet, with the page that says it."""
    for slug, value in values:
        if value:
            said.setdefault(slug, Claim(attribute=slug, value=value, references=(url,)))


def _company(page: Page, site: str) -> Node:
    return structured_data.organisation(structured_data.read_scripts(page.structured), site) or {}


def _more(page: Page, site: str) -> Iterator[tuple[str, Any]]:
    """What a page beside the home page says of the company: in structured data and by its links."""
    company = _company(page, site)
    for slug, value in _values(page, company):
        if slug not in _OF_THE_PAGE or text(company.get(_OF_THE_PAGE[slug])):
            yield slug, value
    yield from _links(page, site)


def _links(page: Page, site: str) -> Iterator[tuple[str, Any]]:
    yield "phone", contact_links.telephone(page.links)
    yield "email", contact_links.mailbox(page.links, site)


def _postings(page: Page, url: str, site: str) -> tuple[Claim, ...]:
    """Claims about the open roles that a page lists in structured data."""
    roles = job_postings.roles(structured_data.read_scripts(page.structured), url, site)
    if not roles:
        return ()
    engineering = [role for role in roles if role.is_engineering]
    return (
        *claims({"recent_job_postings": len(engineering)}, url, *_addresses(engineering)),
        *claims({"open_job_titles": [role.title for role in roles]}, url, *_addresses(roles)),
    )


def _addresses(roles: Iterable[Role]) -> list[str]:
    return [role.url for role in roles][:_MOST_REFERENCES]


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


def _subject(site: str, page: Page, said: Mapping[str, Claim]) -> Subject:
    """Whom the pages are about: the domain they were found at, and its name there or in the title."""
    told = {slug: claim.value for slug, claim in said.items()}
    return Subject(
        name=told.get("name") or name_in_title(page.title, site),
        domain=site,
        linkedin_url=told.get("company_linkedin_url", ""),
        city=told.get("city", ""),
        country=told.get("country", ""),
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
