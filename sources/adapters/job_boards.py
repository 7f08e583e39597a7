"""Open roles on public job boards; asked are Greenhouse, Ashby, Lever, Recruitee and Workable, others are read too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.identity import name_key
from sources.vendors.firmographics import site
from sources.vendors.job_posts import posts
from sources.vendors.job_roles import Role, role_claims
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_json, text

_BOARDS = (
    "https://boards-api.greenhouse.io/v1/boards/{}/jobs",
    "https://api.ashbyhq.com/posting-api/job-board/{}",
    "https://api.lever.co/v0/postings/{}?mode=json",
    "https://api.eu.lever.co/v0/postings/{}?mode=json",
    "https://{}.recruitee.com/api/offers/",
    "https://apply.workable.com/api/v1/widget/accounts/{}",
)
_HOSTS = ("greenhouse.io", "ashbyhq.com", "lever.co")
"""Boards whose own pages show a company's roles below its name."""
_NAMED_PATHS = ("rippling.com", "smartrecruiters.com")
_NAMED_HOSTS = ("recruitee.com", "myworkdayjobs.com")
_OTHER_HOSTS = (*_NAMED_PATHS, *_NAMED_HOSTS, "workable.com")
"""Boards whose addresses have the company's name in their path or host, and one without."""
_DESCRIPTIONS = ("content", "description", "descriptionHtml", "opening", "additional")
_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_MENTIONED = re.compile(r"(?:https?://|@)([a-z0-9.-]{4,253})", re.IGNORECASE)
_MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Board:
    """A company's board: what it calls the company, its roles, and the page that lists them."""

    name: str
    domain: str
    page: str
    roles: tuple[Role, ...]
    is_whole: bool


class JobBoards(Source):
    """Asks each board for one named like the domain (acme of acme.com) or the company, until one has open roles."""

    slug = "job_boards"
    label = "Job boards (Greenhouse, Ashby, Lever and others)"
    version = 3
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = ("recent_job_postings", "open_job_titles")
    cadence = Cadence.parse("weekly monday")
    limits = Limits(per_minute=60, in_flight=4, deadline=30.0, max_bytes=5_000_000)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The first board with roles; else an answer that was an error, else the last one."""
        answer = None
        for token in _tokens(call.subject):
            for board in _BOARDS:
                came = http.get(board.format(token), headers={"Accept": "application/json"})
                if came.status == 200 and _has_roles(came):
                    return [came]
                # An error hides whether there are roles, so it must not be told as "not found".
                if answer is None or answer.status in (200, 404):
                    answer = came
        return [answer or Payload(status=404, body=b"{}")]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The board's roles; () for a name without a board, and for an empty one, which may be given up."""
        if payload.status == 404 or _is_missing(payload):
            return ()
        raise_for_status(payload)
        board = _read(payload)
        if not board.roles:
            return ()
        found = role_claims(board.roles, board.page, is_whole=board.is_whole)
        return [Finding(subject=Subject(name=board.name, domain=board.domain), claims=found)]


def _is_missing(payload: Payload) -> bool:
    """Whether the body of a success says that there is no such board."""
    try:
        answer = mapping(read_json(payload)) if payload.status == 200 else {}
    except PayloadChanged:
        return False
    return answer.get("ok") is False or answer.get("status") == 404


def _tokens(subject: Subject) -> list[str]:
    """What a board may be called: as the domain before its first dot, or as the company's name in one word."""
    label = subject.domain.partition(".")[0]
    names = [label, name_key(subject.name).replace(" ", "")]
    return [name for name in dict.fromkeys(names) if re.fullmatch(r"[a-z0-9-]{2,60}", name)]


def _has_roles(answer: Payload) -> bool:
    try:
        return bool(_read(answer).roles)
    except PayloadChanged:
        return True  # something is there: the caller reads it again and says what is wrong


def _read(payload: Payload) -> Board:
    """The board of an answer; raises PayloadChanged for what is none."""
    entries, is_whole = posts(payload)
    roles = tuple({(role.title, role.url): role for role in _roles(entries)}.values())
    if entries and not roles and not any("isListed" in entry for entry in entries):
        raise PayloadChanged("the job board sent jobs without title and address")
    names = Counter(name for entry in entries if (name := text(entry.get("company_name"))))
    page, token = _page(roles)
    return Board(
        # Ashby and Lever do not say the company's name: it stands in the address of its board.
        name=names.most_common(1)[0][0] if names else token,
        domain=_own_domain(roles) or _mentioned_domain(entries, token),
        page=page,
        roles=roles,
        is_whole=is_whole,
    )


def _roles(entries: Sequence[Mapping[str, Any]]) -> Iterator[Role]:
    """The listed roles: `absolute_url` is Greenhouse's word, `jobUrl` Ashby's, `hostedUrl` Lever's."""
    for entry in entries:
        url = next(
            (link for key in ("absolute_url", "jobUrl", "hostedUrl") if (link := _link(entry.get(key)))), ""
        )
        title = text(entry.get("text") if "hostedUrl" in entry else entry.get("title"))
        if url and title and entry.get("isListed") is not False:
            filed = mapping(entry.get("categories")) or entry
            named = [text(department.get("name")) for department in mappings(entry.get("departments"))]
            departments = filter(None, (*named, text(filed.get("department")), text(filed.get("team"))))
            yield Role(title=title, url=url, departments=tuple(departments))


def _link(value: Any) -> str:
    found = text(value)
    return found if found.startswith(("https://", "workday:/")) and " " not in found else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_on_board(url: str, boards: Sequence[str] = (*_HOSTS, *_OTHER_HOSTS)) -> bool:
    host = _host(url)
    return any(host == name or host.endswith(f".{name}") for name in boards)


def _page(roles: Sequence[Role]) -> tuple[str, str]:
    """The board's page, where it is certain, and the name in its address, from the first role shown on the board."""
    for role in roles:
        if _is_on_board(role.url, _HOSTS):
            parts = urlsplit(role.url)
            token = parts.path.strip("/").partition("/")[0]
            return f"https://{parts.hostname}/{token}", token
        if _is_on_board(role.url, _NAMED_PATHS):
            parts = urlsplit(role.url)
            words = [word for word in parts.path.split("/") if word and not _LOCALE.fullmatch(word)]
            return "", words[0] if words else ""
        if _is_on_board(role.url, _NAMED_HOSTS):
            return "", _host(role.url).partition(".")[0]
    return "", ""


def _own_domain(roles: Sequence[Role]) -> str:
    """The company's domain, when the board shows its roles on the company's own site."""
    found = Counter(domain for role in roles if not _is_on_board(role.url) and (domain := site(role.url)))
    return found.most_common(1)[0][0] if found else ""


def _mentioned_domain(entries: Sequence[Mapping[str, Any]], token: str) -> str:
    """The domain that descriptions of roles link or write to, when it is called like the board."""
    label = token.lower().replace("-", "")
    shown = " ".join(text(entry.get(key))[:_MOST_TEXT] for entry in entries[:20] for key in _DESCRIPTIONS)
    hosts = Counter(host.lower().strip(".-") for host in _MENTIONED.findall(shown))
    domains = (site(host) for host, _ in hosts.most_common(50))
    return next((name for name in domains if name.partition(".")[0].replace("-", "") == label and label), "")
