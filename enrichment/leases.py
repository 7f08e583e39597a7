"""Leases: what a worker has claimed is its own until it stood still for too long; then others take it over."""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from enrichment import bulk, suspects
from enrichment.models import EnrichmentRun, RunItem

LEASE = timedelta(seconds=settings.LEASE)
RENEWS_EVERY = settings.LEASE / 3  # seconds


class Hold:
    """Up to `count` queued items of a run (of suspects fewer), claimed by this worker; none where none are due."""

    def __init__(self, run: EnrichmentRun, count: int) -> None:
        self._began = (
            _since_boot()
        )  # before the database dates the lease: it lasts longer than we think, if anything
        self.items = _claim(run, count)

    @property
    def is_to_be_renewed(self) -> bool:
        """Whether a good part of the lease is over."""
        return _since_boot() - self._began > RENEWS_EVERY

    def renew(self) -> bool:
        """Prolong the lease of those items that nobody has taken over; whether there are any."""
        began, held = _since_boot(), 0
        for fence in {item.fence for item in self.items}:
            ours = RunItem.objects.filter(
                pk__in=bulk.among(item.pk for item in self.items if item.fence == fence),
                fence=fence,
                state=RunItem.State.PROCESSING,
            )
            held += ours.update(lease_until=bulk.clock() + LEASE)
        if held:
            self._began = began
        return held > 0

    def is_sure(self) -> bool:
        """Whether nobody can have taken the items over; asks nobody, so that a thread may look before a call leaves."""
        return _since_boot() - self._began < settings.LEASE


def _claim(run: EnrichmentRun, count: int) -> list[RunItem]:
    """Items with a lease and a new fence, of suspects fewer; starts count before the work."""
    with transaction.atomic():
        now = bulk.clock()
        is_due = Q(not_before=None) | Q(not_before__lte=now)
        queue = RunItem.objects.filter(is_due, run=run, state=RunItem.State.QUEUED).order_by("position")
        if connection.features.has_select_for_update_skip_locked:
            queue = queue.select_for_update(skip_locked=True)
        # Locked, so that it is not the next of another worker as well, who would find nothing like it.
        starts = queue.values_list("starts", flat=True).first() or 0
        alike = queue.filter(suspects.alike(starts)).values_list("pk", flat=True)
        ids = list(alike[: min(count, suspects.company(starts))])
        RunItem.objects.filter(pk__in=bulk.among(ids)).update(
            state=RunItem.State.PROCESSING,
            lease_until=now + LEASE,
            fence=F("fence") + 1,
            starts=F("starts") + 1,
        )
    return list(RunItem.objects.filter(pk__in=bulk.among(ids)).order_by("position"))


def _since_boot() -> float:
    """Seconds by a clock that goes on while this process stands still, and while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
