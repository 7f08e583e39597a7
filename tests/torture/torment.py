"""One run under torture: prepare, start, kill and kill again, wait for the end, judge."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from benchmarks import databases
from tests.torture import facts
from tests.torture.house import (
    FROZEN,
    FROZEN_FOR,
    ROLES,
    ROOT,
    WORKERS,
    House,
    freeze,
    kill,
    ports,
    query,
    settings_for,
    vendor,
)

AT_WORK = 0.8  # of the kills hit an installation that works, the others whatever there is
LONGEST_START = 60.0  # seconds
SAYS_EVERY = 5.0  # seconds
LONGEST_WAY_HOME = 5.0  # seconds of a worker that was let go on
JUST_TOLD = 0.5  # seconds between an answer on the wire and its commit, at most


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done. `gap`: mean seconds between kills. `longest`: seconds until a run that goes on has failed."""

    database: str
    accounts: int
    kills: int
    seed: int
    gap: float = 2.0
    roles: tuple[str, ...] = ROLES
    clusters: int = 1
    workers: int = WORKERS
    redis: str = ""
    longest: float = 1800.0
    say: Callable[[str], None] = lambda text: None


@dataclass
class Report:
    """What came of it."""

    verdict: facts.Verdict
    kills: Counter[str]
    seconds: float
    calm_seconds: float


@dataclass(frozen=True)
class Still:
    """A worker that was stopped at a moment (seconds since 1970), and the ports of the connections it held."""

    since: float
    ports: set[int]


@dataclass
class Torment:
    """The hand that kills: who was hit how often, and which questions were in flight then."""

    dice: random.Random
    log: Path
    killed: Counter[str] = field(default_factory=Counter)
    stills: list[Still] = field(default_factory=list)
    in_flight: int = 0
    home_at: float = 0.0  # by the monotonic clock: by then whoever was frozen has brought home what it held

    def strike(self, house: House, roles: tuple[str, ...]) -> bool:
        """Kill one process, or all; False: nobody is there just now."""
        role, victims = house.victims(roles, self.dice)
        if not victims:
            return False
        if role == FROZEN:
            freeze(victims)
        # A killed guard, leader or supervisor takes the workers along.
        hit = victims if role.endswith("worker") else house.family()
        held = ports(hit)
        if role == "all":
            house.kill_all()
        if role == FROZEN:
            self.stills.append(Still(time.time(), held))
            self.home_at = time.monotonic() + FROZEN_FOR + LONGEST_WAY_HOME
        else:
            kill(victims)
        self.in_flight += self._count(held)
        self.killed[role] += 1
        return True

    def _count(self, held: set[int]) -> int:
        """Questions that were asked from these ports and not answered, or only just."""
        open_questions: dict[tuple[str, str], int] = {}
        now = time.time()
        for line in self.log.read_text().splitlines():
            what, source, domain, peer, at = line.split()
            if what == "asked":
                open_questions[source, domain] = int(peer)
            elif now - float(at) > JUST_TOLD:
                open_questions.pop((source, domain), None)
        return sum(peer in held for peer in open_questions.values())

    def on_the_wire(self) -> Counter[facts.Question]:
        """Questions that had left a worker when it was stopped, with no answer stored: nobody can call those back.

        Who stands still sends nothing: what came to the vendor from its ports before it was let go on had left before.
        """
        found: Counter[facts.Question] = Counter()
        lines = [line.split() for line in self.log.read_text().splitlines()]
        for still in self.stills:
            held: set[facts.Question] = set()
            for what, source, domain, peer, at in lines:
                if int(peer) not in still.ports or float(at) >= still.since + FROZEN_FOR:
                    continue
                if what == "asked":
                    held.add((source, domain))
                elif float(at) < still.since - JUST_TOLD:
                    held.discard((source, domain))
            found.update(held)
        return found


def torture(plan: Plan) -> Report:
    """Two runs over the same accounts, one in peace; the other must end the same."""
    pace = max(60, round(plan.accounts * 60 / max(plan.kills * plan.gap, 1)))
    calm, calm_seconds = undisturbed(plan.database, plan.accounts)
    found, torment, taken = run_once(plan, kills=plan.kills, seconds=0.15, pace=pace)
    verdict = facts.judge(found, calm, in_flight=torment.in_flight)
    return Report(verdict, torment.killed, taken, calm_seconds)


@cache
def undisturbed(database: str, accounts: int) -> tuple[facts.Facts, float]:
    """What a run in peace leaves behind, and its seconds: the same for whatever disturbs the other."""
    plan = Plan(database=database, accounts=accounts, kills=0, seed=0)
    found, _, taken = run_once(plan, kills=0, seconds=0.0, pace=100_000)
    return found, taken


def run_once(plan: Plan, *, kills: int, seconds: float, pace: int) -> tuple[facts.Facts, Torment, float]:
    """A run on a scratch database, under `kills`; the vendor answers in `seconds` and takes `pace` a minute."""
    with databases.migrated(plan.database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, seconds) as port:
            more = {"REDIS_URL": plan.redis} if plan.redis else {}
            more |= {"DJANGO_SETTINGS_MODULE": "tests.torture.fences", facts.REFUSALS: f"{folder}/refused"}
            environment = settings_for(scratch, port, FOOTNOTE_WORKERS=str(plan.workers), **more)
            prepare_run(environment, plan.accounts, pace)
            torment = Torment(random.Random(plan.seed), log)
            began = time.monotonic()
            with _houses(environment, plan.clusters) as houses:
                _strike_all(plan, torment, houses, environment, kills)
                _wait(plan, houses, environment)
                time.sleep(max(0.0, torment.home_at - time.monotonic()))
            taken = time.monotonic() - began
        found = facts.read(environment, log)
        found.on_the_wire = torment.on_the_wire()
        return found, torment, taken


def prepare_run(environment: dict[str, str], accounts: int, pace: int) -> None:
    """Fill the database and start a run whose vendors take `pace` questions a minute."""
    if url := environment.get("REDIS_URL"):
        with redis.from_url(url) as broker:
            broker.flushdb()
    command = [sys.executable, "-m", "tests.torture.prepare", str(accounts), "4", str(pace)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _houses(environment: dict[str, str], clusters: int) -> Iterator[list[House]]:
    """The supervisors: the first with a web server, further ones with workers only."""
    houses = [
        House(
            environment | {"FOOTNOTE_CLUSTER": f"torture-{number}"},
            arguments=("--workers-only",) if number else ("--port", "0"),
        )
        for number in range(clusters)
    ]
    try:
        for house in houses:
            house.start()
        yield houses
    finally:
        for house in houses:
            house.stop()


def _strike_all(
    plan: Plan, torment: Torment, houses: list[House], environment: dict[str, str], kills: int
) -> None:
    """Kill at random moments from the first question on until it is enough, or the run has ended."""
    while kills and not torment.log.stat().st_size:
        time.sleep(0.1)
    while sum(torment.killed.values()) < kills and not is_over(environment):
        house = torment.dice.choice(houses)
        if torment.dice.random() < AT_WORK:
            _wait_for_work(house, houses)
        time.sleep(torment.dice.uniform(0.1, 2 * plan.gap))
        _keep_up(houses)
        if torment.strike(house, plan.roles):
            plan.say(f"  {sum(torment.killed.values())} kills, {_progress(environment)}")


def _wait_for_work(house: House, houses: list[House]) -> None:
    """Until a worker asks something, so that not all kills hit those who have only just begun to start."""
    until = time.monotonic() + LONGEST_START
    while "busy worker" not in house.members() and time.monotonic() < until:
        _keep_up(houses)
        time.sleep(0.2)


def _keep_up(houses: list[House]) -> None:
    """Start again what was killed as a whole, as systemd would."""
    for house in houses:
        if not house.is_up:
            house.start()


def _wait(plan: Plan, houses: list[House], environment: dict[str, str]) -> None:
    began = said = time.monotonic()
    while not is_over(environment) and time.monotonic() < began + plan.longest:
        _keep_up(houses)
        time.sleep(0.5)
        if time.monotonic() > said + SAYS_EVERY:
            said = time.monotonic()
            plan.say(f"  {said - began:.0f} s of peace, {_progress(environment)}")


def is_over(environment: dict[str, str]) -> bool:
    """Whether all runs have ended."""
    return not query(
        environment,
        "SELECT 1 FROM enrichment_enrichmentrun WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELED', 'CRASHED')",
    )


def _progress(environment: dict[str, str]) -> str:
    rows = query(environment, "SELECT state, count(*) FROM enrichment_runitem GROUP BY state ORDER BY state")
    return ", ".join(f"{count} {state}" for state, count in rows)
