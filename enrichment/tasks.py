"""What workers run: an id in, nothing out; the promises live in our own tables, not in the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django_q.brokers import get_broker
from django_q.tasks import async_task

from config import logs
from crm import ingesting, timetable
from enrichment import bulk, follow_ups, heartbeats, late, replay, runs, schedule, signals, uploads, webhooks
from enrichment.models import EnrichmentRun, RunItem

_log = logging.getLogger(__name__)

REPLAY = "enrichment.tasks.replay_answers"
FOLLOW, DELIVER = "enrichment.tasks.follow", "enrichment.tasks.deliver"
SHIFT = 60.0  # seconds one task works before it hands over to the next
LONGEST = (
    settings.TASK_TIMEOUT / 2
)  # seconds after which it ends within a chunk: the queue would kill it later
SWEEPS_LATE = timedelta(
    seconds=settings.LEASE / 2
)  # after which those who work no longer wait for a sweep's message


def work(run_id: int) -> None:
    """Work on a run for a while; whoever is left over is woken again."""
    began = time.monotonic()

    def is_over() -> bool:
        return time.monotonic() > began + SHIFT or heartbeats.is_asked_to_stop()

    def gives_up() -> bool:
        return time.monotonic() > began + LONGEST or heartbeats.is_asked_to_stop()

    _sweep_if_late()
    with logs.about(run=run_id):
        try:
            is_left = runs.work(run_id, until=is_over, on_chunk=heartbeats.mark, gives_up=gives_up)
        except Exception:
            _log.exception("The work on the run failed; the sweep takes it up again.")
            raise
    if is_left and not heartbeats.is_asked_to_stop():
        runs.call_help(run_id, most_waiting=runs.MOST_WAITING)
    if not is_left:
        _wake_another()
        async_task(FOLLOW)


def _wake_another() -> None:
    """Wake a run that waits and that nobody works on: of many whose messages were lost a sweep wakes only a few."""
    if get_broker().queue_size() >= runs.MOST_WAITING:
        return
    items = RunItem.objects.filter(run=OuterRef("pk"))
    waits = items.filter(Q(not_before=None) | Q(not_before__lte=bulk.clock()), state=RunItem.State.QUEUED)
    going = EnrichmentRun.objects.filter(
        status__in=(EnrichmentRun.Status.PENDING, EnrichmentRun.Status.RUNNING), undone_at=None
    )
    idle = going.filter(Exists(waits)).exclude(Exists(items.filter(state=RunItem.State.PROCESSING)))
    if (run := idle.order_by("pk").values_list("pk", flat=True).first()) is not None:
        runs.wake(run)


def _sweep_if_late() -> None:
    """Sweep when nobody did for a while: after many crashes a sweep's message stands behind those of the dead."""
    last = heartbeats.last([heartbeats.SWEEPER]).get(heartbeats.SWEEPER)
    if last is None or last < bulk.clock() - SWEEPS_LATE:
        try:
            sweep()
        except Exception:
            _log.exception("The sweep failed; the next one comes.")


def follow() -> None:
    """See to what follows from runs that ended: runs about whom they name, signals, and messages about them."""
    follow_ups.sweep(until=_shift(), on_run=heartbeats.mark)
    signals.sweep(until=_shift(), on_chunk=heartbeats.mark)
    if webhooks.is_due():
        async_task(DELIVER)


def deliver() -> None:
    """Send the messages that are due."""
    has_sent = webhooks.send(until=_shift(), on_sign=heartbeats.mark) > 0
    if has_sent and webhooks.is_due():
        async_task(DELIVER)


def _shift() -> Callable[[], bool]:
    """Whether a shift that begins now is over."""
    began = time.monotonic()
    return lambda: time.monotonic() > began + SHIFT or heartbeats.is_asked_to_stop()


def ingest(run_id: int) -> None:
    """Import the uploaded file that a run waits for."""
    with logs.about(run=run_id):
        ingesting.fill(run_id)


def replay_answers(run_id: int) -> None:
    """Read kept answers anew for the run that a replay is recorded as, for a while; then the next task goes on."""
    with logs.about(run=run_id):
        _mark_replay()
        try:
            is_done = replay.apply(
                EnrichmentRun.objects.get(pk=run_id), until=_shift(), on_chunk=_mark_replay
            )
        except runs.RunRefused as refused:
            replay.give_up(run_id, str(refused))
        else:
            if not is_done:
                async_task(REPLAY, run_id)


def _mark_replay() -> None:
    heartbeats.mark()
    heartbeats.mark(heartbeats.REPLAY)


def beat() -> None:
    """A sign of life of the queue."""
    heartbeats.mark()


def refresh(source_id: int, planned: str) -> None:
    """Refresh what is due of a source; `planned` is the moment of its schedule."""
    schedule.tick(source_id, datetime.fromisoformat(planned), bulk.clock())


def sweep() -> None:
    """Bring back what dead workers left behind."""
    now = bulk.clock()
    if count := late.take_spooled():  # before the questions they belong to are in doubt
        _log.warning("%d answers that could not be stored when they came are stored now.", count)
    late.sweep(now)
    if count := runs.sweep(now):
        _log.warning("%d items whose worker ended are queued again.", count)
    ingesting.sweep(now)
    timetable.sweep(bulk.clock())
    schedule.follow_all(bulk.clock())
    webhooks.tidy()
    for run_id in replay.interrupted(now):
        async_task(REPLAY, run_id)
    uploads.tidy(bulk.clock())
    if get_broker().queue_size() < runs.MOST_WAITING:
        for task, is_wanted in (
            (FOLLOW, follow_ups.is_waiting() or signals.is_waiting()),
            (DELIVER, webhooks.is_due()),
        ):
            if is_wanted:
                async_task(task)
    heartbeats.mark(heartbeats.SWEEPER)
