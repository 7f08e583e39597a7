"""How fast a source may be asked by all workers together, and when it is left alone for a while.

Calls get evenly spaced slots from one row a source (the generic cell rate algorithm without burst), so
any number of threads, workers and machines keep one pace. A source that asks for a pause, or that
fails again and again, is paused; then one call of each worker tells whether it works again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import SystemRandom

from django.db import transaction

from enrichment import bulk
from enrichment.models import EnrichmentSource, Throttle
from sources.errors import RateLimited, SourceRefused, SourceUnavailable

_log = logging.getLogger(__name__)

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

    `interval`: seconds between two calls. `is_trial`: the source failed lately, and an answer says that it works again.
    """

    delays: tuple[float, ...]
    again_at: datetime | None = None
    reason: str = ""
    interval: float = 0.0
    is_trial: bool = False


def admit(source: EnrichmentSource, per_minute: int | None, calls: int) -> Admission:
    """Slots for up to `calls` calls to a source that takes `per_minute` (None: no limit)."""
    with transaction.atomic():
        now = bulk.clock()
        told = EnrichmentSource.objects.values_list(
            "paused_until", "paused_reason", "throttle__failures", "throttle__failing_since"
        )
        until, reason, failures, since = told.get(pk=source.pk)
        if until is not None and until > now:
            is_hopeless = since is not None and now - since > PATIENCE
            return Admission((), None if is_hopeless else until, f"{source.label} is paused: {reason}")
        if until is not None:
            calls = 1  # it was paused: one call tells whether it works again
        slots = _slots(source, 60 / per_minute, calls, now) if per_minute else Admission((0.0,) * calls)
        return replace(slots, is_trial=until is not None or bool(failures))


def _slots(source: EnrichmentSource, interval: float, calls: int, now: datetime) -> Admission:
    row = locked(source)
    first = max(row.next_at or now, now)
    starts = [first + timedelta(seconds=interval * number) for number in range(calls)]
    taken = [start for start in starts if start <= now + HORIZON]
    row.next_at = first + timedelta(seconds=interval * len(taken))
    row.save(update_fields=["next_at"])
    reason = f"{source.label} takes {60 / interval:g} calls a minute"
    return Admission(tuple((start - now).total_seconds() for start in taken), row.next_at, reason, interval)


def lift_pause(source: EnrichmentSource) -> None:
    """Somebody changed how the source is asked: whatever paused it is over."""
    _forget_failures(source)
    EnrichmentSource.objects.filter(pk=source.pk).update(paused_until=None, paused_reason="")


def note_answer(source: EnrichmentSource) -> None:
    """The source answered: failures before are not in a row with later ones, and a pause that is over is forgotten.

    A pause that is not over stays: what was asked before it began tells nothing.
    """
    now = bulk.clock()
    if not EnrichmentSource.objects.filter(pk=source.pk, paused_until__gt=now).exists():
        _forget_failures(source)
    over = EnrichmentSource.objects.filter(pk=source.pk, paused_until__lte=now)
    over.update(paused_until=None, paused_reason="")


def _forget_failures(source: EnrichmentSource) -> None:
    Throttle.objects.filter(source=source, failures__gt=0).update(failures=0, failing_since=None)


def note_error(source: EnrichmentSource, error: Exception, *, has_one_address: bool) -> datetime | None:
    """Draw the consequence of an error for the source; until when it is paused, or None: it is not.

    `has_one_address`: the source is one service, so that failures in a row are about itself.
    """
    now = bulk.clock()
    if isinstance(error, SourceRefused):
        return _pause(source, now + REFUSED_FOR, str(error))
    if not isinstance(error, SourceUnavailable):
        return None
    if error.is_of_one_site if isinstance(error, RateLimited) else not has_one_address:
        return None
    failures, until = _count_failure(source, now)
    if isinstance(error, RateLimited) and (error.retry_after is not None or until is None):
        return _pause(source, now + _wished(error, failures), str(error))
    if until is not None or failures < BREAKS_AFTER:
        return until
    seconds = _backoff(failures - BREAKS_AFTER + 5, _LONGEST_BREAK)
    return _pause(
        source, now + timedelta(seconds=seconds), f"{failures} failures in a row, the last: {error}"
    )


def _count_failure(source: EnrichmentSource, now: datetime) -> tuple[int, datetime | None]:
    """The failures in a row with this one, and until when the source is paused already.

    While it is, calls that were in flight fail too: all of them are one failure.
    """
    with transaction.atomic():
        row = locked(source)
        until = EnrichmentSource.objects.values_list("paused_until", flat=True).get(pk=source.pk)
        if until is not None and until > now:
            return row.failures, until
        row.failures, row.failing_since = row.failures + 1, row.failing_since or now
        row.save(update_fields=["failures", "failing_since"])
        return row.failures, None


def locked(source: EnrichmentSource) -> Throttle:
    """The row of the source's pace, locked until the transaction ends."""
    Throttle.objects.get_or_create(source=source)
    return Throttle.objects.select_for_update().get(source=source)


def retry_at(error: Exception) -> datetime | None:
    """When a question that failed is asked again where its source is not paused; None: that would take too long."""
    pause = timedelta(seconds=_backoff(1, 60.0))
    if isinstance(error, RateLimited):
        pause = _wished(error, 1)
    return None if pause > PATIENCE else bulk.clock() + pause


def _wished(error: RateLimited, failures: int) -> timedelta:
    """How long a source is left alone that asks for a pause, after so many failures in a row."""
    asked = error.retry_after if error.retry_after is not None else _backoff(failures, 300.0)
    return timedelta(seconds=min(max(asked, SHORTEST), LONGEST))


def _backoff(count: int, most: float) -> float:
    """Seconds that double with each failure, with jitter so that workers do not come back together."""
    return float(min(_FIRST_PAUSE * 2 ** min(count - 1, 20), most) * _JITTER.uniform(0.75, 1.25))


def _pause(source: EnrichmentSource, until: datetime, reason: str) -> datetime:
    """Pause the source, and until when it is: a pause that lasts longer stays."""
    row = EnrichmentSource.objects.filter(pk=source.pk)
    if row.exclude(paused_until__gte=until).update(paused_until=until, paused_reason=reason[:300]):
        _log.warning("%s is paused until %s: %s", source.label, f"{until:%Y-%m-%d %H:%M:%S %Z}", reason)
        return until
    return row.values_list("paused_until", flat=True).get() or until
