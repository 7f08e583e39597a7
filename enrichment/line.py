"""A line of calls: threads take from its head and make them, the one main thread takes what came of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event
from typing import Generic, NamedTuple, TypeVar

QUIET = 1.0  # seconds without an end of a call after which the main thread is let go
TOGETHER = 0.02  # seconds within which ends of calls are handed over together, to share a commit

G = TypeVar("G")
R = TypeVar("R")


class Ended(NamedTuple, Generic[G, R]):
    """What came of the call of a group: its result, or the error it raised."""

    group: G
    result: R | None
    error: BaseException | None


class Line(Generic[G, R]):
    """Groups and their starts in line for `call`; `open` counts those whose end was not handed over yet."""

    def __init__(self, call: Callable[[G, float], R], waiting: Sequence[tuple[G, float]]) -> None:
        self._call = call
        self._waiting = deque(waiting)
        self._ended: SimpleQueue[Ended[G, R]] = SimpleQueue()
        self._hurry = Event()
        self.open = len(waiting)

    def work(self) -> None:
        """In a thread: make calls until none waits."""
        while self._waiting:
            try:
                group, start = self._waiting.popleft()
            except IndexError:  # another thread was faster
                break
            ended = self._made(group, start)
            self._ended.put(ended)
            if ended.error:  # it may stop the calls that follow
                self._hurry.set()
        self._hurry.set()

    def _made(self, group: G, start: float) -> Ended[G, R]:
        try:
            return Ended(group, self._call(group, start), None)
        except BaseException as error:  # for the main thread to judge: it waits for every call's end
            return Ended(group, None, error)

    def ended(self) -> list[Ended[G, R]]:
        """Calls that ended, several where they end together; none after a quiet while."""
        try:
            found = [self._ended.get(timeout=QUIET)]
        except Empty:
            return []
        self._hurry.wait(TOGETHER)
        self._hurry.clear()
        while not self._ended.empty():
            found.append(self._ended.get())
        self.open -= len(found)
        return found

    def call_off(self) -> list[G]:
        """Take the groups out of line whose call was not begun."""
        unsent: list[G] = []
        while self._waiting:
            try:
                unsent.append(self._waiting.popleft()[0])
            except IndexError:  # a thread was faster
                break
        self.open -= len(unsent)
        return unsent
