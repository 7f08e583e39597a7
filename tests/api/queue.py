"""The queue worked off in the test's own thread: every message is taken from the broker as a worker takes it."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from enrichment.models import EnrichmentSource, RunItem


def work_off(most: int = 200) -> int:
    """Carry out what waits in the queue, and what that puts there; how many tasks."""
    broker = get_broker()
    for done in range(most):
        OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=1))
        if not OrmQ.objects.exists():
            return done
        (ack, payload), *_ = broker.dequeue()
        task = SignedPackage.loads(payload)
        module, _, name = task["func"].rpartition(".")
        getattr(import_module(module), name)(*task["args"], **task["kwargs"])
        broker.acknowledge(ack)
        past = timezone.now() - timedelta(seconds=1)
        RunItem.objects.exclude(not_before=None).update(not_before=past)
        EnrichmentSource.objects.exclude(paused_until=None).update(paused_until=past)
    raise AssertionError(f"the queue is not empty after {most} tasks")
