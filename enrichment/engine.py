"""One chunk of items through the steps of a plan."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crm.models import Account, Contact, Record
from enrichment import bulk, ledger
from enrichment.asking import Asker
from enrichment.claims import Answer, RunUndone, record
from enrichment.claims.state import owner_column
from enrichment.models import (
    Check,
    CustomAttribute,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    Lookup,
    RunItem,
)
from enrichment.models.check import Outcome
from enrichment.plan import Plan, Step
from enrichment.reply import Reply
from enrichment.rows import accept, subject_of_row
from enrichment.subjects import has_inputs, subject_of
from enrichment.verifying import Cleaned, Judged, clean_claims, judge_findings
from enrichment.winner import WRITERS
from enrichment.work import ANSWERS, PARKED, SKIPPED, Work
from sources.attributes import BY_SLUG, Attribute, Kind

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Believed:
    """An answer about one item, ready to be recorded."""

    work: Work
    outcome: Outcome
    key: str
    reply: Reply
    cleaned: Cleaned


class Chunk:
    """Items of one run, claimed by this worker, and everything read once for them."""

    def __init__(
        self,
        run: EnrichmentRun,
        plan: Plan,
        items: Sequence[RunItem],
        *,
        alive: Callable[[], bool],
        held: Callable[[], bool],
        sources: Mapping[str, EnrichmentSource],
    ) -> None:
        self.run, self.plan, self.kind, self.alive, self.held = run, plan, Kind(run.kind), alive, held
        custom = {row.slug: row.as_attribute() for row in CustomAttribute.objects.all()}
        self.catalogue: dict[str, Attribute] = {**BY_SLUG, **custom}
        records, column = _records(self.kind, items), owner_column(self.kind)
        fresh = Freshness.objects.filter(**{f"{column}__in": bulk.among(records)})
        told = list(fresh.values_list(column, "source_id", "key", "due_at", "checked_at"))
        checked = {(owner, source): at for owner, source, _, _, at in told}
        given = _Given(plan, sources, checked)
        self.works = [
            Work(item, records[pk], subject_of(records[pk], row=item.row), given.by(records[pk]))
            for item in items
            if (pk := _record_id(item, self.kind)) in records
        ]
        rows = [item for item in items if item.subject and not _record_id(item, self.kind)]
        self.works += [
            Work(item, None, subject_of_row(self.kind, item.subject or {}, row=item.row), {}) for item in rows
        ]
        ours = {work.item.pk for work in self.works}
        self.orphans = [item for item in items if item.pk not in ours]
        self._fresh: dict[tuple[int | None, int], tuple[str, datetime | None]] = {
            (owner, source): (key, due) for owner, source, key, due, _ in told
        }
        checks = Check.objects.filter(run=run, **{f"{column}__in": bulk.among(records)})
        self._checked = {
            (owner, source): (outcome, lookup, state)
            for owner, source, outcome, lookup, state in checks.values_list(
                column, "source_id", "outcome", "lookup_id", "lookup__state"
            )
        }

    def process(self) -> None:
        """Take every step, then close the items."""
        for step in self.plan.steps:
            self._settle_recorded(step.source)
            if not self.alive():
                return
            self._take(step)
        if self.alive():
            self._close()

    def _settle_recorded(self, source: EnrichmentSource) -> None:
        """Settle lookups whose answers this run recorded before a restart, the moment before it would have."""
        recorded = {
            lookup: _spent(source, is_miss=outcome == Outcome.NOT_FOUND)
            for (_, asked), (outcome, lookup, state) in self._checked.items()
            if asked == source.pk and state == Lookup.State.ANSWERED
        }
        ledger.close(source, [(lookup, Lookup.State.APPLIED, cost, "") for lookup, cost in recorded.items()])

    def _take(self, step: Step) -> None:
        fresh = self._fresh_until(step)
        asking: dict[str, list[Work]] = {}
        for work in self.works:
            if not self._is_skipped(work, step, fresh):
                key = ledger.key_of(step.source, ledger.question(step.adapter, work.subject))
                asking.setdefault(key, []).append(work)
        if not asking:
            return
        wanted = {
            slug: self.catalogue[slug] for slug in (*self.run.wanted, *step.goals) if slug in self.catalogue
        }
        asker = Asker(
            step, run=self.run.pk, parallel=self.run.parallel, wanted=wanted, catalogue=self.catalogue, alive=self.alive,
            held=self.held,
        )  # fmt: skip
        parts = asker.parts(
            {key: works[0].subject for key, works in asking.items()},
            {
                key: {work.record.priority for work in works if work.record} or {""}
                for key, works in asking.items()
            },
            told=_told(step.source.slug, self.works),
        )
        undone: RunUndone | None = None
        with closing(parts):  # also where recording fails, what is in flight is kept at once
            for replies in parts:
                try:
                    if not undone:
                        self._apply(step, asking, replies)
                except RunUndone as error:  # what is in flight is kept all the same
                    undone = error
        if undone:
            raise undone

    def _fresh_until(self, step: Step) -> dict[int, datetime | None]:
        """Records whose answer needs no new question, with the date it is due; None: never."""
        now = bulk.clock()
        fresh: dict[int, datetime | None] = {}
        grown: dict[int, dict[str, Any]] = {}
        for work in self.works:
            key, due = self._fresh.get((work.record.pk if work.record else None, step.source.pk), ("", now))
            if work.record is None or (due is not None and due <= now):
                continue
            asked = ledger.question(step.adapter, work.subject)
            if key == ledger.key_of(step.source, asked):
                fresh[work.record.pk] = due
            else:
                grown[work.record.pk] = asked
        standing = ledger.still_answered(self.kind, step.source, grown)
        return fresh | {owner: self._fresh[owner, step.source.pk][1] for owner in standing}

    def _is_skipped(self, work: Work, step: Step, fresh: Mapping[int, datetime | None]) -> bool:
        slug, pair = step.source.slug, (work.record.pk if work.record else None, step.source.pk)
        if pair in self._checked:  # this run's own answer, recorded before a restart
            work.note_checked(slug, self._checked[pair][0])
            return True
        if work.is_done_with(slug):
            return True
        if not has_inputs(work.subject, step.adapter.needs):
            needs = " or ".join(" and ".join(need) for need in step.adapter.needs)
            work.note(slug, SKIPPED, f"missing input: needs {needs}")
            return True
        if work.record and work.record.pk in fresh and not work.awaits(slug):
            due = fresh[work.record.pk]
            work.note(slug, SKIPPED, f"fresh until {due:%Y-%m-%d}" if due else "fresh: never due again")
            return True
        if step.is_needless(work.subject):
            work.note(slug, SKIPPED, "not needed: what it is asked for is known")
            return True
        if _is_for_gaps(step) and (work.parked_until or work.waits_for):
            work.note(slug, PARKED, "waits for what better ranked sources say")
            return True
        if step.goals and all(work.needs_no(step.source, goal) for goal in step.goals):
            work.note(slug, SKIPPED, "not needed: better ranked sources answered")
            return True
        return False

    def _apply(self, step: Step, asking: Mapping[str, list[Work]], replies: Mapping[str, Reply]) -> None:
        """Verify, clean and record what came; settle the lookups."""
        believed: list[_Believed] = []
        closed: list[tuple[int, Lookup.State, int, str]] = []
        for key, reply in replies.items():
            works = asking[key]
            if reply.findings is None:
                for work in works:
                    work.note_unanswered(step.source.slug, reply)
                continue
            judged = [(work, judge_findings(work.subject, reply.findings)) for work in works]
            for work, each in judged:
                if each.outcome in ANSWERS:
                    believed.append(self._believe(step, work, key, reply, each))
                else:
                    work.doubt(step.source.slug, each, reply.lookup)
            if reply.is_open and reply.lookup:
                is_miss = any(each.outcome is Outcome.NOT_FOUND for _, each in judged)
                cost = _spent(step.source, is_miss=is_miss)
                closed.append((reply.lookup, Lookup.State.APPLIED, cost, ""))
        self._record(step, believed)
        ledger.close(step.source, closed)

    def _believe(self, step: Step, work: Work, key: str, reply: Reply, judged: Judged) -> _Believed:
        cleaned = clean_claims(judged.finding, self.catalogue) if judged.finding else Cleaned((), ())
        work.learn(cleaned, step.source)
        reason = judged.reason or "; ".join(cleaned.refused)
        work.note(step.source.slug, judged.outcome, reason, lookup=reply.lookup, claims=len(cleaned.claims))
        return _Believed(work, judged.outcome, key, reply, cleaned)

    def _record(self, step: Step, believed: Sequence[_Believed]) -> None:
        """Write the answers; a row that a source knows becomes a record first."""
        self._accept(
            [each.work for each in believed if each.outcome is Outcome.FOUND and not each.work.record]
        )
        answers = [
            Answer(
                record=each.work.record.pk, source=step.source.pk, at=each.reply.asked_at, outcome=each.outcome,
                claims=each.cleaned.claims, lookup=each.reply.lookup, key=each.key,
                is_special=step.source.slug in self.run.source_settings,
            )
            for each in believed
            if each.work.record
        ]  # fmt: skip
        if answers:
            record(run=self.run.pk, kind=self.kind, answers=answers)

    def _accept(self, known: Sequence[Work]) -> None:
        """Make records of rows that a source knows, unless others have taken them over: they do so in our place."""
        if not known:
            return
        with transaction.atomic():
            held = set(_still_held({work.item.pk: work.item.fence for work in known}))
            ours = [work for work in known if work.item.pk in held]
            made = accept(self.run, [work.item for work in ours], [None] * len(ours)) if ours else []
            for work, record_ in zip(ours, made, strict=True):
                work.record = record_

    def _close(self) -> None:
        """Write the final state of every item that is still ours."""
        now = bulk.clock()
        rows = [_closing(work, now) for work in self.works]
        rows += [
            ("discarded", "its record was deleted", "{}", "[]", bulk.moment(now), None, None, 0, item.pk)
            for item in self.orphans
        ]
        fences = {item.pk: item.fence for item in (*(work.item for work in self.works), *self.orphans)}
        with transaction.atomic():
            held = set(_still_held(fences))
            ours = [row for row in rows if row[-1] in held]
            bulk.update("enrichment_runitem", _CLOSING, ours)
            if self.run.file_name:
                self._end_doubles({row[-1]: row for row in ours}, now)
        for state, reason, *_, pk in ours:
            level = logging.DEBUG if state == RunItem.State.COMPLETED else logging.INFO
            _log.log(level, "%s: %s", state, reason, extra={"item": pk})
        _log.info("%d items done.", len(ours))

    def _end_doubles(self, closed: Mapping[int, tuple[Any, ...]], now: datetime) -> None:
        """Rows of a record whose other row was asked end as that row did."""
        ends = {
            work.record.pk: closed[work.item.pk][:2]
            for work in self.works
            if work.record and work.item.pk in closed and closed[work.item.pk][0] not in RunItem.OPEN
        }
        column = owner_column(self.kind)
        doubles = RunItem.objects.filter(
            run=self.run, state__in=_DOUBLES, **{f"{column}__in": bulk.among(ends)}
        )
        told = doubles.exclude(pk__in=bulk.among(closed)).values_list("pk", column, "state", "outcomes")
        rows = [
            (end if end in _DOUBLES else "completed", reason, bulk.moment(now), pk)
            for pk, owner, state, outcomes in told
            if not set(outcomes) - WRITERS
            for end, reason in [ends[owner]]
            if state != (end if end in _DOUBLES else "completed")
        ]
        bulk.update(
            "enrichment_runitem",
            [("state", "text"), ("reason", "text"), ("finished_at", "timestamptz")],
            rows,
        )


_CLOSING = [
    ("state", "text"), ("reason", "text"), ("outcomes", "jsonb"), ("evidence", "jsonb"), ("finished_at", "timestamptz"),
    ("not_before", "timestamptz"), ("waits_for_id", "bigint"), ("starts", "int"),
]  # fmt: skip


_DOUBLES = ("completed", "failed", "skipped")  # states of rows that were not asked about themselves


def _closing(work: Work, now: datetime) -> tuple[Any, ...]:
    """The columns of `_CLOSING` and the id; an item that was put off keeps no start, for it did not fail."""
    state, reason = work.end()
    is_open = state in RunItem.OPEN
    not_before = (work.parked_until or now) if is_open else None
    return (
        state, reason, json.dumps(work.outcomes), json.dumps(work.doubts or work.item.evidence),
        None if is_open else bulk.moment(now), bulk.moment(not_before), work.waits_for,
        0 if is_open else work.item.starts, work.item.pk,
    )  # fmt: skip


def _still_held(fences: Mapping[int, int]) -> list[int]:
    """The items whose fence is still the one they were claimed with, locked until the transaction ends."""
    items = RunItem.objects.select_for_update().filter(
        pk__in=bulk.among(fences), state=RunItem.State.PROCESSING
    )
    rows = items.order_by("pk").values_list("pk", "fence")
    return [pk for pk, fence in rows if fences[pk] == fence]


def _spent(source: EnrichmentSource, *, is_miss: bool) -> int:
    """The credits that an answer cost."""
    return 0 if is_miss and not source.charges_miss else source.cost


def _told(slug: str, works: Sequence[Work]) -> set[int]:
    """The lookups whose errors items know from an earlier time in this run; of one in doubt they know nothing yet."""
    entries = (work.outcomes.get(slug, {}) for work in works)
    return {
        entry["lookup"]
        for entry in entries
        if entry.get("lookup") and entry["outcome"] in (Outcome.FAILED, PARKED)
    }


def _record_id(item: RunItem, kind: Kind) -> int | None:
    return item.account_id if kind is Kind.ACCOUNT else item.contact_id


def _records(kind: Kind, items: Sequence[RunItem]) -> dict[int, Record]:
    ids = bulk.among(pk for item in items if (pk := _record_id(item, kind)))
    records: QuerySet[Any] = (
        Account.objects.all() if kind is Kind.ACCOUNT else Contact.objects.select_related("account")
    )
    return {record.pk: record for record in records.filter(pk__in=ids)}


def _is_for_gaps(step: Step) -> bool:
    """Whether a step is to wait for what those before it say."""
    return bool(step.feeds) or (
        bool(step.goals) and all(step.source.rule(goal).is_conditional for goal in step.goals)
    )


class _Given:
    """Who said what records show, and how long ago that was checked, as far as a step of a plan asks for it."""

    def __init__(
        self, plan: Plan, sources: Mapping[str, EnrichmentSource], checked: Mapping[tuple[int, int], datetime]
    ) -> None:
        self.sources, self.checked, self.now = sources, checked, bulk.clock()
        self.goals = {
            goal for step in plan.steps for goal in step.goals if step.source.rule(goal).is_conditional
        }

    def by(self, record: Record) -> dict[str, tuple[int, timedelta | None]]:
        """Of each value the rank of its source, and its age."""
        given: dict[str, tuple[int, timedelta | None]] = {}
        for slug in self.goals & record.current_values.keys():
            entry = record.current_values[slug]
            if source := self.sources.get(entry["source"]):
                at = self.checked.get((record.pk, source.pk)) or datetime.fromisoformat(entry["created_at"])
                given[slug] = source.rule(slug).rank, self.now - at
        return given
