"""Vendors that misbehave, through the whole engine: each ends in its named outcome, and no earlier value is lost."""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from crm.models import Account
from enrichment import runs
from enrichment.claims import record
from enrichment.models import (
    AttributeValue,
    Check,
    EnrichmentRun,
    EnrichmentSource,
    Lookup,
    RunItem,
    Throttle,
)
from sources.attributes import Kind
from sources.contract import Source
from tests.factories import make_account, make_answer, make_run
from tests.sources import test_http_behaviours as wire
from tests.sources.servers import Answer, reply, serving

_NUMBERS = count(1)  # of accounts: those of one stage are nobody's at the next
EARLIER = 5  # headcount before anything goes wrong
GOOD = 77  # headcount of the answer when the vendor is asked again
FAILED, FOUND, NOT_FOUND, PARKED = "failed", "found", "not_found", "parked"
DRIFT = frozenset({FOUND, NOT_FOUND, FAILED, "rejected", "review"})
WRONG = frozenset({FAILED})

NAMED: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "error": (WRONG, WRONG),
    "error, no retry": (WRONG, WRONG),
    "error; key not sent on": (WRONG, WRONG),
    "error; source paused": (WRONG, WRONG),
    "error or cleaned value": (WRONG | {FOUND}, WRONG | {FOUND}),
    "value or error": (WRONG | {FOUND}, WRONG | {FOUND}),
    "not found": (frozenset({NOT_FOUND}), frozenset({NOT_FOUND})),
    "schema drift: value refused or converted with a note; raw answer kept": (DRIFT, DRIFT),
    "retry": (WRONG, frozenset({PARKED})),
    "retry only with an idempotency key or by policy": (WRONG, frozenset({PARKED})),
    "retry later, same key": (frozenset({PARKED}), frozenset({PARKED})),
    "retry with back-off": (frozenset({PARKED}), frozenset({PARKED})),
    "retry with a floor": (frozenset({PARKED}), frozenset({PARKED})),
    "retry after 1 s": (frozenset({PARKED}), frozenset({PARKED})),
    "parse": (DRIFT, DRIFT),
    "either": (DRIFT, DRIFT),
    "refuse": (WRONG, WRONG),
    "no answer": (WRONG, frozenset({PARKED})),
    "answer or none": (WRONG | {FOUND}, WRONG | {FOUND, PARKED}),
}
"""The outcomes that a name of the corpora allows, of a paid and of a free question."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One misbehaviour: what the server says to the first question, and what must come of it.

    `body`: what must be kept, None where no whole answer comes. `charged`: yes, no, or neither is sure. `recovers`:
    asked again, the vendor is good.
    """

    corpus: str
    name: str
    answer: Answer
    expected: str
    body: bytes | None = None
    charged: str = "unknown"
    recovers: bool = True


@dataclass(frozen=True)
class Came:
    """What came of a case, for a question of `cost` credits; `wrong` is empty when all is as it must be."""

    case: Case
    cost: int
    outcome: str
    state: str
    lookup: str
    reason: str
    wrong: tuple[str, ...]


def bodies(shared: Path) -> Iterator[Case]:
    """The answers of `vendor-bodies/answers.jsonl`."""
    for line in (shared / "corpora/vendor-bodies/answers.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        body = row["body"].encode("utf-8", "surrogatepass")
        is_cut = "Content-Length" in row["headers"] or "Content-Encoding" in row["headers"]
        expected = "no answer" if is_cut else row["outcome"]
        yield Case(
            corpus="vendor-bodies", name=f"{row['status']} {row['note'] or row['outcome']}"[:60], expected=expected,
            answer=_http(row["status"], {"Content-Type": row["content_type"]} | row["headers"], body),
            body=None if is_cut else body, charged=row["charged"],
        )  # fmt: skip


def json_texts(shared: Path) -> Iterator[Case]:
    """The bodies of `vendor-bodies/json-parsing.jsonl`."""
    for line in (
        (shared / "corpora/vendor-bodies/json-parsing.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        row = json.loads(line)
        body = base64.b64decode(row["body_base64"])
        yield Case(
            corpus="json-parsing", name=row["name"].removesuffix(".json"), expected=row["must"], body=body,
            answer=_http(200, {"Content-Type": "application/json"}, body), charged="yes",
        )  # fmt: skip


def behaviours() -> Iterator[Case]:
    """Servers that break off, drip, lie or flood: `http-behaviours`, as far as any vendor may do it."""
    corpus = "http-behaviours"
    for name, (answer, _) in wire.ENDS_WITH_AN_ERROR.items():
        yield Case(corpus=corpus, name=name, answer=answer, expected="no answer")
    bomb = reply(wire.BOMB, Content_Encoding="gzip")
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000
    negative = wire.closing(wire.HEAD + b"Content-Length: -1\r\n\r\nhello")
    yield Case(corpus=corpus, name="gzip-1000", answer=bomb, expected="no answer")
    yield Case(
        corpus=corpus,
        name="type-image",
        answer=wire.flood(wire.HEAD + b"\r\n", 50_000_000),
        expected="no answer",
    )
    yield Case(
        corpus=corpus, name="103-many", answer=wire.closing(hints + reply(b"ok")), expected="answer or none"
    )
    yield Case(corpus=corpus, name="length-negative", answer=negative, expected="error", body=b"hello")


def _http(status: int, headers: dict[str, str], body: bytes) -> Answer:
    length = {} if "Content-Length" in headers or status == 204 else {"Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in (headers | length).items())]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode("latin-1") + body


class Stage:
    """A server whose next answer is set, an adapter that asks it, and a source row of each price."""

    def __init__(self, adapter: Source) -> None:
        self.adapter = adapter
        self.next: Answer | None = None

    def say(self, connection: Any, head: bytes) -> None:
        """Misbehave once, then be good."""
        answer, self.next = self.next, None
        if answer is None:
            domain = head.split(b"domain=")[1].split(b" ")[0].decode()
            body = json.dumps({"company": {"name": "Acme", "domain": domain, "employees": GOOD}}).encode()
            answer = reply(body, Connection="close")
        if callable(answer):
            answer(connection, head)
        else:
            connection.sendall(answer)

    def try_(self, case: Case, *, cost: int) -> Came:
        """Put one question to the server that misbehaves; where it is to be asked again, once more."""
        source = self._source(cost)
        account = self._account(source)
        self.next = case.answer
        run = runs.start(
            kind=Kind.ACCOUNT, records=Account.objects.filter(pk=account.pk), sources=[source.slug]
        )
        runs.work(run.pk, until=lambda: False)
        item = RunItem.objects.get(run=run)
        entry = item.outcomes.get(source.slug, {"outcome": "nothing", "reason": ""})
        lookup = Lookup.objects.filter(run=run).order_by("pk").first()
        wrong = [*_wrong(case, cost, entry["outcome"], lookup), *self._lost(account, entry["outcome"])]
        if entry["outcome"] == PARKED and case.recovers:
            wrong += self._again(run, account)
        if case.expected == "error; source paused" and source.pk not in _paused():
            wrong.append("the source is not paused")
        return Came(
            case, cost, entry["outcome"], item.state, f"{lookup.state} {lookup.cost}" if lookup else "none",
            entry["reason"], tuple(wrong),
        )  # fmt: skip

    def _source(self, cost: int) -> EnrichmentSource:
        fields = {
            "adapter": self.adapter.slug,
            "label": "Corpus",
            "is_enabled": True,
            "cost": cost,
            "cadence": "monthly",
        }
        EnrichmentSource.objects.update_or_create(
            slug=f"{self.adapter.slug}", defaults=fields | {"paused_until": None, "paused_reason": ""}
        )
        Throttle.objects.all().delete()
        return EnrichmentSource.objects.get(slug=self.adapter.slug)

    def _account(self, source: EnrichmentSource) -> Account:
        """An account about which the source answered long ago."""
        number = next(_NUMBERS)
        account = make_account(name="Acme", domain=f"acme{number}.example")
        told = make_answer(account.pk, source.pk, -400, headcount=EARLIER)
        record(run=make_run(status="COMPLETED").pk, kind=Kind.ACCOUNT, answers=[told])
        return account

    def _lost(self, account: Account, outcome: str) -> Iterator[str]:
        account.refresh_from_db()
        shown = account.current_values.get("headcount", {}).get("value")
        if shown is None:
            yield "the earlier value is lost"
        elif outcome != FOUND and shown != EARLIER:
            yield f"the earlier value became {shown!r}"
        if AttributeValue.objects.filter(account=account, value__in=["", None, [], {}]).exists():
            yield "a blank is stored as a value"
        if (
            outcome not in (FOUND, NOT_FOUND, "rejected")
            and Check.objects.filter(account=account).count() > 1
        ):
            yield "no answer is remembered as one"

    def _again(self, run: EnrichmentRun, account: Account) -> Iterator[str]:
        """Let time pass: now the vendor is good."""
        past = timezone.now() - timedelta(seconds=1)
        RunItem.objects.filter(run=run).update(not_before=past)
        EnrichmentSource.objects.exclude(paused_until=None).update(paused_until=past)
        runs.work(run.pk, until=lambda: False)
        account.refresh_from_db()
        if account.current_values["headcount"]["value"] != GOOD:
            yield "the good answer that followed is not there"


def _wrong(case: Case, cost: int, outcome: str, lookup: Lookup | None) -> Iterator[str]:
    allowed = NAMED[case.expected][0 if cost else 1]
    if outcome not in allowed:
        yield f"{outcome}, not {' or '.join(sorted(allowed))}"
    if lookup is None:
        yield "no lookup"
        return
    if lookup.state in Lookup.OPEN:
        yield f"its lookup is still {lookup.state}"
    if case.body is not None and bytes(lookup.body or b"") != case.body:
        yield "the answer is not kept as it came"
    if case.charged == "yes" and lookup.cost != cost and outcome != NOT_FOUND:
        yield f"{lookup.cost} credits were counted, the vendor charges {cost}"
    if case.charged == "no" and lookup.cost:
        yield f"{lookup.cost} credits were counted, the vendor charges nothing"


def _paused() -> set[int]:
    rows = EnrichmentSource.objects.filter(paused_until__gt=timezone.now())
    return set(rows.values_list("pk", flat=True))


@contextmanager
def stage(adapter: Source, *, tls: ssl.SSLContext | None = None, scheme: str = "") -> Iterator[Stage]:
    """A stage whose server the adapter's source is sent to, by https where it has `tls`."""
    ours = Stage(adapter)
    variable = f"{adapter.slug.upper()}_BASE_URL"
    with serving(lambda connection, head: ours.say(connection, head), tls=tls) as server:
        before, settings.EGRESS_ALLOW = settings.EGRESS_ALLOW, [server.netloc]
        os.environ[variable] = f"{scheme or ('https' if tls else 'http')}://{server.netloc}"
        try:
            yield ours
        finally:
            del os.environ[variable]
            settings.EGRESS_ALLOW = before
