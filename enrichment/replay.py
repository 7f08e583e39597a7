"""Replay: kept answers read by the newer version of their adapter; nobody is asked, nothing is paid."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KeyTransform

from crm.models import Account, Contact, Record
from enrichment import bulk, claims, heartbeats
from enrichment.claims import Answer, RunUndone, Shift
from enrichment.claims.state import CHECKS, owner_column
from enrichment.ledger import TABLE as LOOKUPS
from enrichment.ledger import payload_of
from enrichment.models import (
    Check,
    CustomAttribute,
    EnrichmentRun,
    EnrichmentSource,
    Lookup,
    RunItem,
    RunScan,
)
from enrichment.models.check import Outcome
from enrichment.registration import adapter_of
from enrichment.runs import RunRefused
from enrichment.subjects import subject_of
from enrichment.verifying import clean_claims, judge_findings
from sources.attributes import BY_SLUG, Attribute, Kind
from sources.contract import Finding, Source, Subject
from sources.errors import SourceError

_log = logging.getLogger(__name__)
_Told = dict[tuple[int, int], Check | None]  # by record and lookup: what was learned of it before

MOST_SHOWN = 20
_RECORDS = 200  # at a time
_SILENT = timedelta(seconds=60)  # of all replays, after which those that are open are taken up again
_BODIES = 20  # kept answers in memory at once
_READ = (Lookup.State.APPLIED, Lookup.State.LATE, Lookup.State.FAILED)
_Status = EnrichmentRun.Status


@dataclass
class Tally:
    """What reading kept answers anew comes to: answers read, left as they were, and what changes of values that stand.

    `in_doubt`: several companies may be meant now. `unreadable`: the newer version makes nothing of them.
    """

    records: int = 0
    answers: int = 0
    in_doubt: int = 0
    unreadable: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    by_attribute: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first: list[Shift] = field(default_factory=list)
    is_whole: bool = True

    def note(self, shift: Shift) -> None:
        """Count a value that would be another one."""
        self.new += shift.before is None
        self.gone += shift.after is None
        self.changed += shift.before is not None and shift.after is not None
        self.by_attribute[shift.attribute] += 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(shift)


def waiting(source: EnrichmentSource) -> int:
    """How many kept answers an older version of the source's adapter has read."""
    adapter = adapter_of(source)
    return _old(source, adapter).count() if adapter else 0


def preview(source: EnrichmentSource, *, most: int | None = None) -> Tally:
    """What a replay would change, of the first `most` records about; nothing is written."""
    reading, tally = _Reading(source), Tally()
    for kind, answers in reading.batches(tally):
        for shift in claims.reread_shifts(kind, answers):
            tally.note(shift)
        if most is not None and tally.records >= most:
            tally.is_whole = False
            break
    return tally


def begin(source: EnrichmentSource, *, user: Any = None) -> EnrichmentRun:
    """The run that a replay is recorded as: a new one, or one that was interrupted. Raises RunRefused."""
    reading = _Reading(source)
    going = EnrichmentRun.objects.filter(
        status=_Status.SCHEDULED,
        summary__replay=source.slug,
        summary__version=reading.adapter.version,
        undone_at=None,
    ).first()
    return going or EnrichmentRun.objects.create(
        name=f"Replay {source.label}, version {reading.adapter.version}"[:200], kind=min(reading.kinds), asks=False,
        sources=[source.slug], status=_Status.SCHEDULED, created_by=user, started_at=bulk.clock(),
        summary={"replay": source.slug, "version": reading.adapter.version},
    )  # fmt: skip


def apply(
    run: EnrichmentRun,
    *,
    until: Callable[[], bool] = lambda: False,
    on_chunk: Callable[[], None] = lambda: None,
) -> bool:
    """Record what the newer version reads, as the run that `begin` made; False: `until()` was over before the end.

    It may be repeated, also after a crash. The lookups then carry the newer version. Raises RunRefused.
    """
    source = EnrichmentSource.objects.get(slug=run.summary["replay"])
    reading, tally = _Reading(source, run=run.pk), Tally()
    for kind, answers in reading.batches(tally):
        if until():
            return False
        if not EnrichmentRun.objects.filter(pk=run.pk, status=_Status.SCHEDULED).exists():
            return True  # canceled: what is recorded stays until it is undone
        try:
            claims.reread(run=run.pk, kind=kind, answers=answers)
        except RunUndone:
            raise RunRefused("The replay was undone.") from None
        found = [answer.lookup for answer in answers if answer.outcome == Outcome.FOUND]
        failed = Lookup.objects.filter(pk__in=bulk.among(found), state=Lookup.State.FAILED)
        failed.update(state=Lookup.State.APPLIED, error="")
        on_chunk()
    _old(reading.source, reading.adapter).update(version=reading.adapter.version)
    _finish(run, tally)
    return True


def interrupted(now: datetime) -> list[int]:
    """The replays that are to be recorded and that no worker has been at for a while: their message was lost."""
    last = heartbeats.last([heartbeats.REPLAY]).get(heartbeats.REPLAY)
    if last is not None and last > now - _SILENT:
        return []
    going = EnrichmentRun.objects.filter(
        status=_Status.SCHEDULED, summary__has_key="replay", undone_at=None, started_at__lt=now - _SILENT
    )
    return list(going.values_list("pk", flat=True))


def give_up(run_id: int, reason: str) -> None:
    """End a replay that cannot be recorded; what it has recorded stays until it is undone."""
    going = EnrichmentRun.objects.filter(pk=run_id, status=_Status.SCHEDULED)
    going.update(status=_Status.FAILED, error=reason[:2000], finished_at=bulk.clock())


def offer_again(run: EnrichmentRun) -> None:
    """Let the answers that a replay had read anew count as read by an older version: it was undone."""
    if "replay" not in run.summary:
        return
    version = run.summary["version"]
    read = Check.objects.filter(run=run, reread__gt=0).values("reread")
    lookups = Lookup.objects.filter(pk__in=read, version=version)
    stands = Check.objects.filter(lookup=OuterRef("pk"), run__undone_at=None)
    lookups.filter(~Exists(stands), state=Lookup.State.APPLIED).update(
        state=Lookup.State.FAILED, error="an older version of the source could not read it"
    )
    lookups.update(version=version - 1)


def _finish(run: EnrichmentRun, tally: Tally) -> None:
    now = bulk.clock()
    told = {
        "answers": run.checks.count(), "in_doubt": tally.in_doubt, "unreadable": tally.unreadable,
        "values": run.claims.filter(retracted_at=None).count(),
    }  # fmt: skip
    ended = EnrichmentRun.objects.filter(pk=run.pk, status=_Status.SCHEDULED)
    if ended.update(status=_Status.COMPLETED, finished_at=now, summary=run.summary | told):
        # That an old answer is read better is no event in the world.
        RunScan.objects.get_or_create(run=run, defaults={"run_ended_at": now, "is_done": True})


def _old(source: EnrichmentSource, adapter: Source) -> Any:
    """The kept answers that an older version has read."""
    kept = Lookup.objects.filter(source=source, version__lt=adapter.version, state__in=_READ)
    return kept.exclude(answered_at=None).exclude(body=None)


class _Reading:
    """The kept answers of one source, read by its adapter as it is now."""

    def __init__(self, source: EnrichmentSource, *, run: int = 0) -> None:
        self.run = run  # what it has recorded already is left out
        adapter = adapter_of(source)
        if adapter is None:
            raise RunRefused(f"{source.label} has no adapter that could read its answers anew.")
        self.source, self.adapter = source, adapter
        self.kinds = sorted(adapter.kinds)
        custom = {row.slug: row.as_attribute() for row in CustomAttribute.objects.all()}
        self.catalogue: Mapping[str, Attribute] = {**BY_SLUG, **custom}

    def batches(self, tally: Tally) -> Iterator[tuple[Kind, list[Answer]]]:
        """The answers about some records at a time; those about one record come together."""
        for kind in self.kinds:
            for known in (self._checked(kind), self._failed(kind)):
                for told in known:
                    answers = list(self._read(kind, told, tally))
                    tally.records += len({record for record, _ in told})
                    if answers:
                        yield kind, answers

    def _checked(self, kind: Kind) -> Iterator[_Told]:
        """The newest check of each record and old lookup."""
        column, last = owner_column(kind), 0
        while ids := self._owners(column, last):
            checks = Check.objects.filter(
                source=self.source, run__undone_at=None, lookup__in=_old(self.source, self.adapter),
                **{f"{column}__in": bulk.among(ids)},
            )  # fmt: skip
            yield {(getattr(each, column), each.lookup_id or 0): each for each in checks.order_by("at", "id")}
            last = ids[-1]

    def _owners(self, column: str, last: int) -> list[int]:
        rows = bulk.select(
            f"SELECT DISTINCT c.{column} FROM {CHECKS} c JOIN {LOOKUPS} l ON l.id = c.lookup_id "
            f"WHERE c.{column} > %s AND c.source_id = %s AND l.source_id = %s AND l.version < %s AND l.state IN (%s, %s, %s) "
            "AND l.answered_at IS NOT NULL AND l.body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
            f"{CHECKS} d WHERE d.{column} = c.{column} AND d.source_id = c.source_id AND d.run_id = %s AND d.reread = l.id) "
            f"ORDER BY 1 LIMIT {_RECORDS}",
            [last, self.source.pk, self.source.pk, self.adapter.version, *map(str, _READ), self.run],
        )
        return [owner for (owner,) in rows]

    def _failed(self, kind: Kind) -> Iterator[_Told]:
        """Records whose answer was an error as an older version read it: no check tells of them, but their items do."""
        failed = _old(self.source, self.adapter).filter(state=Lookup.State.FAILED)
        column = owner_column(kind)
        items = RunItem.objects.filter(
            Q(**{f"{column}__isnull": False}), run__in=failed.values("run"), run__undone_at=None, outcomes__has_key=self.source.slug
        ).annotate(asked=KeyTransform("lookup", KeyTransform(self.source.slug, "outcomes")))  # fmt: skip
        last = 0
        while rows := list(
            items.filter(pk__gt=last).order_by("pk").values_list("pk", column, "asked")[: _RECORDS * 5]
        ):
            known = set(
                failed.filter(pk__in=bulk.among({asked for *_, asked in rows if asked})).values_list(
                    "pk", flat=True
                )
            )
            found: _Told = {(owner, asked): None for _, owner, asked in rows if asked in known}
            if found:
                yield found
            last = rows[-1][0]

    def _read(self, kind: Kind, told: _Told, tally: Tally) -> Iterator[Answer]:
        """Each kept answer as it is read now, for each of its records; what is in doubt is left as it was."""
        owners: dict[int, list[int]] = defaultdict(list)
        for record, asked in told:
            owners[asked].append(record)
        records = _records(kind, {record for record, _ in told})
        lookups = Lookup.objects.filter(pk__in=bulk.among(owners)).order_by("pk")
        for lookup in _few_at_a_time(lookups):
            findings = self._findings(lookup)
            if findings is None:
                tally.unreadable += 1
                continue
            tally.answers += 1
            for pk in owners[lookup.pk]:
                if pk not in records:
                    continue
                answer = self._answer(records[pk], lookup, told[pk, lookup.pk], findings)
                tally.in_doubt += answer is None
                if answer:
                    yield answer

    def _findings(self, lookup: Lookup) -> Sequence[Finding] | None:
        try:
            return tuple(self.adapter.parse(payload_of(lookup), self.catalogue))
        except SourceError:
            return None
        except Exception:  # an adapter's own mistake costs this answer only
            _log.exception("The adapter of %s failed.", self.source.slug, extra={"lookup": lookup.pk})
            return None

    def _answer(
        self, record: Record, lookup: Lookup, check: Check | None, findings: Sequence[Finding]
    ) -> Answer | None:
        """What the answer says about a record; None: that would need a decision."""
        was = Outcome(check.outcome) if check else Outcome.FAILED
        found = _believed(subject_of(record), was, findings)
        if found is None:
            return None
        outcome, finding = found
        return Answer(
            record=record.pk, source=self.source.pk, at=check.at if check else lookup.sent_at or bulk.clock(),
            outcome=outcome, lookup=lookup.pk, key=lookup.key,
            claims=clean_claims(finding, self.catalogue).claims if finding else (),
        )  # fmt: skip


def _believed(
    subject: Subject, was: Outcome, findings: Sequence[Finding]
) -> tuple[Outcome, Finding | None] | None:
    """Whom the answer is taken to be about; what was decided before, perhaps by a person, stands."""
    alike = [finding for finding in findings if finding.subject.kind is subject.kind]
    if was is Outcome.FOUND and len(alike) == 1:
        return Outcome.FOUND, alike[0]
    judged = judge_findings(subject, findings)
    if was is Outcome.REJECTED or judged.outcome not in (Outcome.FOUND, Outcome.NOT_FOUND):
        return None
    return judged.outcome, judged.finding


def _records(kind: Kind, ids: Collection[int]) -> dict[int, Record]:
    rows: Any = Account.objects.all() if kind is Kind.ACCOUNT else Contact.objects.select_related("account")
    return {record.pk: record for record in rows.filter(pk__in=bulk.among(ids))}


def _few_at_a_time(lookups: Any) -> Iterator[Lookup]:
    """Lookups with their bodies, few of which are in memory at once."""
    last = 0
    while rows := list(lookups.filter(pk__gt=last)[:_BODIES]):
        yield from rows
        last = rows[-1].pk
