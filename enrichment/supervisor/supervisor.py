"""The loop that keeps web server and workers running, and ends them within ten seconds."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.db import connections

from enrichment import heartbeats
from enrichment.supervisor.canary import Canary, Timing
from enrichment.supervisor.children import Child
from enrichment.supervisor.leash import Leash

_log = logging.getLogger(__name__)

STEP = 0.25  # seconds between two looks at the children
DOUBLE_SIGNAL = 1.0  # seconds within which a second signal is the same one, sent twice


class Supervisor:
    """Keeps a web server (None: there is none) and, with `has_workers`, the queue's workers."""

    def __init__(self, *, web: Child | None, has_workers: bool = True, timing: Timing | None = None) -> None:
        self._timing = timing or Timing()
        self._web = web
        self._cluster = _cluster() if has_workers else None
        self._canary = Canary(self._timing) if has_workers else None
        self._leash = Leash()
        self._stop = threading.Event()
        self._asked_at = 0.0
        self._deadline = 0.0

    def run(self) -> None:
        """Start everything, watch it until SIGINT, SIGTERM or SIGHUP, then stop it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup says so
                signal.signal(number, self._on_signal)
        try:
            self._start()
            while not self._stop.wait(STEP):
                self._watch()
        finally:
            self._end()

    @property
    def _children(self) -> list[Child]:
        return [child for child in (self._cluster, self._web) if child]

    def _start(self) -> None:
        if self._canary:
            heartbeats.clear_stop()
            self._canary.start()
        connections.close_all()
        self._hold()  # the leash is there before whom it holds
        for child in self._children:
            child.start()
            self._hold()

    def _watch(self) -> None:
        for child in self._children:
            child.watch()
            self._hold()
        if self._canary and self._cluster and self._canary.stuck.is_set():
            _log.warning(
                "The workers gave no sign of life: killed, to start again. They have %.0f s for it.",
                self._canary.patience,
            )
            self._cluster.restart()
            self._canary.reset()
        self._hold()

    def _hold(self) -> None:
        """Let the leash hold who runs; who has just been started begins when it is held."""
        self._leash.hold(child.group for child in self._children)
        for child in self._children:
            child.let_go()

    def _end(self) -> None:
        """Ask, wait, kill: nothing is left after `timing.stop` seconds and the blink a kill takes."""
        self._deadline = min(self._deadline or float("inf"), time.monotonic() + self._timing.stop)
        if self._canary:
            self._canary.end()
            # In a thread: a locked database must not keep us from stopping.
            threading.Thread(target=_tell_workers, daemon=True).start()
        for child in self._children:
            child.ask_to_stop()
        while time.monotonic() < self._deadline and not all(child.is_gone() for child in self._children):
            time.sleep(0.05)
        for child in self._children:
            child.kill()
        self._leash.release()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first signal stops; a second one, later than an accidental double, kills at once."""
        now = time.monotonic()
        if not self._stop.is_set():
            self._asked_at = now
            self._stop.set()
        elif now - self._asked_at > DOUBLE_SIGNAL:
            self._deadline = now


def _cluster() -> Child:
    return Child("queue", [sys.executable, "manage.py", "qcluster"], folder=settings.BASE_DIR)


def _tell_workers() -> None:
    with suppress(Exception):  # they are stopped in any case
        heartbeats.ask_to_stop()
