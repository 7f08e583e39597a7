"""Pause, resume and cancel by the buttons of a run's page while workers are in the middle of slow calls."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases
from tests.torture.facts import FINAL, read_log
from tests.torture.house import ROOT, House, query, settings_for, vendor

ACCOUNTS = 400
ANSWERS_IN = 1.0  # seconds on average, two at most; one source is called twice a question
DRAINED = 5.0  # seconds after which every call in flight has ended
SOON = 2.0  # seconds
LONGEST = 90.0  # seconds until whatever must come has come


@dataclass
class Steered:
    """Seconds from each click until the last question before it took effect, or the first after."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass
class _Scene:
    """A run, its workers, its vendor's log, and who presses the buttons."""

    environment: dict[str, str]
    log: Path
    house: House
    clicker: subprocess.Popen[str]

    def click(self, button: str) -> float:
        """Press a button; when that was."""
        assert self.clicker.stdin and self.clicker.stdout
        print(button, file=self.clicker.stdin, flush=True)
        return float(self.clicker.stdout.readline())

    def asked(self) -> list[float]:
        """When each question reached the vendor."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [float(at) for what, *_, at in lines if what == "asked"]

    def asked_since(self, at: float) -> list[float]:
        """The questions after a moment."""
        return [each for each in self.asked() if each > at]


def steer(database: str, *, soon: float = SOON) -> Steered:
    """Pause, kill everything, resume, cancel; how soon each took effect, `soon` at most, and what was asked twice."""
    came = Steered()
    with _scene(database) as scene:
        _until(lambda: len(scene.asked()) > 10)
        paused = scene.click("pause")
        time.sleep(DRAINED)
        came.seconds["pause"] = max(scene.asked_since(paused), default=paused) - paused
        held = query(scene.environment, "SELECT 1 FROM enrichment_runitem WHERE state = 'processing'")
        scene.house.kill_all()
        _until(lambda: not scene.house.is_up)
        scene.house.start()
        _until(lambda: "idle worker" in scene.house.members())
        time.sleep(DRAINED)
        resumed = scene.click("resume")
        _until(lambda: bool(scene.asked_since(resumed)))
        came.seconds["resume"] = min(scene.asked_since(resumed)) - resumed
        time.sleep(DRAINED)
        canceled = scene.click("cancel")
        time.sleep(DRAINED)
        came.seconds["cancel"] = max(scene.asked_since(canceled), default=canceled) - canceled
        came.broken += [f"{name} took {taken:.1f} s" for name, taken in came.seconds.items() if taken > soon]
        _judge(scene, came, len(held), len(scene.asked_since(resumed)))
    return came


def _judge(scene: _Scene, came: Steered, held: int, after: int) -> None:
    asked = read_log(scene.log)
    states = dict(query(scene.environment, "SELECT state, count(*) FROM enrichment_runitem GROUP BY state"))
    came.counts = {
        "questions": asked.total(), "asked after the resume": after,
        "asked twice": sum(count - 1 for count in asked.values()),
        "items open after the cancel": sum(count for state, count in states.items() if state not in FINAL),
    }  # fmt: skip
    came.broken += [f"{name}: {came.counts[name]}" for name in list(came.counts)[2:] if came.counts[name]]
    if held:
        came.broken.append(f"{held} items were still held while the run was paused")
    if not after:
        came.broken.append("nothing was asked after the resume")


def _until(has_come: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not has_come():
        assert time.monotonic() < end, "what must come does not"
        time.sleep(0.05)


@contextmanager
def _scene(database: str) -> Iterator[_Scene]:
    with databases.migrated(database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, ANSWERS_IN) as port:
            environment = settings_for(scratch, port, FOOTNOTE_WORKERS="2", FOOTNOTE_CLUSTER="steered")
            command = [sys.executable, "-m", "tests.torture.prepare", str(ACCOUNTS), "4", "100000"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
            house = House(environment, arguments=("--workers-only",))
            with subprocess.Popen(
                [sys.executable, "-m", "tests.torture.clicker"], cwd=ROOT, text=True,
                env=environment | {"FOOTNOTE_CLUSTER": "not the workers'"},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            ) as clicker:  # fmt: skip
                try:
                    assert clicker.stdout and clicker.stdout.readline()
                    house.start()
                    yield _Scene(environment, log, house, clicker)
                finally:
                    clicker.kill()
                    house.stop()
