"""Two clusters, one of which is made to stand still for ever: the other goes on, and soon both do.

`python -m tests.torture.wedge FIRST COUNT` starts a run over accounts of these numbers.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from benchmarks import databases
from tests.torture import facts, numbers
from tests.torture.house import ROOT, WORKERS, House, Process, kill, settings_for, vendor
from tests.torture.outcome import Outcome
from tests.torture.torment import is_over
from tests.torture.vendor import PAID

WINDOW, STEP = 20.0, 1.0  # seconds over which a pace is taken, and from one to the next
SOME, FULL = 0.4, 0.9  # of the pace of two sound clusters
LONGEST_START = 120.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Wedge:
    """Accounts of a run in peace and of one with a wedged cluster; `within` so many seconds `SOME` of the pace is back."""

    database: str
    peace: int = 400
    wedged: int = 1200
    answers_in: float = 2.0
    within: float = 90.0
    longest: float = 1800.0


def wedge(plan: Wedge) -> Outcome:
    """Take the pace of two clusters, wedge one, see how the pace comes back; with the clocks of `manage.py up`."""
    with (
        TemporaryDirectory() as folder,
        databases.scratch(plan.database) as scratch,
        vendor(log := Path(folder) / "vendor.log", plan.answers_in) as port,
    ):
        environment = settings_for(scratch, port, FOOTNOTE_WORKERS=str(WORKERS))
        with _houses(environment) as houses:
            is_ended = _run(environment, 0, plan)
            full = max(_paces(_told(log), 0.0), default=(0.0, 0.0), key=lambda pace: pace[1])[1]
            began = time.time()
            workers = _wedge(houses[0])
            is_ended &= _run(environment, plan.peace, plan)
        paces = list(_paces(_told(log), began))
        some, whole = (_reached(paces, share * full) - began for share in (SOME, FULL))
        return _judged(plan, environment, log, is_ended, (workers, full, some, whole))


@contextmanager
def _houses(environment: dict[str, str]) -> Iterator[list[House]]:
    """Two clusters as `manage.py up` keeps them."""
    houses = [
        House(
            environment | {"FOOTNOTE_CLUSTER": f"torture-{number}"},
            command=("manage.py", "up"),
            arguments=("--workers-only",),
        )
        for number in range(2)
    ]
    try:
        for house in houses:
            house.start()
            until = time.monotonic() + LONGEST_START
            while len(_workers(house)) < WORKERS and time.monotonic() < until:
                time.sleep(0.5)
        yield houses
    finally:
        for house in houses:
            house.stop()


def _workers(house: House) -> list[Process]:
    members = house.members()
    return [*members.get("idle worker", ()), *members.get("busy worker", ())]


def _wedge(house: House) -> int:
    """Kill all workers at once while they wait for work: one of them holds the lock of the queue, for ever."""
    workers = _workers(house)
    kill(workers)
    return len(workers)


def _run(environment: dict[str, str], first: int, plan: Wedge) -> bool:
    """One run to its end; False: it took too long."""
    count = plan.wedged if first else plan.peace
    command = [sys.executable, "-m", "tests.torture.wedge", str(first), str(count)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    until = time.monotonic() + plan.longest
    while not (over := is_over(environment)) and time.monotonic() < until:
        time.sleep(0.5)
    return over


def _told(log: Path) -> list[float]:
    """When the vendor answered."""
    lines = map(str.split, log.read_text().splitlines())
    return sorted(float(words[4]) for words in lines if words[0] == "told")


def _paces(told: Sequence[float], since: float) -> Iterator[tuple[float, float]]:
    """Answers a second in each window that lies after a moment; a window goes by its end."""
    end = (max(since, told[0]) if told else since) + WINDOW
    while told and end <= told[-1]:
        yield end, (bisect_left(told, end) - bisect_left(told, end - WINDOW)) / WINDOW
        end += STEP


def _reached(paces: Sequence[tuple[float, float]], least: float) -> float:
    """When a pace was reached."""
    return next((end for end, pace in paces if pace >= least), math.inf)


def _judged(
    plan: Wedge, environment: dict[str, str], log: Path, is_ended: bool, came: tuple[int, float, float, float]
) -> Outcome:
    workers, full, some, whole = came
    asked = facts.read_log(log)
    outcome = Outcome(
        {
            "workers killed": workers, "answers a minute before": round(60 * full), "questions": asked.total(),
            "seconds to 40 %": round(min(some, plan.longest)), "seconds to 90 %": round(min(whole, plan.longest)),
        }
    )  # fmt: skip
    for sentence, is_so in (
        ("a run did not end", not is_ended),
        ("nobody was there to be killed", workers == 0),
        (f"40 % of the pace came back after {some:.0f} s", some > plan.within),
        ("the whole pace did not come back", whole == math.inf),
        ("a question was put twice", any(count > 1 for count in asked.values())),
        ("an account was not asked about", len(asked) != plan.peace + plan.wedged),
    ):
        outcome.broken += [sentence] * is_so
    outcome.broken += numbers.wrong(environment)
    return outcome


def start(first: str, count: str) -> None:
    """A run over new accounts that waits for workers."""
    from crm.models import Account
    from enrichment import runs
    from enrichment.models import EnrichmentSource
    from enrichment.registration import sync_sources
    from sources.attributes import Kind

    sync_sources()
    EnrichmentSource.objects.filter(slug=PAID).update(
        is_enabled=True, per_minute=100_000, credit_price="0.25", cadence="monthly"
    )
    mine = range(int(first), int(first) + int(count))
    accounts = Account.objects.bulk_create(
        Account(name=f"Company {n}", name_key=f"company {n}", domain=f"company{n}.com") for n in mine
    )
    records = Account.objects.filter(pk__in=[account.pk for account in accounts])
    runs.start(kind=Kind.ACCOUNT, records=records, sources=[PAID], parallel=4)


if __name__ == "__main__":
    django.setup()
    start(*sys.argv[1:])
