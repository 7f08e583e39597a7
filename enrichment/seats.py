"""How many calls a source takes at once from all workers together: whoever asks it holds some of its seats.

The seats of a worker that is killed are free again when their lease is over. Who finds none waits in line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from django.db import DatabaseError, transaction

from enrichment import bulk, heartbeats, limits
from enrichment.plan import Step

LEASE = timedelta(seconds=30)
PLACE_KEPT = timedelta(seconds=10)  # in line, for a worker that does something else meanwhile
_LOOKS_APART, _RENEWS_EVERY = 0.25, 5.0  # seconds


class Seated(NamedTuple):
    """A worker in the line of a source: how many seats it holds (0: it waits) and wishes, and until when it counts."""

    worker: str
    held: int
    wish: int
    until: float


class Seats:
    """The seats of this worker at the source of a step, at most `parallel`; given back at the end of the block.

    What a source of many addresses declares is meant for a worker, unless somebody has set a limit.
    """

    def __init__(self, step: Step, parallel: int) -> None:
        declared = step.source.in_flight or step.adapter.limits.in_flight
        is_shared = bool(step.source.in_flight or step.adapter.base_url)
        self._source, self._most = step.source, declared if is_shared else None
        self.wish = max(1, min(parallel, declared))
        self._worker = f"{heartbeats.cluster_name()}:{os.getpid()}"
        self._looked = 0.0
        self.full = f"{step.source.label} takes {declared} calls at once, and others make them"
        self.count = 0 if is_shared else self.wish

    def __enter__(self) -> Seats:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._looked and self.count:
            with suppress(DatabaseError):  # the lease ends by itself, as does a place in line
                self._hold(lambda line: 0, wish=0)

    def take(self, goes_on: Callable[[], bool]) -> int:
        """How many calls may be made at once from now on; while it is none, and `goes_on()`, waits for five seconds."""
        until = time.monotonic() + limits.HORIZON.total_seconds()
        if self._most and (not self.count or time.monotonic() - self._looked >= _RENEWS_EVERY):
            self._hold(self._share)
        while not self.count and goes_on() and time.monotonic() < until:
            time.sleep(_LOOKS_APART)
            self._hold(self._share)
        return self.count

    def keep(self) -> None:
        """Prolong the lease now and then while calls are made."""
        if self._most and self.count and time.monotonic() - self._looked >= _RENEWS_EVERY:
            self._hold(lambda line: self.count)

    def _share(self, line: Sequence[Seated]) -> int:
        return share(line, self._worker, self.wish, self._most or self.wish)

    def _hold(self, count: Callable[[Sequence[Seated]], int], wish: int | None = None) -> None:
        """Hold as many seats as `count` tells of the line; of a wish for none, leave it."""
        with transaction.atomic():
            row, now = limits.locked(self._source), bulk.clock()
            line = [Seated(*each) for each in row.seats if each[-1] > now.timestamp()]
            self.count = count(line)
            until = (now + (LEASE if self.count else PLACE_KEPT)).timestamp()
            ours = Seated(self._worker, self.count, self.wish if wish is None else wish, until)
            if self._worker not in (each.worker for each in line):
                line.append(ours)
            line = [ours if each.worker == self._worker else each for each in line]
            row.seats = [each for each in line if each.wish]
            row.save(update_fields=["seats"])
        self._looked = time.monotonic()


def share(line: Sequence[Seated], worker: str, wish: int, most: int) -> int:
    """Of `most` seats those that `worker` may hold: an equal part, and what the others do not wish for.

    While others hold more than their part, what is free; to one that waits, after those who waited before.
    """
    place = next((number for number, each in enumerate(line) if each.worker == worker), len(line))
    others = [each for each in line if each.worker != worker]
    equal = max(1, most // (len(others) + 1))
    part = max(equal, most - sum(min(each.wish, equal) for each in others))
    free = most - sum(each.held for each in others)
    if place == len(line) or not line[place].held:
        free -= sum(not each.held for each in line[:place])
    return max(0, min(wish, part, free))
