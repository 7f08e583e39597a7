"""Which technologies a site uses: rules over its page, the headers it came with, and its DNS records.

The rules stand in `sources/data/technologies.csv`, one a line: technology, category, where to look, what to find.
`host`: a script, image, frame or form at that host, perhaps below a path · `path`: the text in the path of one ·
`header`: a header, perhaps `name: text in its value` · `generator`: the start of a meta generator · `mark`: text of the
page · `ns`, `cname`: text in a name server or in what the www name stands for.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from sources.contract import Payload
from sources.vendors.charset import decode
from sources.vendors.mail_hosts import mail_provider, services
from sources.vendors.markup import read_attributes, read_tags

CMS, ANALYTICS = "cms", "analytics"
RECORDS = ("NS", "CNAME", "MX", "TXT")
"""The kinds of DNS records that are looked at; CNAME is that of the www name."""

_DATA = Path(__file__).resolve().parent.parent / "data" / "technologies.csv"
_SOURCES = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "form": "action"}
_LINK = re.compile(r"(?:https?:)?(?:\\?/){2}([a-z0-9.-]{4,100})((?:\\?/[^\s\"'<>\\]{0,200})*)", re.IGNORECASE)
_MOST_RESOURCES = 2_000
_MOST_INLINE = 300_000
_PLAIN_SCRIPTS = ("", "text/javascript", "application/javascript", "module")


@dataclass(frozen=True, slots=True, order=True)
class Technology:
    """A technology's name with its category (cms, analytics, cdn …)."""

    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A technology, where to look for it, and what shows it."""

    technology: Technology
    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a site shows: the addresses of its resources, meta tags, headers, text, and DNS records by kind."""

    resources: Sequence[str] = ()
    metas: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    records: Mapping[str, Sequence[str]] = field(default_factory=dict)


def gather(page: Payload, records: Mapping[str, Sequence[str]]) -> Evidence:
    """The evidence of a page with the DNS records of its domain; never raises, whatever the page is."""
    text = decode(page.body, page.headers.get("content-type", ""))
    resources: list[str] = []
    metas: list[tuple[str, str]] = []
    inline = 0
    for tag in read_tags(text):
        if tag.closes:
            continue
        if tag.name == "meta":
            said = read_attributes(tag.attributes)
            metas.append((said.get("name", "").strip().lower(), said.get("content", "")))
        elif tag.name in _SOURCES and len(resources) < _MOST_RESOURCES:
            said = read_attributes(tag.attributes)
            resources += _joined(page.url, said.get(_SOURCES[tag.name], ""))
            if (
                tag.inside
                and said.get("type", "").strip().lower() in _PLAIN_SCRIPTS
                and inline < _MOST_INLINE
            ):
                inline += len(tag.inside)
                resources += _within(tag.inside[:_MOST_INLINE])
    return Evidence(
        resources=resources[:_MOST_RESOURCES], metas=metas, headers=page.headers, text=text, records=records
    )


def detect(evidence: Evidence) -> list[Technology]:
    """The technologies that rules find on a page and behind its name, in the order of the rules."""
    shown = _Shown(evidence)
    found = (rule.technology for rule in _rules() if shown.shows(rule))
    return list(dict.fromkeys(found))


def mail_services(evidence: Evidence) -> list[str]:
    """The services that MX and TXT records name."""
    provider = mail_provider(evidence.records.get("MX", ()))
    return list(dict.fromkeys(filter(None, (provider, *services(evidence.records.get("TXT", ()))))))


class _Shown:
    """Evidence made ready for many rules."""

    def __init__(self, evidence: Evidence) -> None:
        self._headers = {name.lower(): value.lower() for name, value in evidence.headers.items()}
        self._generators = [said.strip().lower() for name, said in evidence.metas if name == "generator"]
        self._text = evidence.text
        parts = [part for part in map(_parts, evidence.resources) if part]
        self._paths = "\n".join(path for _, path in parts)
        self._below: dict[str, list[str]] = {}
        for host, path in parts:
            for domain in _domains(host):
                self._below.setdefault(domain, []).append(path)
        self._records = {kind.lower(): "\n".join(texts).lower() for kind, texts in evidence.records.items()}

    def shows(self, rule: Rule) -> bool:
        """Whether the evidence shows what a rule looks for."""
        if rule.where == "host":
            host, slash, path = rule.what.partition("/")
            return any(each.startswith(slash + path) for each in self._below.get(host, ()))
        if rule.where == "path":
            return rule.what in self._paths
        if rule.where == "header":
            name, _, said = rule.what.partition(": ")
            return name in self._headers and said in self._headers[name]
        if rule.where == "generator":
            return any(said.startswith(rule.what) for said in self._generators)
        if rule.where == "mark":
            return rule.what in self._text
        return rule.what in self._records.get(rule.where, "")


@cache
def _rules() -> tuple[Rule, ...]:
    with _DATA.open(encoding="utf-8", newline="") as file:
        return tuple(
            Rule(Technology(row["technology"], row["category"]), row["where"], row["what"])
            for row in csv.DictReader(file)
        )


def _joined(base: str, link: str) -> Iterator[str]:
    """The full address of a resource, when it has one."""
    try:
        found = urljoin(base, link.strip())
    except ValueError:
        return
    if found.startswith(("http://", "https://")):
        yield found[:2_000]


def _within(script: str) -> Iterable[str]:
    """The addresses that a script names, those of the snippets that load another one among them."""
    return (f"https://{match[1]}{match[2]}".replace("\\/", "/") for match in _LINK.finditer(script))


def _parts(link: str) -> tuple[str, str] | None:
    """Host and path of an address in lower case."""
    try:
        parts = urlsplit(link)
        return (parts.hostname or "", parts.path.lower() or "/")
    except ValueError:
        return None


def _domains(host: str) -> Iterator[str]:
    """A host and the domains it lies in: a.b.com, b.com."""
    labels = host.split(".")[-6:]
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])
