"""A start that comes again within a moment means the same run: clients and agents try again blindly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction

from enrichment import bulk
from enrichment.models import EnrichmentRun, GivenAnswer

AGAIN = timedelta(seconds=10)
"""A request that comes again so soon, from one caller and with the same wishes, means the same run."""
RETRIED = timedelta(minutes=10)
"""The same for a request that says it is a retry: its first try may have waited for a minute."""
ENDED_BADLY = (EnrichmentRun.Status.FAILED, EnrichmentRun.Status.CANCELED, EnrichmentRun.Status.CRASHED)
"""A run that ended so is not given again: whoever asks again wants another try."""
KEPT = timedelta(hours=24)
"""How long what a request was answered is known."""


def forget_old() -> None:
    """Delete the answers that are given no more."""
    GivenAnswer.objects.filter(created_at__lt=bulk.clock() - KEPT).delete()


@transaction.atomic
def start_once(
    caller: str, told: Any, make: Callable[[], EnrichmentRun], *, is_retry: bool = False
) -> tuple[EnrichmentRun, bool]:
    """The run that `make` starts, or the one it started a moment ago when told the same; and whether it is that one.

    `caller` names who asks, `told` is JSON; both are kept as a digest only. The row of the two is held until the run
    is there, so that of two requests at once the second waits and gets the run of the first.
    """
    forget_old()
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    rows = GivenAnswer.objects.select_for_update()
    row, _ = rows.get_or_create(caller=f"start {caller}"[:40], key=digest, defaults={"request": digest})
    since = bulk.clock() - (RETRIED if is_retry else AGAIN)
    before = EnrichmentRun.objects.filter(
        pk=int((row.body or {}).get("run", 0)), created_at__gt=since, undone_at=None
    ).exclude(status__in=ENDED_BADLY)
    if run := before.first():
        return run, True
    run = make()
    GivenAnswer.objects.filter(pk=row.pk).update(body={"run": run.pk}, created_at=bulk.clock())
    return run, False
