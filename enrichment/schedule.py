"""Scheduled refreshes: what is due of a source, and one run of it at each planned moment.

django-q2 only wakes us, perhaps twice, late or from several machines. Its rows follow ours; a unique row of
`ScheduleFiring`, written together with the run, decides that a moment has been dealt with.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django_q.models import Schedule

from crm.models import Account, Contact
from enrichment import budget, bulk, claims, runs
from enrichment.models import EnrichmentRun, EnrichmentSource, Freshness, RunItem, ScheduleFiring
from enrichment.models.source import folded
from enrichment.registration import adapter_of
from sources import registry
from sources.attributes import IDENTITY, Kind, identity_slug
from sources.cadence import Cadence

_log = logging.getLogger(__name__)

TASK = "enrichment.tasks.refresh"
SOON = timedelta(hours=1)  # until a refresh goes on that could not take everything, or not begin
AGAIN = Cadence.parse("every 7 days")  # at the latest, whom a refresh took without an answer is taken again
KEPT = timedelta(days=30)  # firings that made no run
REMEMBERED = timedelta(days=62)  # runs that had no budget for a record
_ALL, _NONE = Q(pk__isnull=False), Q(pk__in=[])


def tick(source_id: int, planned: datetime, now: datetime) -> None:
    """Make one run of each kind of record that is due of a source; any number of workers may be told to.

    `planned` is the moment of the schedule, which counts once; `now` the time by the database's clock.
    """
    source = EnrichmentSource.objects.filter(pk=source_id).first()
    if source is None or not is_scheduled(source):
        follow_all(now)
        return
    if planned > now:  # some machine's clock is fast
        _plan(source, now)
        return
    for kind in kinds_of(source):
        claims.redate(kind, [source])
        _fire(source, kind, planned, now)
    _plan(source, now, done=planned)


def source_saved(source: EnrichmentSource) -> None:
    """Bring due dates and the schedule in line with a source that was saved."""
    for kind in kinds_of(source):
        claims.redate(kind, [source])
    follow_all(bulk.clock())
    if is_scheduled(source):
        _plan(source, bulk.clock())


def priority_saved(kind: Kind, records: Sequence[int]) -> None:
    """Bring due dates in line with the priorities of records that were saved."""
    claims.redate(kind, list(EnrichmentSource.objects.exclude(priority_cadences={})), records)


def follow_all(now: datetime) -> None:
    """Let django-q2's schedules follow our sources: missing ones are made, late ones moved, others removed."""
    sources = {_name(each): each for each in EnrichmentSource.objects.all() if is_scheduled(each)}
    planned: dict[str, datetime] = {}
    for pk, name, at in Schedule.objects.filter(func=TASK).values_list("pk", "name", "next_run"):
        if name not in sources or name in planned:
            Schedule.objects.filter(pk=pk).delete()
        else:
            planned[name] = at
    for name, source in sources.items():
        latest = source.next_moment(now)
        if name not in planned or (latest and planned[name] > latest):
            _plan(source, now)


def next_firing(source: EnrichmentSource) -> datetime | None:
    """When the source is refreshed next; None: never."""
    return next_firings().get(source.pk)


def next_firings() -> dict[int, datetime]:
    """When each source is refreshed next, by source id (one query)."""
    rows = Schedule.objects.filter(func=TASK).values_list("args", "next_run")
    return {int(args): at for args, at in rows}


def is_scheduled(source: EnrichmentSource) -> bool:
    """Whether the source is on, can be asked, and is to be refreshed at all."""
    return source.is_enabled and source.adapter in registry.adapters() and source.cadences != {"never"}


def kinds_of(source: EnrichmentSource) -> list[Kind]:
    """The kinds of records that the source can be asked about."""
    adapter = adapter_of(source)
    return sorted(adapter.kinds) if adapter else []


def due(source: EnrichmentSource, kind: Kind, now: datetime) -> QuerySet[Any]:
    """The records that a refresh is to take: answers that are due, and new records where the source wants them
    or a run had no budget for them.

    Never what is fresh, nothing outside the chosen segments, no record that lacks what the source must be asked with.
    """
    column = f"{kind.value}_id"
    known = Freshness.objects.filter(source=source)
    overdue = known.filter(due_at__lte=now, **{f"{column}__isnull": False})
    is_due = Q(pk__in=overdue.values(column))
    if source.asks_new or source.cost:
        is_new = Q(~Exists(known.filter(**{column: OuterRef("pk")}))) & _has_inputs(source, kind)
        comes_round = _NONE
        for cadence, records in _by_cadence(source, kind):
            if cadence != "never":
                comes_round |= records
        is_meant = _ALL if source.asks_new else _was_too_dear(source, column, now)
        is_due |= is_new & comes_round & is_meant
    return _in_segments(source, kind).filter(is_due)


def _was_too_dear(source: EnrichmentSource, column: str, now: datetime) -> Q:
    """Records about which a run would have asked, had there been budget in its month."""
    said = {f"outcomes__{source.slug}__reason": budget.NOT_THIS_MONTH}
    items = RunItem.objects.filter(run__undone_at=None, finished_at__gt=now - REMEMBERED, **said)
    return Q(Exists(items.filter(**{column: OuterRef("pk")})))


def _fire(source: EnrichmentSource, kind: Kind, planned: datetime, now: datetime) -> None:
    """Deal with a planned moment, once: the firing and its run are one commit."""
    with transaction.atomic():
        source = EnrichmentSource.objects.select_for_update(no_key=True).get(pk=source.pk)
        if ScheduleFiring.objects.filter(source=source, kind=kind.value, planned_at=planned).exists():
            return
        run, note, has_more = _refresh(source, kind, now)
        ScheduleFiring.objects.create(
            source=source, kind=kind.value, planned_at=planned, fired_at=now, run=run, note=note[:300], has_more=has_more
        )  # fmt: skip
        ScheduleFiring.objects.filter(source=source, run=None, fired_at__lt=now - KEPT).delete()
    _log.info("Refresh of %s, %ss: %s", source.slug, kind.value, f"run {run.pk}" if run else note)


def _refresh(source: EnrichmentSource, kind: Kind, now: datetime) -> tuple[EnrichmentRun | None, str, bool]:
    """Start a run of what is due; the run or None, what is to say about it, and whether to go on soon."""
    still_open = EnrichmentRun.objects.filter(
        firings__source=source, kind=kind.value, status__in=EnrichmentRun.OPEN
    ).first()
    if still_open:
        return (
            None,
            f"Skipped: run {still_open.pk} of the last refresh is still {still_open.get_status_display()}.",
            True,
        )
    if source.paused_until and source.paused_until > now:
        return None, f"Skipped: the source is paused. {source.paused_reason}", True
    room = _room(source, now)
    if room == 0:
        return None, "Skipped: no budget is left this month.", False
    oldest = _oldest(source, kind, now, room + 1)
    if not oldest:
        return None, "Nothing was due.", False
    has_more = len(oldest) > room
    try:
        run = runs.start(
            kind=kind, records=_model(kind).objects.filter(pk__in=oldest[:room]), sources=[source.slug],
            name=f"Refresh {source.label}: {kind.value}s",
        )  # fmt: skip
    except runs.RunRefused as refused:
        return None, str(refused), False
    return run, "More is due than one refresh takes; it goes on soon." if has_more else "", has_more


def _room(source: EnrichmentSource, now: datetime) -> int:
    """How many records one refresh may take: a load that spreads, and no more than this month's budget pays."""
    left = budget.left(source, now) if source.cost else None
    most: int = settings.REFRESH_RECORDS
    return most if left is None else min(most, left // source.cost)


def _oldest(source: EnrichmentSource, kind: Kind, now: datetime, count: int) -> list[int]:
    """The records to refresh, those first that are due longest, new ones last."""
    known = Freshness.objects.filter(source=source, **{f"{kind.value}_id": OuterRef("pk")})
    rows = due(source, kind, now).filter(_not_taken_lately(source, kind, now))
    ordered = rows.annotate(due_since=Subquery(known.values("due_at")[:1])).order_by(
        F("due_since").asc(nulls_last=True), "pk"
    )
    return list(ordered.values_list("pk", flat=True)[:count])


def _not_taken_lately(source: EnrichmentSource, kind: Kind, now: datetime) -> Q:
    """Leave out whom a refresh took and who is still due: failed, or not needed.

    They wait for the next round of their cadence, a week at most; so they neither come up at each tick nor keep
    others from their turn.
    """
    firings = ScheduleFiring.objects.filter(
        source=source, kind=kind.value, fired_at__gt=now - timedelta(days=8)
    )
    taken = list(firings.exclude(run=None).values_list("run_id", "fired_at"))
    if not taken:
        return _ALL
    free: Q = _NONE
    for cadence, records in _by_cadence(source, kind):
        rhythms = [AGAIN, Cadence.parse(cadence)]
        lately = [
            run
            for run, at in taken
            if min(rhythm.next_due(at.astimezone(source.zone)) or now + KEPT for rhythm in rhythms) > now
        ]
        items = RunItem.objects.filter(run__in=lately, **{f"{kind.value}__isnull": False})
        free |= records & ~Q(pk__in=items.values(f"{kind.value}_id"))
    return free


def _by_cadence(source: EnrichmentSource, kind: Kind) -> list[tuple[str, Q]]:
    """The records of each cadence of the source, by their priority as they spell it."""
    if not source.priority_cadences:
        return [(source.cadence, _ALL)]
    spellings: dict[str, list[str]] = {}
    for priority in _model(kind).objects.order_by().values_list("priority", flat=True).distinct():
        spellings.setdefault(source.cadence_of(priority), []).append(priority)
    return [(cadence, Q(priority__in=names)) for cadence, names in spellings.items()]


def _in_segments(source: EnrichmentSource, kind: Kind) -> QuerySet[Any]:
    """The records of the segments the source is restricted to; capitals and spaces make no difference."""
    rows: QuerySet[Any] = _model(kind).objects.all()
    if not source.segments:
        return rows
    wanted = set(map(folded, source.segments))
    used = rows.order_by().values_list("segment", flat=True).distinct()
    return rows.filter(segment__in=[name for name in used if folded(name) in wanted])


def _has_inputs(source: EnrichmentSource, kind: Kind) -> Q:
    """Whether a record has what the source must be asked with, as `subjects.has_inputs` says it of one record."""
    fits = _NONE
    for need in registry.adapters()[source.adapter].configured(source.settings).needs:
        has_all = _ALL
        for name in need:
            has_it = Q(current_values__has_key=name)
            if name in IDENTITY:
                has_it |= ~Q(**{name: ""}) | Q(current_values__has_key=identity_slug(kind, name))
            if name == "domain" and kind is Kind.CONTACT:
                has_it |= Q(account__isnull=False) & ~Q(account__domain="")
            has_all &= has_it
        fits |= has_all
    return fits


def _plan(source: EnrichmentSource, now: datetime, *, done: datetime | None = None) -> None:
    """Set the next moment of a source's schedule; one that has come and is not `done` stays."""
    with transaction.atomic():
        EnrichmentSource.objects.select_for_update(no_key=True).get(pk=source.pk)
        row = Schedule.objects.select_for_update().filter(name=_name(source), func=TASK).first()
        if row and row.next_run <= now and (done is None or row.next_run > done):
            return
        row = row or Schedule(name=_name(source), func=TASK)
        row.args, row.intended_date_kwarg = str(source.pk), "planned"
        # We set every moment ourselves; django-q2 moves it by a day, in case its message to us is lost.
        row.schedule_type, row.repeats, row.next_run = Schedule.DAILY, -1, _next(source, now)
        row.save()


def _next(source: EnrichmentSource, now: datetime) -> datetime:
    """The next moment: of a cadence, or soon when the last refresh has something left."""
    moments = [source.next_moment(now)]
    for kind in kinds_of(source):
        last = ScheduleFiring.objects.filter(source=source, kind=kind.value).order_by("-planned_at").first()
        if last and last.has_more:
            moments.append(last.fired_at + SOON)
    return min(moment for moment in moments if moment).astimezone(UTC)


def _name(source: EnrichmentSource) -> str:
    return f"Refresh {source.slug}"


def _model(kind: Kind) -> Any:
    return Account if kind is Kind.ACCOUNT else Contact
