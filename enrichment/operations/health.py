"""Whether the installation works at this moment, told in a few cheap queries."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError
from django.db.models import DateTimeField, Exists, Min, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django_q.brokers import get_broker

from enrichment import bulk, heartbeats
from enrichment.models import EnrichmentRun, RunItem

_log = logging.getLogger(__name__)

SILENT = 60.0  # seconds without a sign of life after which workers count as dead


@dataclass(frozen=True, slots=True)
class Health:
    """The parts of the installation; ages in seconds, None: there is no such thing, or it cannot be told."""

    database: bool
    broker: bool = False
    worker_age: float | None = None
    sweeper_age: float | None = None
    oldest_runnable_age: float | None = None

    @property
    def has_workers(self) -> bool:
        """Whether a worker gave a sign of life lately."""
        return self.worker_age is not None and self.worker_age <= SILENT

    @property
    def is_well(self) -> bool:
        """Whether everything that must work does. A long queue alone is no illness."""
        return self.database and self.broker and self.has_workers


def look() -> Health:
    """The health of this moment; an error is an answer here and is logged."""
    try:
        now = bulk.clock()
        beats = heartbeats.last((heartbeats.QUEUE, heartbeats.SWEEPER))
        oldest = oldest_runnable(now)
    except (DatabaseError, OSError) as error:
        _log.warning("The database cannot be read: %s", error)
        return Health(database=False)
    return Health(
        database=True,
        broker=is_broker_well(),
        worker_age=_age(beats.get(heartbeats.QUEUE), now),
        sweeper_age=_age(beats.get(heartbeats.SWEEPER), now),
        oldest_runnable_age=_age(oldest, now),
    )


def is_broker_well() -> bool:
    """Whether the queue's broker answers a question."""
    try:
        get_broker().queue_size()
    except Exception as error:  # each broker raises errors of its own
        _log.warning("The queue's broker does not answer: %s", error)
        return False
    return True


def oldest_runnable(now: datetime) -> datetime | None:
    """Since when the oldest item waits that a worker could take now; None: there is none.

    An item waits since its run was started, or since the date it was put off to. Queues are long: the first
    kind is told by one existing item of each run, only the second is searched for its oldest.
    """
    waiting = RunItem.objects.filter(state=RunItem.State.QUEUED)
    runs = going_runs()
    unparked = runs.filter(Exists(waiting.filter(run=OuterRef("pk"), not_before=None)))
    begun = Coalesce("started_at", "created_at", output_field=DateTimeField())
    since_start = unparked.aggregate(at=Min(begun))["at"]
    since_due = waiting.filter(run__in=runs, not_before__lte=now).aggregate(at=Min("not_before"))["at"]
    return min((at for at in (since_start, since_due) if at), default=None)


def going_runs() -> QuerySet[EnrichmentRun]:
    """The runs whose items workers take."""
    going = (EnrichmentRun.Status.PENDING, EnrichmentRun.Status.RUNNING)
    return EnrichmentRun.objects.filter(status__in=going, undone_at=None).order_by()


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
