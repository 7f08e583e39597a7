"""What tests of JSON sources share: recordings, a network from memory, hostile answers, and damaged ones."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sources.attributes import BY_SLUG
from sources.cleaning import Refused, clean
from sources.contract import Call, Payload, Question, Source, Subject
from sources.errors import SourceError

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads"
JUNK: tuple[Any, ...] = (
    None,
    "",
    "N/A",
    -1,
    0,
    1e300,
    True,
    [],
    {},
    [None],
    [[]],
    ["x"],
    {"a": 1},
    "\x00\ud83d",
)

_LEFT_OUT = object()


def recorded(path: str, *, status: int = 200, url: str = "", **headers: str) -> Payload:
    """The recording `path` ("vendor/file") as an answer."""
    return Payload(status=status, body=(PAYLOADS / path).read_bytes(), url=url, headers=headers)


def answer(
    value: Any, *, status: int = 200, url: str = "", headers: Mapping[str, str] | None = None
) -> Payload:
    """`value` as a JSON answer; bytes are the body as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Payload(status=status, body=body, url=url, headers=headers or {})


def ask(*subjects: Subject, wanted: tuple[str, ...] = (), key: str = "") -> Call:
    """A call with one question for each subject."""
    questions = [Question(subject=subject) for subject in subjects]
    return Call(questions=questions, wanted={slug: BY_SLUG[slug] for slug in wanted}, key=key)


def claims(adapter: Source, payload: Payload) -> dict[str, Any]:
    """What the only finding claims, by attribute."""
    (finding,) = adapter.parse(payload, {})
    return {claim.attribute: claim.value for claim in finding.claims}


class Network:
    """An `Http` that answers from memory: the first entry whose text occurs in the URL; 404 for the rest."""

    def __init__(self, **answers: Payload | SourceError) -> None:
        self.answers: dict[str, Payload | SourceError] = dict(answers)
        self.asked: list[str] = []
        self.params: list[Mapping[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Payload:
        self.asked.append(url)
        self.params.append(params or {})
        self.headers.append(headers or {})
        found = next((kept for part, kept in self.answers.items() if part in url), answer({}, status=404))
        if isinstance(found, SourceError):
            raise found
        return Payload(status=found.status, body=found.body, url=found.url or url, headers=found.headers)

    def post(self, url: str, *, json: Any, headers: Mapping[str, str] | None = None) -> Payload:
        raise AssertionError("none of these sources is sent anything")

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        raise AssertionError("none of these sources asks for DNS records")


def misbehaviour(adapter: Source, shared: Path, *, believes: bool = False) -> list[str]:
    """The hostile bodies of the corpus that raise anything but a SourceError, or are believed as a claim.

    `believes`: the adapter takes any object with a known key, so that only blank claims count.
    """
    return [
        name for name, payload in _hostile(shared) if not _is_contained(adapter, payload, believes=believes)
    ]


def damage(adapter: Source, payload: Payload) -> list[str]:
    """The places of a good answer where junk makes `parse` raise anything but a SourceError, or claim a blank."""
    whole = json.loads(payload.body)
    return [
        f"{path} = {junk!r}"
        for path in list(_paths(whole))
        for junk in (*JUNK, _LEFT_OUT)
        if not _is_contained(adapter, _replaced(payload, _torn(whole, path, junk)), believes=True)
    ]


def _hostile(shared: Path) -> Iterator[tuple[str, Payload]]:
    folder = shared / "corpora" / "vendor-bodies"
    for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        headers = {name.lower(): value for name, value in case["headers"].items()}
        body = case["body"].encode("utf-8", "surrogatepass")
        yield (
            f"{case['status']} {case['note']}",
            Payload(status=case["status"], body=body, url="https://api.example/x", headers=headers),
        )
    for line in (folder / "json-parsing.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        yield case["name"], Payload(status=200, body=base64.b64decode(case["body_base64"]))


def _is_contained(adapter: Source, payload: Payload, *, believes: bool) -> bool:
    try:
        findings = adapter.parse(payload, {})
        claimed = [claim for finding in findings for claim in finding.claims]
        blank = [claim for claim in claimed if not claim.references or _is_blank_claim(claim)]
        return not blank and (believes or not claimed)
    except SourceError:
        return True
    except Exception:
        return False


def _is_blank_claim(claim: Any) -> bool:
    try:
        return clean(BY_SLUG[claim.attribute], claim.value) is None
    except Refused:
        return False


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in a JSON value; of a list only the first two items."""
    if path:
        yield path
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:2] if isinstance(value, list) else [])
    )
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _torn(whole: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of `whole` with `junk` at `path`, or without it."""
    torn = holder = copy.deepcopy(whole)
    for key in path[:-1]:
        holder = holder[key]
    if junk is _LEFT_OUT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    return torn


def _replaced(payload: Payload, value: Any) -> Payload:
    return answer(value, status=payload.status, url=payload.url, headers=payload.headers)
