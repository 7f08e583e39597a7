"""The LinkedIn page of a company, as its own website links to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError
from sources.identity import name_key
from sources.vendors import social_links, structured_data
from sources.vendors.firmographics import claims
from sources.vendors.kept_pages import join, split
from sources.vendors.site_names import name_in_title, said_name
from sources.vendors.web_page import Page
from sources.vendors.web_site import ABOUT, CONTACT, open_site, own_domain, read

_DOUBTED = 0.5
_SHORTEST = 3


class CompanyLinkedin(Source):
    """Reads the home page of a domain, and its contact and about pages when that links to no LinkedIn page."""

    slug = "company_linkedin"
    label = "LinkedIn page from the company's website"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = ("company_linkedin_url",)
    cadence = Cadence.parse("quarterly")
    limits = Limits(deadline=15.0, max_bytes=2_000_000)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The home page, or several pages in one payload; raises NotAllowed when robots.txt forbids it."""
        site = open_site(call.subject.domain, http, self.limits.deadline)
        home = site.get(f"{site.origin}/")
        pages = [home]
        if not _is_enough(home):
            pages += site.more(home, (CONTACT, ABOUT), self.limits.deadline)
        return [join(pages)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The page that the site calls its own; () when it links to none.

        One whose name has nothing in common with the site, which may be its designer's, is left to a person: the
        finding says that it is not sure, and not at which domain it was found.
        """
        pages = split(payload)
        home = read(pages[0])
        if home is None:
            return ()
        if not pages[0].url:
            raise PayloadChanged("a page without its address proves nothing")
        site = own_domain(pages[0].url)
        name = _name(home, site)
        for answer in pages if site else ():
            page = home if answer is pages[0] else read(answer)
            if page and own_domain(answer.url) == site and (found := _page_on(page, site, name)):
                claim = claims({"company_linkedin_url": found}, answer.url)
                if _is_alike(found, site, name) or found == _declared(page, site):
                    return [
                        Finding(subject=Subject(name=name, domain=site, linkedin_url=found), claims=claim)
                    ]
                return [Finding(subject=Subject(name=name), claims=claim, confidence=_DOUBTED)]
        return ()


def _is_enough(home: Payload) -> bool:
    """Whether the other pages need not be read: the home page shows a LinkedIn page, or nothing at all."""
    try:
        page = read(home)
    except SourceError:
        return True
    return page is None or bool(_declared(page, own_domain(home.url)) or _linked(page))


def _linked(page: Page) -> list[str]:
    """The LinkedIn pages that a page links to."""
    return list(dict.fromkeys(filter(None, (social_links.company_linkedin([link]) for link in page.links))))


def _page_on(page: Page, site: str, name: str) -> str:
    """The page declared in structured data, else the only one that is linked to, else the only one called alike."""
    declared, linked = _declared(page, site), _linked(page)
    if declared or len(linked) == 1:
        return declared or linked[0]
    alike = [link for link in linked if _is_alike(link, site, name)]
    return alike[0] if len(alike) == 1 else ""


def _declared(page: Page, site: str) -> str:
    """The page that the site's own organisation says is the same as itself, or ""."""
    company = structured_data.organisation(structured_data.read_scripts(page.structured), site) or {}
    return social_links.company_linkedin(structured_data.texts(company.get("sameAs")))


def _name(page: Page, site: str) -> str:
    company = structured_data.organisation(structured_data.read_scripts(page.structured), site) or {}
    return said_name(page, company) or name_in_title(page.title, site)


def _is_alike(link: str, site: str, name: str) -> bool:
    """Whether a LinkedIn page is called like the domain or the name: one within the other."""
    slug = _letters(link.rpartition("/")[2])
    return any(
        len(own) >= _SHORTEST and len(slug) >= _SHORTEST and (own in slug or slug in own)
        for own in (_letters(site.partition(".")[0]), _letters(name_key(name)))
    )


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())
