"""A database in trouble while runs go on: no room on a disk, a server that restarts, lost connections, a lock that lasts."""

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
from tests.torture.server import Server, can_run, server
from tests.torture.torment import is_over, prepare_run, undisturbed
from tests.torture.vendor import PAID

HOLDS = {
    "disk": 3.0,
    "tables": 3.0,
    "restarts": 3.0,
    "connections": 3.0,
    "lock": 30.0,
}  # seconds that each trouble lasts, on average
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
    """The troubles that a database may have here: a disk needs the right to mount one, so does a server of our own."""
    is_root = os.geteuid() == 0 and sys.platform == "linux"
    if databases.name_of(database) == "SQLite":
        return ("disk", "lock") if is_root else ("lock",)
    own = ("tables", "restarts") if can_run() else ()
    return (("disk",) if is_root else ()) + own + ("connections",)


@dataclass(frozen=True)
class Place:
    """Where the run has its database; its own FOOTNOTE_HOME, the disk that is filled and its own server, if any."""

    database: str
    home: Path | None = None
    disk: Path | None = None
    server: Server | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What the place adds to the environment."""
        if not self.home:
            return {}
        own = {"FOOTNOTE_HOME": str(self.home)}
        if databases.name_of(self.database) == "SQLite":
            own["DATABASE_URL"] = f"sqlite:///{self.home / 'footnote.sqlite3'}"
        return own


def trouble(plan: Trouble) -> Outcome:
    """A run in trouble, compared with one in peace."""
    calm = undisturbed(plan.database, plan.accounts)[0]
    with (
        TemporaryDirectory() as folder,
        _place(plan) as place,
        databases.scratch(place.database) as scratch,
        vendor(log := Path(folder) / "vendor.log", ANSWERS_IN) as port,
    ):
        environment = settings_for(
            scratch | place.settings | {facts.REFUSALS: f"{folder}/refused"}, port, FOOTNOTE_WORKERS="2",
            DJANGO_SETTINGS_MODULE="tests.torture.straits", TORTURE_STUCK="120", FOOTNOTE_LEASE="15",
        )  # fmt: skip
        lasts = plan.times * (plan.gap + plan.hold)
        prepare_run(environment, plan.accounts, max(60, round(plan.accounts * 60 / lasts)))
        house = House(environment | {"FOOTNOTE_CLUSTER": "torture"}, arguments=("--workers-only",))
        house.start()
        try:
            had = _make(plan, environment, log, place)
            is_ended = _wait(environment, plan.longest)
        finally:
            house.stop()
        outcome = _judged(plan, environment, log, calm, had, is_ended=is_ended)
        if place.server and place.disk:
            outcome.counts["server said full"] = place.server.said_full
            outcome.broken += ["the server's disk was never full"] * (not place.server.said_full)
        return outcome


@contextmanager
def _place(plan: Trouble) -> Iterator[Place]:
    """A small disk for FOOTNOTE_HOME or for a server's tables, where the trouble is about that."""
    match plan.kind:
        case "disk":
            with _small_disk() as disk:
                yield Place(plan.database, home=disk, disk=disk)
        case "tables":
            with _small_disk() as disk, server() as own:
                own.put_tables_in(disk)
                yield Place(own.url, disk=disk, server=own)
        case "restarts":
            with server() as own:
                yield Place(own.url, server=own)
        case _:
            yield Place(plan.database)


@contextmanager
def _small_disk() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        size = f"size={DISK_MB}m,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "torture", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _make(plan: Trouble, environment: dict[str, str], log: Path, place: Place) -> int:
    """Make trouble at random moments until it was enough or the run has ended; how often."""
    dice, count = random.Random(plan.seed), 0
    makers: dict[str, Callable[[float], None]] = {
        "disk": lambda seconds: _fill(place.disk, seconds),
        "tables": lambda seconds: _fill(place.disk, seconds),
        "restarts": lambda seconds: _restart(place.server, seconds, dice),
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


def _fill(disk: Path | None, seconds: float) -> None:
    """Take the last byte of the disk for a while."""
    assert disk
    ballast = disk / "ballast"
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


def _restart(own: Server | None, seconds: float, dice: random.Random) -> None:
    """Stop the server as one does for an upgrade, or as a crash does; start it after a while."""
    assert own
    own.restart(dice.choice(("fast", "immediate")), seconds)


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
