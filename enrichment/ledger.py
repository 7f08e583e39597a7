"""Lookups: what was asked before is not asked again, and what is asked is written down first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from enrichment import budget, bulk
from enrichment.models import Check, EnrichmentRun, EnrichmentSource, Lookup
from enrichment.models.check import Outcome
from sources.attributes import Kind
from sources.contract import Payload, Pending, Source, Subject

TABLE = "enrichment_lookup"
MARGIN = timedelta(seconds=60)  # a question is in doubt when its deadline passed this long ago
SKEW = timedelta(seconds=2)  # by which the clocks of two machines may differ
ENDED_LATELY = timedelta(days=1)
_sorted_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
Priorities = Mapping[str, Collection[str]]
_STAYS = frozenset({Lookup.State.ANSWERED, Lookup.State.APPLIED, Lookup.State.LATE})


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in the ledger: its lookup, when it was asked, what came."""

    lookup: int
    asked_at: datetime
    payload: Payload
    is_applied: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of questions to be asked: lookup ids by key, keys without budget and why, keys in doubt or flight.

    `busy` maps a key to the lookup that is in the way and its state; `known` are answers that came to others meanwhile.
    `at`: when they were sent, by which their answers are dated now and whenever they are read again.
    """

    at: datetime
    lookups: Mapping[str, int]
    unpaid: Mapping[str, str]
    busy: Mapping[str, tuple[int, str]]
    known: Mapping[str, Kept]


@dataclass(frozen=True, slots=True)
class Poll:
    """A late answer that it is time to ask for: its lookup, the source's name for it, and what was asked."""

    lookup: int
    token: str
    question: Mapping[str, Any]


def question(adapter: Source, subject: Subject) -> dict[str, Any]:
    """The inputs of a subject that the source may be asked with."""
    return {"kind": subject.kind.value, **adapter.question(subject)}


def key_of(source: EnrichmentSource, asked: Mapping[str, Any]) -> str:
    """The digest of a normalised question; the source's settings belong to it, its key and `batch` do not.

    How many are asked together changes no answer.
    """
    settings = {name: value for name, value in source.settings.items() if name != "batch"}
    text = _sorted_json([source.slug, settings, asked])
    return hashlib.sha256(text.casefold().encode()).hexdigest()


def still_answered(
    kind: Kind, source: EnrichmentSource, asked: Mapping[int, Mapping[str, Any]]
) -> frozenset[int]:
    """Records whose last answer stands although more is known of them by now (one query).

    `asked` maps a record to the question as it would be put today. What was found by a part of
    it needs no second question: inputs learned since are often that very answer's own. What was
    found under other settings of the source, such as another table, does not stand.
    """
    if not asked:
        return frozenset()
    column = f"{kind.value}_id"
    checks = Check.objects.filter(source=source, run__undone_at=None, **{f"{column}__in": bulk.among(asked)})
    rows = checks.order_by("at", "id").values_list(column, "outcome", "lookup__question", "lookup__key")
    newest = {owner: (outcome, question or {}, key) for owner, outcome, question, key in rows}
    return frozenset(
        owner
        for owner, (outcome, question, key) in newest.items()
        if outcome == Outcome.FOUND
        and question
        and question.items() <= asked[owner].items()
        and key == key_of(source, question)
    )


def cached(
    source: EnrichmentSource, keys: Collection[str], *, run: int, priorities: Priorities | None = None
) -> dict[str, Kept]:
    """Answers that are still fresh, by key (one query): the newest, or one to this run that waits to be applied.

    `priorities`: of the records that ask, by key; an answer is as fresh as the most demanding of them wants it.
    """
    rows = Lookup.objects.filter(source=source, key__in=bulk.among(keys, "text"), state__in=_STAYS).order_by(
        "sent_at"
    )
    now = bulk.clock()
    found: dict[str, Kept] = {}
    for row in sorted(rows, key=lambda row: row.run_id == run and row.state != Lookup.State.APPLIED):
        due = source.next_due(row.sent_at, (priorities or {}).get(row.key, ("",))) if row.sent_at else None
        if row.sent_at and (due is None or due > now):
            found[row.key] = Kept(row.pk, row.sent_at, payload_of(row), row.state == Lookup.State.APPLIED)
    return found


def refusals(
    source: EnrichmentSource, keys: Collection[str], *, run: int, told: Collection[int]
) -> dict[str, Kept]:
    """Answers of this run that were errors and that nobody was `told` (their lookups), by key: one query.

    Their worker ended after it had closed the question and before it had closed the item.
    """
    if not keys:
        return {}
    failed = Lookup.objects.filter(
        source=source, run=run, key__in=bulk.among(keys, "text"), state=Lookup.State.FAILED
    )
    rows = failed.exclude(answered_at=None).order_by("sent_at", "pk")
    newest = {row.key: Kept(row.pk, row.sent_at, payload_of(row)) for row in rows if row.sent_at}
    # Of a question that was tried again its items know the last error only.
    return {key: kept for key, kept in newest.items() if kept.lookup not in told}


def payload_of(row: Lookup) -> Payload:
    """The kept answer of a lookup as the adapter saw it."""
    return Payload(status=row.status or 0, body=bytes(row.body or b""), url=row.url, headers=row.headers)


def open_questions(
    source: EnrichmentSource,
    adapter: Source,
    *,
    run: int,
    asked: Mapping[str, Mapping[str, Any]],
    priorities: Priorities | None = None,
) -> Opened:
    """Reserve and write down questions as sent, in one commit, before anything leaves.

    `asked` maps key → question. A key that is in flight elsewhere, or uncertain and paid, is busy. One that was
    answered since the caller looked (`cached`, with the same `priorities`) is not asked again.
    """
    now = bulk.clock()
    spend = budget.Spend(source, run, budget.period_of(source, now))
    with transaction.atomic():
        busy = _busy(source, asked)
        free = [key for key in asked if key not in busy]
        fit, reason = budget.reserve(spend, len(free))
        paid, unpaid = free[:fit], free[fit:]
        rows = [
            (source.pk, run, key, json.dumps(asked[key], ensure_ascii=False), "sent", adapter.version, spend.period,
             source.cost, 0, bulk.moment(now), "", "{}", "", "")
            for key in sorted(paid)  # in one order, so that two workers never wait for each other
        ]  # fmt: skip
        made = _insert(rows)
        # Only now: while our rows stand nobody else can ask, so no answer comes between this look and our question.
        known = cached(source, made, run=run, priorities=priorities)
        if known:
            Lookup.objects.filter(pk__in=bulk.among(made.pop(key) for key in known)).delete()
        lost = [key for key in paid if key not in made]
        budget.settle({spend: (len(lost) * source.cost, 0)})
        busy |= _busy(source, [key for key in lost if key not in known])
    return Opened(now, made, dict.fromkeys(unpaid, reason), busy, known)


def _busy(source: EnrichmentSource, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
    states = [*Lookup.OPEN, *([Lookup.State.UNCERTAIN] if source.cost else [])]
    rows = Lookup.objects.filter(source=source, key__in=bulk.among(keys, "text"), state__in=states).order_by(
        "id"
    )
    return {key: (pk, state) for key, pk, state in rows.values_list("key", "pk", "state")}


def take_polls(
    source: EnrichmentSource, keys: Collection[str], *, lease: timedelta, together: bool
) -> dict[str, Poll]:
    """Of the questions that wait for a late answer those to ask for it now, by key; nobody else does for `lease`.

    `together`: with all that wait for the same token, whoever asked: an answer to many may be given once only.
    """
    waiting = Lookup.objects.filter(source=source, state=Lookup.State.WAITING)
    tokens = waiting.filter(key__in=bulk.among(keys, "text"), poll_at__lte=bulk.clock())
    asked = dict(tokens.values_list("key", "token"))
    if not asked:
        return {}
    same = Q(token__in=set(asked.values())) if together else Q(key__in=bulk.among(asked, "text"))
    with transaction.atomic():
        now = bulk.clock()
        rows = list(
            waiting.filter(same, poll_at__lte=now)
            .select_for_update()
            .order_by("pk")
            .only("pk", "key", "token", "question")
        )
        Lookup.objects.filter(pk__in=bulk.among(row.pk for row in rows)).update(poll_at=now + lease)
    return {row.key: Poll(row.pk, row.token, row.question) for row in rows}


def wait_for(pending: Sequence[tuple[int, Pending]]) -> None:
    """Note that the answers of lookups come later; what they may cost stays reserved.

    An answer that was faster than this note stays.
    """
    now = bulk.clock()
    alike: dict[Pending, list[int]] = {}
    for lookup, each in pending:
        alike.setdefault(each, []).append(lookup)
    open_ones = Lookup.objects.filter(state__in=(Lookup.State.SENT, Lookup.State.WAITING))
    with transaction.atomic():
        for each, lookups in alike.items():
            poll_at = None if each.poll_in is None else now + timedelta(seconds=each.poll_in)
            open_ones.filter(pk__in=bulk.among(lookups)).update(
                state=Lookup.State.WAITING, token=_text(each.token)[:500], poll_at=poll_at
            )


def ask_again(lookups: Collection[int]) -> None:
    """Let questions in doubt be put again, as a person decided; what they may have cost stays spent."""
    Lookup.objects.filter(pk__in=bulk.among(lookups), state=Lookup.State.UNCERTAIN).update(
        state=Lookup.State.FAILED, error="no answer was stored; a person had it asked again"
    )


def store_late(lookup: Lookup, payload: Payload) -> bool:
    """Keep an answer that came by itself; False: the lookup has one already, and the first counts."""
    if lookup.state in _STAYS:
        return False
    is_expected = lookup.state in (Lookup.State.SENT, Lookup.State.WAITING)
    store([(lookup.pk, payload)])
    if not is_expected:
        Lookup.objects.filter(pk=lookup.pk).update(state=Lookup.State.LATE)
    return True


def _insert(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Insert lookups; key → id of those that no other worker opened at the same moment."""
    if not rows:
        return {}
    source, keys = rows[0][0], [row[2] for row in rows]
    bulk.insert_unless_there(
        TABLE,
        [("source_id", "bigint"), ("run_id", "bigint"), ("key", "text"), ("question", "jsonb"), ("state", "text"),
         ("version", "int"), ("period", "text"), ("reserved", "int"), ("cost", "int"), ("sent_at", "timestamptz"),
         ("url", "text"), ("headers", "jsonb"), ("error", "text"), ("token", "text")],
        rows,
    )  # fmt: skip
    test, param = bulk.any_of("key", keys)
    # sent_at tells our rows from those of a worker that was first.
    found = bulk.select(
        f"SELECT key, id FROM {TABLE} WHERE source_id = %s AND state = 'sent' AND run_id = %s AND sent_at = %s AND {test}",
        [source, rows[0][1], rows[0][9], param],
    )
    return {str(key): int(pk) for key, pk in found}


def store(answers: Sequence[tuple[int, Payload]]) -> None:
    """Keep answers raw, in a commit of their own, before anything is computed from them."""
    now = bulk.moment(bulk.clock())
    bulk.update(
        TABLE,
        [("state", "text"), ("answered_at", "timestamptz"), ("status", "smallint"), ("url", "text"),
         ("headers", "jsonb"), ("body", "bytea")],
        [
            ("answered", now, payload.status, _text(payload.url), _headers(payload), payload.body, lookup)
            for lookup, payload in answers
        ],
    )  # fmt: skip


def close(source: EnrichmentSource, closed: Sequence[tuple[int, Lookup.State, int, str]]) -> None:
    """Settle lookups: (id, final state, credits spent, error text)."""
    if not closed:
        return
    with transaction.atomic():
        if source.cost:
            _settle(source, closed)
        bulk.update(
            TABLE,
            [("state", "text"), ("cost", "int"), ("reserved", "int"), ("error", "text")],
            [(state.value, cost, 0, _text(error)[:500], lookup) for lookup, state, cost, error in closed],
        )


def _settle(source: EnrichmentSource, closed: Sequence[tuple[int, Lookup.State, int, str]]) -> None:
    """Bring the budgets of the runs that asked to what lookups cost.

    One whose worker was taken for dead may have been settled before.
    """
    rows = Lookup.objects.filter(pk__in=bulk.among(entry[0] for entry in closed)).select_for_update()
    held = {
        row[0]: row for row in rows.order_by("pk").values_list("pk", "run_id", "period", "reserved", "cost")
    }
    totals: dict[budget.Spend, tuple[int, int]] = {}
    for lookup, _, cost, _ in closed:
        _, run, period, reserved, spent = held[lookup]
        asked = budget.Spend(source, run, period)
        before = totals.get(asked, (0, 0))
        totals[asked] = (before[0] + reserved, before[1] + cost - spent)
    budget.settle(totals)


def sweep(now: datetime, deadlines: Mapping[str, float], *, worked_on: Collection[int]) -> int:
    """Close questions whose worker died: paid ones become uncertain and count as spent.

    `deadlines`: seconds a question may take, by source slug. `worked_on`: runs of which a worker held items
    after `now`; the questions of all others have nobody who waits for their answers. Returns how many were closed.
    """
    count = 0
    for source in EnrichmentSource.objects.filter(lookups__state=Lookup.State.SENT).distinct():
        limit = timedelta(seconds=deadlines.get(source.slug, 60.0)) + MARGIN
        is_stale = Q(sent_at__lt=now - limit) | (Q(sent_at__lt=now - SKEW) & ~Q(run__in=worked_on))
        stale = Lookup.objects.filter(is_stale, source=source, state=Lookup.State.SENT)
        state = Lookup.State.UNCERTAIN if source.cost else Lookup.State.FAILED
        text = "no answer was stored: its worker ended"
        closed = [(pk, state, held, text) for pk, held in stale.values_list("pk", "reserved")]
        close(source, closed)
        count += len(closed)
    _settle_ended(now)
    return count


def _settle_ended(now: datetime) -> None:
    """Count answers that runs kept and never applied, since they were canceled, as spent: nothing stays set aside."""
    ended = EnrichmentRun.objects.filter(finished_at__gt=now - ENDED_LATELY).exclude(
        status__in=EnrichmentRun.OPEN
    )
    rows = Lookup.objects.filter(
        run__in=ended.values("pk"), state=Lookup.State.ANSWERED, reserved__gt=0, answered_at__lt=now - SKEW
    )
    held: dict[EnrichmentSource, list[tuple[int, Lookup.State, int, str]]] = {}
    for lookup in rows.select_related("source").defer("body", "headers"):
        held.setdefault(lookup.source, []).append((lookup.pk, Lookup.State.ANSWERED, lookup.reserved, ""))
    for source, closed in held.items():
        close(source, closed)


def _text(text: str) -> str:
    """Text that every database stores: no NUL, no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _headers(payload: Payload) -> str:
    return _text(json.dumps(dict(payload.headers), ensure_ascii=True).replace("\\u0000", ""))


def fresh_keys(source: EnrichmentSource, asked: Priorities) -> set[str]:
    """Which questions have an answer in the ledger that is still fresh (one query, no payloads).

    `asked` maps a key to the priorities of the records that ask, as `cached` takes them.
    """
    now = bulk.clock()
    rows = Lookup.objects.filter(
        source=source, key__in=bulk.among(asked, "text"), state__in=_STAYS, sent_at__isnull=False
    )
    dues = (
        (key, source.next_due(sent, asked[key])) for key, sent in rows.values_list("key", "sent_at") if sent
    )
    return {key for key, due in dues if due is None or due > now}
