"""Minutes of steady load with a kill now and then: whether memory grows, and whether anything stays behind."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks import databases
from tests.torture.house import ROLES, ROOT, House, kill, query, settings_for, vendor
from tests.torture.outcome import Outcome
from tests.torture.schedules import moment

ACCOUNTS, EVERY = 40, 10.0  # of a run, and seconds between two
LOOKS = 2.0  # seconds between two
WARM = 60.0  # seconds, or a third of the time, until memory is looked at: processes fill it when they start
OLDEST = 600.0  # seconds an item may be open
REST = 180.0  # seconds that what is open when the load ends may take
GROWS = 2.0  # MB a minute and process, below which it is noise of so short a time
_OPEN = "('queued', 'processing', 'waiting')"


@dataclass(frozen=True, kw_only=True)
class Soak:
    """`gap`: seconds between two kills."""

    database: str
    minutes: float
    seed: int
    gap: float = 60.0


@dataclass
class _Watch:
    """Memory of the mean process in MB and age of the oldest open item, look by look."""

    began: float = field(default_factory=time.monotonic)
    memory: list[tuple[float, float]] = field(default_factory=list)
    oldest: float = 0.0

    def look(self, house: House, environment: dict[str, str], warm: float) -> None:
        """Take note; of memory only when it is `warm` seconds later than the beginning."""
        passed = time.monotonic() - self.began
        sizes = []
        for process in house.family():
            with suppress(psutil.NoSuchProcess):
                sizes.append(process.memory_info().rss / 1e6)
        if sizes and passed > warm:
            self.memory.append((passed / 60, statistics.fmean(sizes)))
        ((since,),) = query(
            environment,
            "SELECT min(r.created_at) FROM enrichment_runitem i JOIN enrichment_enrichmentrun r ON r.id = i.run_id "
            f"WHERE i.state IN {_OPEN}",
        )
        if since:
            self.oldest = max(self.oldest, (datetime.now(UTC) - moment(since)).total_seconds())


def soak(plan: Soak) -> Outcome:
    """Feed, kill, look; then let what is open end."""
    outcome, dice, killed = Outcome(), random.Random(plan.seed), 0
    with _installation(plan.database) as (environment, house):
        watch, warm = _Watch(), min(WARM, plan.minutes * 20)
        kill_at = time.monotonic() + plan.gap
        with _fed(environment):
            while time.monotonic() < watch.began + plan.minutes * 60:
                if not house.is_up:
                    house.start()
                if time.monotonic() > kill_at:
                    role, victims = house.victims(ROLES[:2] + ROLES[3:9], dice)
                    kill(victims)
                    killed, kill_at = killed + bool(role), time.monotonic() + plan.gap
                watch.look(house, environment, warm)
                time.sleep(LOOKS)
        left = _wait(environment, house)
        ((items,),) = query(environment, "SELECT count(*) FROM enrichment_runitem")
    slope = statistics.linear_regression(*zip(*watch.memory, strict=True)).slope
    outcome.counts = {
        "kills": killed, "items": items, "items open at the end": left, "oldest open item, seconds": round(watch.oldest),
        "MB a process": round(statistics.fmean(size for _, size in watch.memory)),
        "kB a minute and process": round(slope * 1000),
    }  # fmt: skip
    for sentence, wrong in (
        ("items are open", left > 0), ("an item was open for too long", watch.oldest > OLDEST),
        ("memory grows", slope > GROWS), ("nothing was done", items == 0),
    ):  # fmt: skip
        if wrong:
            outcome.broken.append(sentence)
    return outcome


def _wait(environment: dict[str, str], house: House) -> int:
    """Until nothing is open; how many items are all the same."""
    until = time.monotonic() + REST
    while True:
        ((left,),) = query(environment, f"SELECT count(*) FROM enrichment_runitem WHERE state IN {_OPEN}")
        if not left or time.monotonic() > until:
            return int(left)
        if not house.is_up:
            house.start()
        time.sleep(LOOKS)


@contextmanager
def _installation(database: str) -> Iterator[tuple[dict[str, str], House]]:
    with (
        databases.migrated(database) as scratch,
        TemporaryDirectory() as folder,
        vendor(Path(folder) / "vendor.log", 0.1) as port,
    ):
        environment = settings_for(scratch, port, FOOTNOTE_WORKERS="2", FOOTNOTE_CLUSTER="soaked")
        house = House(environment)
        try:
            yield environment, house
        finally:
            house.stop()


@contextmanager
def _fed(environment: dict[str, str]) -> Iterator[None]:
    """Runs come in steadily."""
    command = [sys.executable, "-m", "tests.torture.feeder", str(ACCOUNTS), str(EVERY)]
    own = environment | {"FOOTNOTE_CLUSTER": "the feeder's"}
    with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True) as feeder:
        try:
            assert feeder.stdout and feeder.stdout.readline()
            yield
        finally:
            feeder.kill()
