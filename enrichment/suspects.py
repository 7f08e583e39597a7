"""Items whose workers ended: each time half as many go together, until the one that ends its workers stands alone."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from enrichment.models import RunItem

MOST_STARTS = 12  # the last of them alone
_BLAMELESS = 1  # starts that speak against nobody: a kill, a deploy
_COMPANY = 128  # halved with each start


def company(starts: int) -> int:
    """How many items that were started so often go together at most."""
    return max(_COMPANY >> starts, 1) if starts > _BLAMELESS else 10**6


def alike(starts: int) -> Q:
    """Items that may go with one that was started so often: nobody comes under suspicion who was not there."""
    return Q(starts=starts) if starts > _BLAMELESS else Q(starts__lte=_BLAMELESS)


def queue_again(now: datetime) -> int:
    """Queue the items whose worker died; give up those that were alone with it too often. How many items."""
    expired = RunItem.objects.filter(state=RunItem.State.PROCESSING, lease_until__lt=now)
    expired.filter(starts__gte=MOST_STARTS).update(
        state=RunItem.State.FAILED, reason=f"gave up: its worker ended {MOST_STARTS} times", finished_at=now
    )
    return expired.update(state=RunItem.State.QUEUED)
