"""The technologies of a company's site, by rules of our own over its home page, headers and DNS records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError
from sources.vendors import fingerprints
from sources.vendors.firmographics import claims
from sources.vendors.json_answers import mapping, mappings, text, texts
from sources.vendors.kept_pages import beside, join, split
from sources.vendors.technologies import (
    ANALYTICS,
    CMS,
    RECORDS,
    Evidence,
    Technology,
    detect,
    gather,
    mail_services,
)
from sources.vendors.web_site import open_site, own_domain, read


class TechnologySource(Source):
    """Reads the home page of a domain and its DNS records.

    The setting `fingerprints` is the path of a JSON file in Wappalyzer's format, whose rules are used as well.
    """

    slug = "technology"
    label = "Technologies of the website"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = ("tech_stack", "cms", "analytics_tools")
    cadence = Cadence.parse("monthly")
    limits = Limits(deadline=15.0, max_bytes=2_000_000)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The home page with the records and what the user's own rules found.

        Raises NotAllowed when robots.txt forbids it, SourceRefused when the setting names no file of rules.
        """
        name = call.subject.domain
        site = open_site(name, http, self.limits.deadline)
        home = site.get(f"{site.origin}/")
        hosts = {kind: f"www.{name}" if kind == "CNAME" else name for kind in RECORDS}
        records = {kind: _records(http, host, kind) for kind, host in hosts.items()}
        path = text(call.settings.get("fingerprints"))
        extra = fingerprints.found(path, gather(home, records)) if path else []
        return [join([home], dns=records, found=[asdict(each) for each in extra])]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What is used; () when there is no page. Raises SourceUnavailable when the site let no robot in."""
        home = split(payload)[0]
        if read(home) is None:
            return ()
        if not home.url:
            raise PayloadChanged("a page without its address proves nothing")
        site = own_domain(home.url)
        if not site:
            return ()
        records = {kind: texts(mapping(beside(payload, "dns")).get(kind)) for kind in RECORDS}
        evidence = gather(home, records)
        used = [*detect(evidence), *_extra(beside(payload, "found"))]
        found = _claims(used, evidence, home.url, site)
        return [Finding(subject=Subject(domain=site), claims=found)] if found else ()


def _records(http: Http, name: str, kind: str) -> tuple[str, ...]:
    """The records; () also when no name server tells: the page says the most."""
    try:
        return http.records(name, kind)
    except SourceError:
        return ()


def _extra(found: object) -> list[Technology]:
    """The technologies that the user's rules found when the page was asked for."""
    return [
        Technology(name, text(each.get("category")))
        for each in mappings(found)
        if (name := text(each.get("name")))
    ]


def _claims(used: Sequence[Technology], evidence: Evidence, url: str, site: str) -> tuple[Claim, ...]:
    """Claims about what is used, each name once in its first spelling."""
    mail = mail_services(evidence)
    names: dict[str, str] = {}
    for name in (*(each.name for each in used), *mail):
        names.setdefault(name.casefold(), name)
    shown = [url, *(f"dns:{site}/{kind}" for kind in RECORDS if evidence.records.get(kind))]
    by_page: Mapping[str, object] = {
        "cms": next((each.name for each in used if each.category == CMS), ""),
        "analytics_tools": list(dict.fromkeys(each.name for each in used if each.category == ANALYTICS)),
    }
    return (*claims({"tech_stack": list(names.values())}, *shown), *claims(by_page, url))
