"""When beats and sweeps are sent, and when workers count as stuck: a day in seconds, by a clock of our own."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from enrichment import heartbeats
from enrichment.models import Heartbeat
from enrichment.supervisor import canary as module
from enrichment.supervisor.canary import BEAT, SWEEP, Canary, Timing

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 5, 10, tzinfo=UTC)


class World:
    """A canary whose clock, queue and workers are ours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.sent: list[tuple[float, str]] = []
        self.waiting = 0
        self.workers_live: bool = False
        self.others_live: bool = False
        self.is_locked = False
        monkeypatch.setattr(module, "async_task", self._take)
        monkeypatch.setattr(module, "get_broker", lambda: self)
        self.canary = Canary(Timing(), clock=lambda: self.now)

    def queue_size(self) -> int:
        return self.waiting

    def _take(self, function: str, *, save: bool) -> None:
        if self.is_locked:
            raise OperationalError("database is locked")
        assert not save, "a success every 15 s is no news"
        self.sent.append((self.now - 1000, function))
        name = {BEAT: heartbeats.QUEUE, SWEEP: heartbeats.SWEEPER}[function]
        if self.workers_live:
            self._write(name, heartbeats.here(name))
        elif self.others_live:
            self._write(name, f"{name}@other")

    def _write(self, *names: str) -> None:
        for name in names:
            at = START + timedelta(seconds=self.now)
            Heartbeat.objects.update_or_create(name=name, defaults={"at": at})

    def work(self) -> None:
        """A long task that says it lives."""
        self._write(heartbeats.QUEUE, heartbeats.here(heartbeats.QUEUE))

    def live(self, seconds: float, *, working: bool = False) -> None:
        """Let time pass, in ticks of two seconds."""
        for _ in range(int(seconds / 2)):
            self.now += 2
            if working:
                self.work()
            with suppress(OperationalError):
                self.canary.tick()

    def times(self, function: str) -> list[float]:
        return [at for at, sent in self.sent if sent == function]

    def is_stuck(self) -> bool:
        return self.canary.stuck.is_set()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_healthy_workers_get_a_beat_every_15_and_a_sweep_every_30_seconds(world: World):
    world.workers_live = True
    world.live(600)
    assert not world.is_stuck()
    assert 30 <= len(world.times(BEAT)) <= 41
    assert 17 <= len(world.times(SWEEP)) <= 21


def test_silent_workers_are_stuck_after_a_minute_and_were_sent_few_beats(world: World):
    world.live(58)
    assert not world.is_stuck()
    world.live(6)
    assert world.is_stuck()
    assert len(world.times(BEAT)) <= 3


def test_workers_that_fall_silent_later_are_found_too(world: World):
    world.workers_live = True
    world.live(300)
    world.workers_live = False
    world.live(80)
    assert world.is_stuck()


def test_after_a_restart_the_minute_begins_anew(world: World):
    world.live(70)
    world.canary.reset()
    world.live(50)
    assert not world.is_stuck()


def test_workers_that_have_not_answered_since_their_start_are_given_longer_each_time(world: World):
    for patience in (60, 120, 240, 240):
        world.live(patience - 4)
        assert not world.is_stuck()
        world.live(6)
        assert world.is_stuck()
        world.canary.reset()
    world.workers_live = True
    world.live(300)
    world.workers_live = False
    world.live(80)
    assert world.is_stuck()


def test_other_machines_do_not_hide_that_ours_is_stuck(world: World):
    world.others_live = True
    world.live(70)
    assert world.is_stuck()


def test_a_long_task_that_marks_its_way_is_alive_without_beats(world: World):
    world.live(600, working=True)
    assert not world.is_stuck()
    assert len(world.times(BEAT)) == 1


def test_a_crowded_queue_gets_no_more_beats(world: World):
    world.waiting = 10
    world.live(40)
    assert not world.sent


def test_workers_that_are_stuck_with_the_database_locked_are_found(world: World):
    world.is_locked = True
    world.live(64)
    assert world.is_stuck()


def test_a_database_that_cannot_be_read_says_nothing_about_the_workers(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def fail(names: object) -> None:
        raise OperationalError("no route to host")

    monkeypatch.setattr(heartbeats, "last", fail)
    world.live(300)
    assert not world.is_stuck()


def test_an_old_row_is_no_sign_of_life(world: World):
    world.work()
    world.live(64)
    assert world.is_stuck()
