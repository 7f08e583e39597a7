"""Calls in line: each ends once, errors at once, and those not begun can be called off."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from enrichment.line import Line


def test_every_call_ends_once_with_its_own_result():
    line = Line(lambda number, delay: number * 2, [(number, 0.0) for number in range(200)])
    found: dict[int, int | None] = {}
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(line.work)
        while line.open:
            found |= {each.group: each.result for each in line.ended()}
    assert found == {number: number * 2 for number in range(200)}


def test_an_error_is_handed_over_while_other_calls_go_on():
    go_on = Event()

    def call(name: str, delay: float) -> str:
        if name == "slow":
            go_on.wait(10)
        elif name == "bad":
            sys.exit("an adapter that ends the process")
        return name

    line = Line(call, [("slow", 0.0), ("bad", 0.0)])
    with ThreadPoolExecutor(2) as pool:
        pool.submit(line.work)
        pool.submit(line.work)
        (first,) = line.ended()
        assert first.group == "bad" and isinstance(first.error, SystemExit) and line.open == 1
        go_on.set()
        (last,) = line.ended()
    assert (last.result, line.open) == ("slow", 0)


def test_calls_that_were_not_begun_are_called_off():
    begun, go_on = Event(), Event()

    def call(number: int, delay: float) -> int:
        begun.set()
        go_on.wait(10)
        return number

    line = Line(call, [(number, 0.0) for number in range(5)])
    with ThreadPoolExecutor(1) as pool:
        pool.submit(line.work)
        begun.wait(10)
        assert line.call_off() == [1, 2, 3, 4]
        go_on.set()
        assert [each.group for each in line.ended()] == [0] and line.open == 0


def test_a_quiet_while_ends_the_wait():
    line = Line(lambda number, delay: number, [(1, 0.0)])
    started = time.monotonic()
    assert line.ended() == []
    assert time.monotonic() - started < 5 and line.open == 1
