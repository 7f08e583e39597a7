"""Days of schedules in minutes: four machines with wrong clocks, an outage, and one run for each planned moment."""

from __future__ import annotations

import mmap
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

from benchmarks import databases
from tests.torture.house import ROOT, query, settings_for, vendor
from tests.torture.machine import ACCOUNTS, CADENCES, task_cron

MACHINES = 4
STEP = timedelta(minutes=10)
LOOKS = 40  # at the clock that each machine takes before it moves on: more than it takes to see what is due
BEGINS = datetime(2026, 3, 2, tzinfo=UTC)  # America's clocks go forward in the week that follows
OUTAGE = timedelta(days=5)
SOON = timedelta(hours=1)  # until a refresh goes on that could not begin
LATE = timedelta(hours=6)  # by which what was planned is over, on a busy machine too
LEASE = 2 * 3600  # seconds, more than a few steps
_NUMBER = struct.Struct("d")
_COMMAND = (sys.executable, "-m", "tests.torture.machine")
NO_RUN = ("Skipped: run", "Nothing was due")  # the last one goes on, or has only just answered
_OPEN = "('PENDING', 'RUNNING', 'SCHEDULED', 'PAUSED')"
_REFRESHED = (
    "SELECT s.slug, f.planned_at, f.fired_at, f.run_id, f.note FROM enrichment_schedulefiring f "
    "JOIN enrichment_enrichmentsource s ON s.id = f.source_id WHERE f.kind = 'account' ORDER BY f.planned_at"
)
_EXECUTED = (
    "SELECT c.name, o.planned_at, coalesce(r.finished_at, r.created_at), r.id, '' FROM enrichment_runorigin o JOIN enrichment_apischedule c "
    "ON c.id = o.schedule_id JOIN enrichment_enrichmentrun r ON r.id = o.run_id ORDER BY o.planned_at"
)
_ASKED = (  # of each refresh that made a run
    "SELECT f.fired_at, count(l.id) FROM enrichment_schedulefiring f LEFT JOIN enrichment_lookup l ON l.run_id = f.run_id "
    "WHERE f.run_id IS NOT NULL GROUP BY f.id, f.fired_at"
)
_AT_ONCE = (
    f"SELECT 1 FROM enrichment_schedulefiring f JOIN enrichment_enrichmentrun r ON r.id = f.run_id WHERE r.status IN {_OPEN} "
    "GROUP BY f.source_id, f.kind HAVING count(*) > 1 "
    f"UNION ALL SELECT 1 FROM enrichment_runorigin o JOIN enrichment_enrichmentrun r ON r.id = o.run_id "
    f"WHERE r.status IN {_OPEN} AND o.schedule_id IS NOT NULL GROUP BY o.schedule_id HAVING count(*) > 1"
)


@dataclass(frozen=True, kw_only=True)
class Days:
    """`sources` and `tasks` with a schedule each; `days` before an outage and `after` it."""

    database: str
    sources: int = 6
    tasks: int = 4
    days: float = 5.0
    after: float = 1.5


@dataclass
class Kept:
    """What was seen; `broken` is empty when each moment made one run and no two of a schedule went at once."""

    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Firing:
    """A moment of a schedule that was dealt with; whether by a `run`, else `note` says why.

    `fired`: until when it stands for further moments; of a task until its run has ended, for until then there is no other.
    """

    planned: datetime
    fired: datetime
    run: bool
    note: str


class _Clock:
    """The database's clock, in a file that all machines see: it moves on when each has looked at it often enough.

    So a slow machine has as much time for its work as a fast one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_NUMBER.size * (1 + MACHINES)))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)
        self._seen: tuple[float, ...] = (0.0,) * MACHINES
        self._set(BEGINS)

    def now(self) -> datetime:
        return datetime.fromtimestamp(_NUMBER.unpack_from(self._shared, 0)[0], UTC)

    def leap(self, by: timedelta) -> None:
        """Set it forward."""
        self._set(self.now() + by)

    def tick(self) -> bool:
        """Move on if all machines are through with what was due; whether it did."""
        looks = tuple(_NUMBER.unpack_from(self._shared, _NUMBER.size * (1 + n))[0] for n in range(MACHINES))
        if any(now - before < LOOKS for now, before in zip(looks, self._seen, strict=True)):
            return False
        self._seen = looks
        self.leap(STEP)
        return True

    def told(self, machine: int) -> dict[str, str]:
        """The environment of a machine."""
        return {"DJANGO_SETTINGS_MODULE": "tests.torture.clocks", "TORTURE_CLOCK": f"{self.path} {machine}"}

    def _set(self, now: datetime) -> None:
        _NUMBER.pack_into(self._shared, 0, now.timestamp())


def keep_time(plan: Days) -> Kept:
    """Let the machines keep the schedules, through an outage; then compare what was planned with what was run."""
    with databases.migrated(plan.database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, 0.0) as port:
            more = {f"VENDOR_{name}_API_KEY": "only-for-tests" for name in (*range(plan.sources), "TASKS")}
            environment = settings_for(scratch, port, **(more | {"FOOTNOTE_LEASE": str(LEASE)}))
            clock = _Clock(Path(folder) / "clock")
            _prepare(plan, environment | clock.told(0))
            seen: list[int] = []
            with _machines(environment, clock):
                _watch(environment, clock, timedelta(days=plan.days), seen)
                gone = clock.now()
            clock.leap(OUTAGE)
            back = clock.now()
            with _machines(environment, clock):
                _watch(environment, clock, timedelta(days=plan.after), seen)
            return _judge(plan, environment, (gone, back, clock.now()), seen)


def _prepare(plan: Days, environment: dict[str, str]) -> None:
    command = [*_COMMAND, "prepare", str(plan.sources), str(plan.tasks)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@contextmanager
def _machines(environment: dict[str, str], clock: _Clock) -> Iterator[None]:
    """Machines at work, killed in the end; all of them are up."""
    working = [
        subprocess.Popen(
            [*_COMMAND, "work"],
            cwd=ROOT,
            env=environment | clock.told(number),
            text=True,
            stdout=subprocess.PIPE,
        )
        for number in range(MACHINES)
    ]
    try:
        assert all(each.stdout and each.stdout.readline() for each in working)
        yield
    finally:
        for each in working:
            with each:
                each.kill()


def _watch(environment: dict[str, str], clock: _Clock, lasts: timedelta, seen: list[int]) -> None:
    """Let time pass, and look at each step how many schedules have two runs that are open."""
    until = clock.now() + lasts
    while clock.now() < until:
        if clock.tick():
            seen.append(len(query(environment, _AT_ONCE)))
        time.sleep(0.01)


def _judge(
    plan: Days, environment: dict[str, str], times: tuple[datetime, datetime, datetime], seen: list[int]
) -> Kept:
    gone, back, end = times
    counts: Counter[str] = Counter(dict.fromkeys(("planned", "in the outage", "runs", "put off"), 0))
    broken: list[str] = []
    fired = _firings(environment)
    for name, cron, zone in _timetable(plan):
        moments = list(_moments(cron, zone, end - LATE))
        firings = fired.get(name, [])
        counts["planned"] += len(moments)
        counts["in the outage"] += sum(gone <= moment <= back for moment in moments)
        counts["runs"] += sum(each.run for each in firings)
        counts["put off"] += sum(not each.run for each in firings)
        broken += [f"{name}: {wrong}" for wrong in _wrong(firings, moments, gone, back)]
    asked = query(environment, _ASKED)
    counts["questions"] = sum(count for _, count in asked)
    counts["not asked"] = sum(max(ACCOUNTS - count, 0) for at, count in asked if moment(at) <= end - LATE)
    counts["looks"], counts["two at once"] = len(seen), sum(map(bool, seen))
    if counts["not asked"]:
        broken.append(f"{counts['not asked']} questions of refreshes were not asked")
    if counts["two at once"]:
        broken.append("two runs of one schedule went at once")
    return Kept(dict(counts), broken)


def _firings(environment: dict[str, str]) -> dict[str, list[_Firing]]:
    """What was dealt with, by the name of the schedule, oldest first."""
    found: dict[str, list[_Firing]] = {}
    for name, planned, at, run, note in [*query(environment, _REFRESHED), *query(environment, _EXECUTED)]:
        planned, at = moment(planned), moment(at)
        found.setdefault(name, []).append(_Firing(planned, max(at, planned), run is not None, note))
    return found


def _wrong(
    firings: Sequence[_Firing], moments: Sequence[datetime], gone: datetime, back: datetime
) -> Iterator[str]:
    """What is wrong with how the moments of a schedule were dealt with."""
    planned = {each.planned for each in firings}
    if len(planned) != len(firings):
        yield "a moment was dealt with twice"
    for moment in moments:
        if not any(each.planned <= moment <= each.fired for each in firings):
            yield f"nothing came of {moment}"
    goes_on = {each.fired + SOON for each in firings}
    for each in firings:
        if each.planned not in moments and each.planned not in goes_on and each.planned <= moments[-1]:
            yield f"{each.planned} was never planned"
        if not each.run and not each.note.startswith(NO_RUN):
            yield f"no run of {each.planned}: {each.note}"
    caught_up = sum(each.run and gone < each.planned <= back for each in firings)
    if caught_up > 1:
        yield f"the outage was made up for {caught_up} times"


def _timetable(plan: Days) -> Iterator[tuple[str, str, str]]:
    """Name, cron and time zone of each schedule."""
    for number in range(plan.sources):
        cadence, zone = CADENCES[number % len(CADENCES)]
        yield f"vendor_{number}", "0 0 * * *" if cadence == "daily" else cadence.removeprefix("cron "), zone
    for number in range(plan.tasks):
        yield f"Task {number}", task_cron(number), "UTC"


def _moments(cron: str, zone: str, until: datetime) -> Iterator[datetime]:
    """The moments of a schedule, worked out by itself."""
    each = croniter(cron, BEGINS.astimezone(ZoneInfo(zone)))
    while (moment := each.get_next(datetime).astimezone(UTC)) <= until:
        yield moment


def moment(value: Any) -> datetime:
    """A column of either database."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)
