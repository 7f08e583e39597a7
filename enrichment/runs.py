"""Runs: started, worked on in chunks, paused, canceled, finished; and how far they are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Min, QuerySet
from django_q.brokers import get_broker
from django_q.tasks import async_task

from enrichment import bulk, doubts, ledger, suspects
from enrichment.claims import RunUndone
from enrichment.engine import Chunk
from enrichment.enlisting import enlist
from enrichment.keys import key_of
from enrichment.leases import Hold
from enrichment.models import EnrichmentRun, EnrichmentSource, Preferences, RunItem
from enrichment.plan import Plan, make_plan
from enrichment.queries import credits_by_source, outcomes_by_source
from enrichment.registration import adapter_of
from sources import registry
from sources.attributes import Kind

_log = logging.getLogger(__name__)

Status, State = EnrichmentRun.Status, RunItem.State
NAP = 2.0  # seconds a worker waits for parked items before it looks at other runs
MOST_WAITING = 5  # messages in the queue, beyond which one more wakes nobody
_SMALLEST, _LARGEST = 100, 2000  # items a chunk
_LASTS = 10.0  # seconds: what a chunk costs beside its questions is little of so long a time


class RunRefused(ValueError):
    """The run cannot be started or steered so; the text says why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `seconds_left` only while it runs and can be told."""

    status: str
    total: int
    done: int
    by_state: dict[str, int]
    percent: int
    seconds_left: float | None
    error: str


def plan_for(
    kind: Kind,
    *,
    wanted: Sequence[str] = (),
    sources: Sequence[str] = (),
    source_settings: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan that a run of these wishes and `source_settings` has now. Raises RunRefused for a source nobody knows."""
    rows, told = list(EnrichmentSource.objects.all()), source_settings or {}
    for row in rows:
        row.settings = row.settings | told.get(row.slug, {})
    unknown = sorted(set(sources) - {row.slug for row in rows})
    if unknown:
        raise RunRefused(f"There is no source {', '.join(unknown)}; `manage.py sources` lists them.")
    adapters = registry.adapters()
    keys = {
        row.slug: bool(key_of(row.slug, adapter))
        for row in rows
        if (adapter := adapter_of(row)) and adapter.secret
    }
    return make_plan(
        kind=kind, sources=rows, adapters=adapters, keys=keys, wanted=wanted, chosen=sources,
        is_paid_held=Preferences.objects.filter(pk=1, hold_paid=True).exists(),
    )  # fmt: skip


def plan_of(run: EnrichmentRun) -> Plan:
    """The plan that a run has now. Raises RunRefused as `plan_for`."""
    kind, told = Kind(run.kind), run.source_settings
    return plan_for(kind, wanted=run.wanted, sources=run.sources, source_settings=told)


def start(
    *,
    kind: Kind,
    records: QuerySet[Any],
    wanted: Sequence[str] = (),
    sources: Sequence[str] = (),
    credit_limit: int | None = None,
    parallel: int = 5,
    name: str = "",
    user: Any = None,
    source_settings: Mapping[str, Any] | None = None,
    asks_next: Mapping[str, Sequence[str]] | None = None,
    follows: EnrichmentRun | None = None,
) -> EnrichmentRun:
    """Start a run over all records of a queryset, without listing them, and wake a worker.

    `asks_next`: what its follow-up asks, as `enrichment.wishes` has it; `follows`: the run whose follow-up it is.
    Raises RunRefused when no source would be asked or no record is selected.
    """
    plan = plan_for(kind, wanted=wanted, sources=sources, source_settings=source_settings)
    if not plan.steps:
        reasons = "; ".join(f"{left.source.label} {left.reason}" for left in plan.left_out[:5])
        raise RunRefused(f"No source can be asked: {reasons or 'none is set up. Turn one on under Sources'}.")
    with transaction.atomic():
        run = EnrichmentRun.objects.create(
            name=name or f"Enrich {kind.value}s", kind=kind.value, wanted=list(wanted), sources=list(sources),
            credit_limit=credit_limit, parallel=max(1, min(parallel, 64)), created_by=user, status=Status.PENDING,
            source_settings=source_settings or {}, asks_next=dict(asks_next or {}), follows=follows,
        )  # fmt: skip
        if enlist(run, records) == 0:
            raise RunRefused("No record is selected.")
    wake(run.pk)
    return run


def wake(run_id: int) -> None:
    """Tell the workers that a run has work, once the caller's transaction is kept: before, they would see none.

    A lost or doubled message changes nothing.
    """
    transaction.on_commit(lambda: async_task("enrichment.tasks.work", run_id))


def work(
    run_id: int,
    *,
    until: Callable[[], bool],
    on_chunk: Callable[[], None] = lambda: None,
    gives_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Take chunks of a run until `until()` or nothing is left; whether anything is left.

    Any number of workers may do this at once. `on_chunk` is called after each chunk and, since one may take
    minutes, now and then within. `gives_up()` ends a chunk before its end: calls in flight are waited for, the
    rest is left to others.
    """
    EnrichmentRun.objects.filter(pk=run_id, status=Status.PENDING).update(
        status=Status.RUNNING, started_at=bulk.clock()
    )
    size = _SMALLEST
    while not until():
        run = EnrichmentRun.objects.get(pk=run_id)
        if run.status != Status.RUNNING or run.undone_at:
            return False
        hold = Hold(run, _share(run_id, size))
        if not hold.items:
            return _rests(run_id)
        if len(hold.items) >= min(_SMALLEST, suspects.company(hold.items[0].starts - 1)):
            call_help(run_id)
        started = time.monotonic()
        _work_on(run, hold, on_chunk, gives_up)
        on_chunk()
        took = time.monotonic() - started
        if took < _LASTS:
            size = min(size * (4 if took < _LASTS / 4 else 2), _LARGEST)
    return True


def call_help(run_id: int, *, most_waiting: int = 0) -> None:
    """Wake one more worker for a run, unless more than `most_waiting` messages wait for one already."""
    try:
        if get_broker().queue_size() <= most_waiting:
            wake(run_id)
    except Exception as error:  # whatever a broker raises, it must not stop who works
        _log.warning("No help can be called at the moment: %s", error)


def _share(run_id: int, size: int) -> int:
    """`size`, or less near the end of a run: what is left is shared among the workers, so that none waits long.

    In full hundreds, so that calls which take a hundred questions go out full.
    """
    queued = RunItem.objects.filter(run=run_id, state=State.QUEUED)[: size * settings.WORKERS].count()
    hundreds = -(-queued // (settings.WORKERS * _SMALLEST))
    return min(size, max(hundreds, 1) * _SMALLEST)


def _rests(run_id: int) -> bool:
    """Nothing can be taken now: finish the run, or wait a moment for parked items; whether any is left."""
    parked = RunItem.objects.filter(run=run_id, state=State.QUEUED).aggregate(first=Min("not_before"))[
        "first"
    ]
    if parked is None:
        finish(run_id)
        return False
    time.sleep(min(max((parked - bulk.clock()).total_seconds(), 0.0), NAP))
    return True


def _work_on(
    run: EnrichmentRun, hold: Hold, on_sign: Callable[[], None], gives_up: Callable[[], bool]
) -> None:
    def is_running() -> bool:
        status = (
            EnrichmentRun.objects.filter(pk=run.pk, undone_at=None).values_list("status", flat=True).first()
        )
        if status != Status.RUNNING or gives_up():
            return False
        if hold.is_to_be_renewed:
            on_sign()
            return hold.renew()  # who stood still asks nothing more: others do so in its place
        return True

    plan = plan_of(run)
    sources = EnrichmentSource.objects.in_bulk(field_name="slug")
    try:
        chunk = Chunk(run, plan, hold.items, alive=is_running, held=hold.is_sure, sources=sources)
        chunk.process()
    except RunUndone:
        return
    finally:
        if not is_running():
            release(hold.items)
    if doubts.go_on(chunk.works, {step.source.slug for step in plan.steps}):
        reopen(run.pk)


def release(items: Iterable[RunItem]) -> None:
    """Put items that were not finished back into the queue, or close them when the run was canceled."""
    for item in items:
        RunItem.objects.filter(pk=item.pk, fence=item.fence, state=State.PROCESSING).update(
            state=State.QUEUED, starts=F("starts") - 1
        )
    runs = {item.run_id for item in items}
    for run in EnrichmentRun.objects.filter(pk__in=runs, status=Status.CANCELED):
        _cancel_items(run)


def finish(run_id: int) -> None:
    """Close a run that has no open item left."""
    if RunItem.objects.filter(run_id=run_id, state__in=RunItem.OPEN).exists():
        return
    run = EnrichmentRun.objects.get(pk=run_id)
    told = {
        "values": run.claims.count(),
        "sources": outcomes_by_source(run),
        "credits": credits_by_source(run),
    }
    if "created" in run.summary:  # a source that knows a row makes it a record after the import
        told["created"] = run.items.filter(has_created_record=True).count()
    with transaction.atomic():
        # Who queues items again holds the run: what it queued is seen here, or the run is opened after.
        going = EnrichmentRun.objects.filter(pk=run_id, status=Status.RUNNING)
        is_going = going.select_for_update().first() is not None
        if is_going and not RunItem.objects.filter(run_id=run_id, state__in=RunItem.OPEN).exists():
            going.update(status=Status.COMPLETED, finished_at=bulk.clock(), summary=run.summary | told)


def pause(run: EnrichmentRun) -> None:
    """Stop taking items; those in work end within a few seconds."""
    if not EnrichmentRun.objects.filter(pk=run.pk, status__in=(Status.PENDING, Status.RUNNING)).update(
        status=Status.PAUSED
    ):
        raise RunRefused("Only a run that is going can be paused.")


def resume(run: EnrichmentRun) -> None:
    """Go on with a paused run."""
    if not EnrichmentRun.objects.filter(pk=run.pk, status=Status.PAUSED).update(status=Status.RUNNING):
        raise RunRefused("Only a paused run can be resumed.")
    wake(run.pk)


def cancel(run: EnrichmentRun) -> None:
    """End a run; what was answered stays."""
    changed = EnrichmentRun.objects.filter(pk=run.pk, status__in=EnrichmentRun.OPEN).update(
        status=Status.CANCELED, finished_at=bulk.clock()
    )
    if not changed:
        raise RunRefused("The run has ended already.")
    _cancel_items(run)


def _cancel_items(run: EnrichmentRun) -> None:
    RunItem.objects.filter(run=run, state__in=(State.QUEUED, State.WAITING)).update(
        state=State.CANCELED, reason="the run was canceled", finished_at=bulk.clock()
    )


def reopen(run_id: int) -> None:
    """Let a run that ended go on with items that were queued again, and wake a worker."""
    open_again(run_id)
    wake(run_id)


def open_again(run_id: int) -> None:
    """Let a run that ended go on; in the transaction that queues items, so that none is forgotten."""
    EnrichmentRun.objects.filter(pk=run_id, undone_at=None).exclude(status=Status.PAUSED).update(
        status=Status.RUNNING, finished_at=None
    )


def sweep(now: datetime) -> int:
    """Queue items whose worker died, close questions in doubt, wake forgotten runs; how many items."""
    count = suspects.queue_again(now)
    deadlines = {slug: adapter.limits.deadline * 3 for slug, adapter in registry.adapters().items()}
    ledger.sweep(now, deadlines, worked_on=_worked_on())
    _wake_forgotten()
    return count


def _worked_on() -> set[int]:
    """Runs of which some worker holds items."""
    return set(
        RunItem.objects.filter(state=State.PROCESSING).order_by().values_list("run", flat=True).distinct()
    )


def _wake_forgotten() -> None:
    """Finish runs that are done; wake those that are not, first those that nobody works on."""
    held, waiting = _worked_on(), get_broker().queue_size()
    going = EnrichmentRun.objects.filter(status__in=(Status.PENDING, Status.RUNNING)).order_by("pk")
    for run in sorted(going, key=lambda run: run.pk in held):
        if not RunItem.objects.filter(run=run, state=State.QUEUED).exists():
            finish(run.pk)
        elif waiting < MOST_WAITING:
            wake(run.pk)
            waiting += 1


def progress(run: EnrichmentRun) -> Progress:
    """How far a run is (one query)."""
    counts = (
        RunItem.objects.filter(run=run).values_list("state").annotate(count=Count("id")).order_by("state")
    )
    by_state = {str(state): int(count) for state, count in counts}
    total = sum(by_state.values())
    done = total - sum(by_state.get(state, 0) for state in RunItem.OPEN)
    seconds = None
    if run.status == Status.RUNNING and run.started_at and 0 < done < total:
        seconds = (bulk.clock() - run.started_at).total_seconds() / done * (total - done)
    percent = 100 if not total else int(100 * done / total)
    return Progress(run.status, total, done, by_state, percent, seconds, run.error)
