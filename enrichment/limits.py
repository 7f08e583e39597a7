"""How fast a source may be asked by all workers together, and when it is left alone for a while.

Calls get evenly spaced slots from one row a source (the generic cell rate algorithm without burst), so
any number of threads, workers and machines keep one pace. A source that asks for a pause, or that
fails again and again, is paused; then one call tells whether it works again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

from django.db import transaction
from django.db.models import F

from enrichment import bulk
from enrichment.models import EnrichmentSource, Throttle
from sources.errors import RateLimited, SourceRefused, SourceUnavailable

HORIZON = timedelta(seconds=5)  # a call that may start within this waits in its worker, a later one is parked
BREAKS_AFTER = 5  # failures in a row
REFUSED_FOR = timedelta(minutes=15)
SHORTEST, LONGEST = 1.0, 24 * 3600.0  # seconds of a pause
_JITTER = SystemRandom()
_FIRST_PAUSE, _LONGEST_BREAK = 2.0, 1800.0
PATIENCE = timedelta(hours=1)  # of a source that fails; longer, and items are not kept waiting for it


@dataclass(frozen=True, slots=True)
class Admission:
    """The seconds until each admitted call may start; for the others when to come again, or None: not soon.

    `interval`: seconds between two calls.
    """

    delays: tuple[float, ...]
    again_at: datetime | None = None
    reason: str = ""
    interval: float = 0.0


def admit(source: EnrichmentSource, per_minute: int | None, calls: int) -> Admission:
    """Slots for up to `calls` calls to a source that takes `per_minute` (None: no limit)."""
    with transaction.atomic():
        now = bulk.clock()
        pause = EnrichmentSource.objects.values_list("paused_until", "paused_reason").get(pk=source.pk)
        until, reason = pause
        if until is not None and until > now:
            since = Throttle.objects.filter(source=source).values_list("failing_since", flat=True).first()
            is_hopeless = since is not None and now - since > PATIENCE
            return Admission((), None if is_hopeless else until, f"{source.label} is paused: {reason}")
        if until is not None:
            calls = 1  # it was paused: one call tells whether it works again
        if not per_minute:
            again = now + HORIZON if until is not None else None
            return Admission((0.0,) * calls, again, f"{source.label} is being tried again")
        return _slots(source, 60 / per_minute, calls, now)


def _slots(source: EnrichmentSource, interval: float, calls: int, now: datetime) -> Admission:
    Throttle.objects.get_or_create(source=source)
    row = Throttle.objects.select_for_update().get(source=source)
    first = max(row.next_at or now, now)
    starts = [first + timedelta(seconds=interval * number) for number in range(calls)]
    taken = [start for start in starts if start <= now + HORIZON]
    row.next_at = first + timedelta(seconds=interval * len(taken))
    row.save(update_fields=["next_at"])
    reason = f"{source.label} takes {60 / interval:g} calls a minute"
    return Admission(tuple((start - now).total_seconds() for start in taken), row.next_at, reason, interval)


def lift_pause(source: EnrichmentSource) -> None:
    """The source answered, or somebody changed how it is asked: whatever paused it is over."""
    Throttle.objects.filter(source=source, failures__gt=0).update(failures=0, failing_since=None)
    EnrichmentSource.objects.filter(pk=source.pk).exclude(paused_until=None).update(
        paused_until=None, paused_reason=""
    )


def note_error(source: EnrichmentSource, error: Exception, *, has_one_address: bool) -> datetime | None:
    """Draw the consequence of an error for the source; until when it is paused, or None: it is not.

    `has_one_address`: the source is one service, so that failures in a row are about itself.
    """
    now = bulk.clock()
    if isinstance(error, SourceRefused):
        return _pause(source, now + REFUSED_FOR, str(error))
    if not isinstance(error, SourceUnavailable):
        return None
    is_limited = isinstance(error, RateLimited)
    if not is_limited and not has_one_address:
        return None
    Throttle.objects.get_or_create(source=source)
    Throttle.objects.filter(source=source, failing_since=None).update(failing_since=now)
    Throttle.objects.filter(source=source).update(failures=F("failures") + 1)
    failures = Throttle.objects.get(source=source).failures
    if isinstance(error, RateLimited):
        asked = error.retry_after if error.retry_after is not None else _backoff(failures, 300.0)
        seconds = min(max(asked, SHORTEST), LONGEST)
        return _pause(source, now + timedelta(seconds=seconds), str(error))
    if failures < BREAKS_AFTER:
        return None
    seconds = _backoff(failures - BREAKS_AFTER + 5, _LONGEST_BREAK)
    return _pause(
        source, now + timedelta(seconds=seconds), f"{failures} failures in a row, the last: {error}"
    )


def retry_at(tries: int) -> datetime:
    """When a question that failed `tries` times is asked again."""
    return bulk.clock() + timedelta(seconds=_backoff(tries, 60.0))


def _backoff(count: int, most: float) -> float:
    """Seconds that double with each failure, with jitter so that workers do not come back together."""
    return float(min(_FIRST_PAUSE * 2 ** min(count - 1, 20), most) * _JITTER.uniform(0.75, 1.25))


def _pause(source: EnrichmentSource, until: datetime, reason: str) -> datetime:
    EnrichmentSource.objects.filter(pk=source.pk).update(paused_until=until, paused_reason=reason[:300])
    return until
