"""Signs of life: rows that workers write and their supervisor reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timedelta

from enrichment import bulk
from enrichment.models import Heartbeat

QUEUE = "queue"
SWEEPER = "sweeper"
REPLAY = "replay"
STOP = "stop"
STOP_LASTS = timedelta(seconds=30)


def cluster_name() -> str:
    """The name of the workers on this machine: FOOTNOTE_CLUSTER, else the machine's name; 40 characters."""
    return (os.environ.get("FOOTNOTE_CLUSTER") or platform.node() or "here")[:40]


def here(name: str) -> str:
    """The heartbeat `name` of this machine's workers, e.g. `queue@web-1`."""
    return f"{name}@{cluster_name()}"


def mark(name: str = QUEUE) -> None:
    """Write that `name` works, for the installation and for this machine's workers.

    A task that runs longer than 20 s calls it on its way: a queue that is silent for 60 s is taken for stuck and
    killed. Call it outside a transaction, so that the rows are not locked for longer than the statement.
    """
    now = bulk.clock()
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now), Heartbeat(name=here(name), at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def is_turn(name: str, every: timedelta) -> bool:
    """Whether `every` has passed since this was last true: for one of all processes that ask."""
    now = bulk.clock()
    Heartbeat.objects.bulk_create([Heartbeat(name=name, at=now - 2 * every)], ignore_conflicts=True)
    return bool(Heartbeat.objects.filter(name=name, at__lte=now - every).update(at=now))


def last(names: Iterable[str]) -> dict[str, datetime]:
    """When each of the heartbeats was last written; those never written are left out."""
    return dict(Heartbeat.objects.filter(name__in=list(names)).values_list("name", "at"))


def ask_to_stop() -> None:
    """Tell this machine's workers to take no new work: they are killed within 10 s."""
    Heartbeat.objects.update_or_create(name=here(STOP), defaults={"at": bulk.clock()})


def clear_stop() -> None:
    """Take back `ask_to_stop`; done before workers start."""
    Heartbeat.objects.filter(name=here(STOP)).delete()


def is_asked_to_stop() -> bool:
    """Whether this machine's workers are to end: looked up between two chunks of work.

    An old request does not count, so that workers started without a supervisor are not held up for ever.
    """
    return Heartbeat.objects.filter(name=here(STOP), at__gt=bulk.clock() - STOP_LASTS).exists()
