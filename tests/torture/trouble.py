"""A database in trouble while runs go on: no room on its disk, lost connections, a lock that somebody else holds."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg

from benchmarks import databases
from tests.torture import facts, numbers
from tests.torture.house import House, settings_for, vendor
from tests.torture.outcome import Outcome
from tests.torture.torment import Plan, is_over, prepare_run, run_once
from tests.torture.vendor import PAID

HOLDS = {"disk": 3.0, "connections": 3.0, "lock": 30.0}  # seconds that each trouble lasts, on average
DISK_MB = 96
FIRST_ANSWER = 60.0  # seconds
ANSWERS_IN = 0.15  # seconds


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`times` troubles of one kind, each for about `hold` seconds, about `gap` seconds apart."""

    database: str
    kind: str
    seed: int
    accounts: int = 300
    times: int = 20
    hold: float = 3.0
    gap: float = 3.0
    longest: float = 1800.0


def kinds(database: str) -> tuple[str, ...]:
    """The troubles that a database may have here: a disk needs the right to mount one."""
    own = "lock" if databases.name_of(database) == "SQLite" else "connections"
    return ("disk", own) if os.geteuid() == 0 and sys.platform == "linux" else (own,)


def trouble(plan: Trouble) -> Outcome:
    """A run in trouble, compared with one in peace."""
    calm, _, _ = run_once(
        Plan(database=plan.database, accounts=plan.accounts, kills=0, seed=plan.seed),
        kills=0,
        seconds=0.0,
        pace=100_000,
    )
    with databases.scratch(plan.database) as scratch, TemporaryDirectory() as folder, _home(plan) as home:
        log = Path(folder) / "vendor.log"
        with vendor(log, ANSWERS_IN) as port:
            own = {facts.REFUSALS: f"{folder}/refused"} | ({"FOOTNOTE_HOME": str(home)} if home else {})
            if home and databases.name_of(plan.database) == "SQLite":
                own["DATABASE_URL"] = f"sqlite:///{home / 'footnote.sqlite3'}"
            environment = settings_for(
                scratch | own, port, FOOTNOTE_WORKERS="2", DJANGO_SETTINGS_MODULE="tests.torture.straits",
                TORTURE_STUCK="60", FOOTNOTE_LEASE="15",
            )  # fmt: skip
            lasts = plan.times * (plan.gap + plan.hold)
            prepare_run(environment, plan.accounts, max(60, round(plan.accounts * 60 / lasts)))
            house = House(environment | {"FOOTNOTE_CLUSTER": "torture"}, arguments=("--workers-only",))
            house.start()
            try:
                had = _make(plan, environment, log, home)
                is_ended = _wait(environment, plan.longest)
            finally:
                house.stop()
        return _judged(plan, environment, log, calm, had, is_ended=is_ended)


@contextmanager
def _home(plan: Trouble) -> Iterator[Path | None]:
    """A small disk for FOOTNOTE_HOME, where the trouble is about that."""
    if plan.kind != "disk":
        yield None
        return
    with TemporaryDirectory() as folder:
        size = f"size={DISK_MB}m,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "torture", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _make(plan: Trouble, environment: dict[str, str], log: Path, home: Path | None) -> int:
    """Make trouble at random moments until it was enough or the run has ended; how often."""
    dice, count = random.Random(plan.seed), 0
    makers: dict[str, Callable[[float], None]] = {
        "disk": lambda seconds: _fill(home, seconds),
        "lock": lambda seconds: _lock(environment, seconds),
        "connections": lambda seconds: _cut(environment, seconds, dice),
    }
    until = time.monotonic() + FIRST_ANSWER
    while not (log.exists() and log.stat().st_size) and time.monotonic() < until:
        time.sleep(0.1)
    while count < plan.times and not _is_over(environment):
        time.sleep(dice.uniform(0, 2 * plan.gap))
        makers[plan.kind](plan.hold * dice.uniform(0.5, 1.5))
        count += 1
    return count


def _fill(home: Path | None, seconds: float) -> None:
    """Take the last byte of the disk for a while."""
    assert home
    ballast = home / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
    time.sleep(seconds)
    ballast.unlink()


def _lock(environment: dict[str, str], seconds: float) -> None:
    """Be the one writer for a while."""
    path = urlsplit(environment["DATABASE_URL"]).path[1:]
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")


def _cut(environment: dict[str, str], seconds: float, dice: random.Random) -> None:
    """End all connections, again and again for a while, as a server that restarts does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(dice.uniform(0.05, 0.5))


def _is_over(environment: dict[str, str]) -> bool:
    with suppress(sqlite3.OperationalError, psycopg.OperationalError):
        return is_over(environment)
    return False


def _wait(environment: dict[str, str], longest: float) -> bool:
    until = time.monotonic() + longest
    while not (over := _is_over(environment)) and time.monotonic() < until:
        time.sleep(0.5)
    return over


def _judged(
    plan: Trouble, environment: dict[str, str], log: Path, calm: facts.Facts, had: int, *, is_ended: bool
) -> Outcome:
    found = facts.read(environment, log)
    doubted = sum(error.startswith(facts.DOUBT) for rows in found.lookups.values() for *_, error in rows)
    verdict = facts.judge(found, calm, in_flight=doubted)
    told = {tuple(line.split()[1:3]) for line in log.read_text().splitlines() if line.startswith("told")}
    in_doubt = {
        question
        for question, rows in found.lookups.items()
        if any(state == "uncertain" for state, *_ in rows)
    }
    lost = [question for question in in_doubt if question in told and question[0] == PAID]
    outcome = Outcome(
        {"troubles": had, "paid answers lost": len(lost)} | verdict.counts, list(verdict.broken)
    )
    outcome.broken += [f"the answer to {question} was paid and lost" for question in lost]
    outcome.broken += numbers.wrong(environment)
    outcome.broken += ["the run did not end"] * (not is_ended)
    waiting = list(Path(environment["FOOTNOTE_HOME"], "spool").glob("*"))
    outcome.broken += [f"{len(waiting)} files are left in the spool"] * bool(waiting)
    return outcome
