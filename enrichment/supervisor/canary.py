"""Sends small tasks through the queue and notices when they stop coming back.

A worker killed at the wrong moment stops django-q2's whole cluster for ever while all its processes look alive
(reliability, finding 1); only a task that goes all the way through shows it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import close_old_connections, connections
from django_q.brokers import get_broker
from django_q.tasks import async_task

from enrichment import heartbeats

_log = logging.getLogger(__name__)

BEAT = "enrichment.tasks.beat"
SWEEP = "enrichment.tasks.sweep"
CROWDED = 10  # waiting tasks: with so many, one more proves nothing
MOST_PATIENT = 4  # times `stuck`: workers that have just been started may take long on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often and how long, in seconds."""

    tick: float = 2.0
    beat: float = 15.0
    sweep: float = 30.0
    unanswered: float = 25.0
    stuck: float = 60.0
    stop: float = 8.0


class Pulse:
    """When a heartbeat last changed, by our own monotonic clock: wrong wall clocks do no harm.

    `is_new`: it changed since the first look, so it is of those who are meant.
    """

    def __init__(self, now: float) -> None:
        self.changed, self.is_new = now, False
        self._seen: datetime | None = None
        self._has_looked = False

    def see(self, at: datetime | None, now: float) -> None:
        """Take note of the row as it stands."""
        if at != self._seen:
            self._seen, self.changed, self.is_new = at, now, self._has_looked
        self._has_looked = True


class Canary:
    """Enqueues beats and sweeps; says when this machine's workers answer no more."""

    def __init__(self, timing: Timing, clock: Callable[[], float] = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        self._ended = threading.Event()
        self.stuck = threading.Event()
        self.patience = timing.stuck
        self.reset()

    def reset(self) -> None:
        """Begin afresh, as after a start of the workers."""
        now = self._clock()
        self._mine, self._any, self._sweeper = Pulse(now), Pulse(now), Pulse(now)
        self._beat_sent: float | None = None
        self._sweep_sent: float | None = None
        self.stuck.clear()

    def start(self) -> None:
        """Tick in a thread of its own: a database that is locked must not delay the supervisor's signals."""
        threading.Thread(target=self._run, name="canary", daemon=True).start()

    def end(self) -> None:
        """Tick no more."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._timing.tick):
            close_old_connections()
            try:
                self.tick()
            except Exception as error:  # whatever database or broker raise, the next tick comes
                _log.warning("The queue cannot be watched at the moment: %s", error)
        connections.close_all()

    def tick(self) -> None:
        """Look at the heartbeats; set `stuck` when this machine's workers are silent, else send what is due.

        Raises what the database or the broker raise. A database that cannot be read tells nothing about the workers,
        so their minute begins anew; one that cannot be written may be locked by the very worker that is stuck.
        """
        now = self._clock()
        try:
            self._look(now)
        except Exception:
            self.reset()
            raise
        if self._mine.is_new:
            self.patience = self._timing.stuck
        if now - self._mine.changed >= self.patience:
            # Else a machine too busy to start them in that time would kill and start them for ever.
            self.patience = min(2 * self.patience, MOST_PATIENT * self._timing.stuck)
            self.stuck.set()
            return
        if self._is_beat_due(now) and self._send(BEAT):
            self._beat_sent = now
        if self._is_sweep_due(now) and self._send(SWEEP):
            self._sweep_sent = now

    def _look(self, now: float) -> None:
        mine = heartbeats.here(heartbeats.QUEUE)
        rows = heartbeats.last((mine, heartbeats.QUEUE, heartbeats.SWEEPER))
        self._mine.see(rows.get(mine), now)
        self._any.see(rows.get(heartbeats.QUEUE), now)
        self._sweeper.see(rows.get(heartbeats.SWEEPER), now)

    def _is_beat_due(self, now: float) -> bool:
        """At once, then when our workers are quiet and the last beat is answered (by whomever) or given up."""
        if self._beat_sent is None:
            return True
        is_answered = self._any.changed > self._beat_sent
        is_given_up = now - self._beat_sent >= self._timing.unanswered
        return now - self._mine.changed >= self._timing.beat and (is_answered or is_given_up)

    def _is_sweep_due(self, now: float) -> bool:
        """At once, then when nobody has swept for a while and our last request is answered or given up."""
        if self._sweep_sent is None:
            return True
        is_answered = self._sweeper.changed > self._sweep_sent
        is_given_up = now - self._sweep_sent >= 2 * self._timing.sweep
        return now - self._sweeper.changed >= self._timing.sweep and (is_answered or is_given_up)

    def _send(self, function: str) -> bool:
        if get_broker().queue_size() >= CROWDED:
            return False
        async_task(function, save=False)
        return True
