"""A company's own site: at which address it answers, what its robots.txt allows, and its pages."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from protego import Protego

from sources.cleaning import Refused, domain
from sources.contract import Http, Payload
from sources.errors import NotAllowed, RateLimited, SourceError, SourceUnavailable, Unreachable
from sources.vendors import page_kinds
from sources.vendors.web_page import MAX_BODY, Page, read_page

ROBOT = "Footnote"
"""The name that a site's robots.txt may address us by."""
ABOUT = re.compile(
    r"about(?:[-_]?us)?|company|who[-_]we[-_]are|our[-_](?:story|company)|ueber[-_]uns|uber[-_]uns|unternehmen"
    r"|a[-_]propos|qui[-_]sommes[-_]nous|sobre(?:[-_]nosotros)?|quienes[-_]somos|chi[-_]siamo|over[-_]ons|om[-_]oss"
)
CONTACT = re.compile(
    r"contacts?(?:[-_]us)?|get[-_]in[-_]touch|kontakt|impressum|imprint|legal[-_]notice|mentions[-_]legales"
    r"|contatti|contacto|contactez[-_]nous"
)
CAREERS = re.compile(
    r"careers?|jobs?|join[-_]us|work[-_](?:with|for|at)[-_]us|vacancies|open[-_](?:roles|positions)|karriere"
    r"|stellen(?:angebote)?|vacatures|emplois?|recrutement|empleo|trabaja[-_]con[-_]nosotros|lavora[-_]con[-_]noi"
)

NEWS = re.compile(
    r"news(?:room)?|press(?:[-_](?:room|releases?|center|centre))?|media|announcements|blog|aktuelles|neuigkeiten|presse"
    r"|actualites|noticias|notizie|nieuws|nyheter"
)

MAX_ROBOTS = 500_000
_ACCEPT = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"}
_HTML = ("text/html", "application/xhtml+xml")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_REDIRECTS, _MOST_REDIRECTS = (301, 302, 303, 307, 308), 5
_ENDING = re.compile(r"\.(?:html?|php|aspx?|jsp)$")


@dataclass(frozen=True, slots=True)
class Site:
    """A site that lets us in: its origin (`https://acme.com`), its rules for robots, and the way there."""

    origin: str
    rules: Protego | None
    http: Http

    def get(self, url: str) -> Payload:
        """The page at `url`, cut at MAX_BODY; raises NotAllowed when robots.txt forbids it."""
        if self.rules and not self.rules.can_fetch(url, ROBOT):
            raise NotAllowed(f"{self.origin}/robots.txt asks robots to stay away from {urlsplit(url).path}")
        page = _follow(self.http, url, _ACCEPT)
        return replace(page, body=page.body[:MAX_BODY])

    def more(self, home: Payload, kinds: Iterable[re.Pattern[str]], seconds: float) -> list[Payload]:
        """Of each kind (ABOUT, CONTACT …) the first page that `home` links to and that can be read in time."""
        until = time.monotonic() + seconds
        try:
            page = read(home)
            site = self if home.url.startswith(f"{self.origin}/") else enter(origin_of(home.url), self.http)
        except SourceError:
            return []
        found: list[Payload] = []
        for link in linked(page, home.url, kinds) if page else ():
            if time.monotonic() > until:
                break
            try:
                answer = site.get(link)
            except SourceError:
                continue
            if answer.status == 200 and is_html(answer):
                found.append(answer)
        return found


def open_site(name: str, http: Http, deadline: float) -> Site:
    """The site of a domain: at `https://`, else `https://www.`, else `http://` when nothing listens for https.

    A certificate that is wrong never leads to plain http. Raises NotAllowed when robots.txt forbids the home page.
    """
    started = time.monotonic()
    for origin in (f"https://{name}", f"https://www.{name}", f"http://{name}"):
        try:
            return enter(origin, http)
        except Unreachable as error:
            unreachable = error
            if time.monotonic() - started > deadline / 2:
                break
    raise unreachable


def enter(origin: str, http: Http) -> Site:
    """The site at `origin` by its robots.txt, as RFC 9309 says: 4xx allows all, and where it cannot be told we stay away."""
    answer = _follow(http, f"{origin}/robots.txt", None)
    if answer.status >= 500 or answer.status == 429:
        raise SourceUnavailable(
            f"{origin}/robots.txt answers {answer.status}: the site is not read until it is readable"
        )
    if not 200 <= answer.status < 300:
        return Site(origin, None, http)
    body = answer.body
    if len(body) > MAX_ROBOTS:  # the start of a line may forbid more than the line does
        body = body[: body.rfind(b"\n", 0, MAX_ROBOTS) + 1]
    rules = Protego.parse(body.decode("utf-8", "replace"))
    if not rules.can_fetch(f"{origin}/", ROBOT):
        raise NotAllowed(f"{origin}/robots.txt asks robots to stay away")
    return Site(origin, rules, http)


def _follow(http: Http, url: str, headers: Mapping[str, str] | None) -> Payload:
    """What is at `url`, where the network of a source with an address of its own leaves redirects to us."""
    for _ in range(1 + _MOST_REDIRECTS):
        answer = http.get(url, headers=headers)
        location = answer.headers.get("location", "")
        if answer.status not in _REDIRECTS or not location:
            return answer
        try:
            url = urljoin(url, location)
        except ValueError:
            return answer
    raise SourceUnavailable(f"{origin_of(url)} redirects more than {_MOST_REDIRECTS} times")


def read(payload: Payload) -> Page | None:
    """The page of a payload; None when there is none, or only a parked domain or a server's default page.

    Raises RateLimited and SourceUnavailable when the site let no robot in.
    """
    if payload.status == 429:
        pause = payload.headers.get("retry-after", "")
        seconds = float(pause) if pause.isascii() and pause.isdigit() and len(pause) < 7 else None
        raise RateLimited(f"{payload.url} asks for a pause", retry_after=seconds, is_of_one_site=True)
    if payload.status in (401, 403, 407, 451) or payload.status >= 500:
        raise SourceUnavailable(f"{payload.url} refused to show its page ({payload.status})")
    if payload.status != 200 or not is_html(payload):
        return None
    page = read_page(payload.body, payload.headers.get("content-type", ""))
    if page_kinds.is_blocked(page, payload.body):
        raise SourceUnavailable(f"{payload.url} shows robots a check instead of its page")
    return None if page_kinds.is_empty_site(page, payload.body) else page


def is_html(payload: Payload) -> bool:
    """Whether the body is a page: by its type, or where there is none by how it begins."""
    kind = payload.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = payload.body[:1_024]
    if b"\x00" in start and not start.startswith(_UTF_16):
        return False
    return kind in _HTML or (not kind and b"<" in start)


def linked(page: Page, base: str, kinds: Iterable[re.Pattern[str]]) -> list[str]:
    """Of each kind the first link of a page, at `base`, to a page of the same site."""
    links = [link for link in (_joined(base, target) for target in page.links) if link]
    found = [next((link for link in links if kind.fullmatch(_last(link))), "") for kind in kinds]
    return list(dict.fromkeys(filter(None, found)))


def origin_of(url: str) -> str:
    """Scheme and host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def own_domain(url: str) -> str:
    """The company's domain that a page stands at, or "" when the page is part of another company's site."""
    try:
        return domain(url)
    except Refused:
        return ""


def _joined(base: str, target: str) -> str:
    """The address of a link without its fragment; "" when it leads to another host or no page."""
    try:
        link = urljoin(base, target.strip()).partition("#")[0]
        parts, home = urlsplit(link), urlsplit(base)
        is_own = parts.scheme in ("http", "https") and parts.netloc == home.netloc
    except ValueError:
        return ""
    return link if is_own and len(link) < 2_000 and parts.path.strip("/") else ""


def _last(link: str) -> str:
    """The last part of a link's path in lower case, without an ending such as `.html`."""
    path = urlsplit(link).path.strip("/").lower()
    return _ENDING.sub("", path.rpartition("/")[2])
