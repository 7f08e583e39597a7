"""The budget race: many workers, few credits, kills between call and settlement; spend stays within every limit."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases
from tests.torture.house import ROOT, query, vendor
from tests.torture.payer import CREDIT_USD, PRICES

SCOPES = ("source", "run", "money")
WORKERS = 8
LEASE = 10  # seconds; with less those who only wait for the one writer of SQLite are taken for dead
NO_BUDGET = "no budget left for it"


@dataclass(frozen=True, kw_only=True)
class Race:
    """`cap` credits for `scope`: each source and month, the run, or in money all sources and the month."""

    database: str
    scope: str
    accounts: int
    cap: int
    kills: int
    seed: int
    workers: int = WORKERS
    answers_in: float = 0.15  # seconds
    longest: float = 1800.0


@dataclass
class Outcome:
    """What was seen while the race went on, and what is left; `broken` is empty when all is well."""

    samples: int = 0
    most: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def race(plan: Race) -> Outcome:
    """Let the workers race, kill some of them, look at the budgets all the while."""
    outcome = Outcome()
    with databases.migrated(plan.database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, plan.answers_in) as port:
            environment = scratch | {
                "CLEARBIT_BASE_URL": f"http://127.0.0.1:{port}/clearbit",
                "EGRESS_ALLOW": f"127.0.0.1:{port}",
                "FOOTNOTE_LEASE": str(LEASE),
                **{f"VENDOR_{price}_API_KEY": str(price) for price in PRICES},
            }
            prepare = ("prepare", plan.scope, str(plan.accounts), str(plan.cap))
            subprocess.run(_command(*prepare), cwd=ROOT, env=environment, check=True)
            killed = _race(plan, environment, outcome)
        _judge(plan, environment, log, outcome)
    outcome.counts["kills"] = killed
    return outcome


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.torture.payer", *arguments]


def _race(plan: Race, environment: dict[str, str], outcome: Outcome) -> int:
    """Run the workers to the end of the run; how many were killed."""
    dice, killed = random.Random(plan.seed), 0
    kill_at = float("inf")
    until = time.monotonic() + plan.longest
    with _workers(plan.workers, environment) as workers:
        while _is_open(environment) and time.monotonic() < until:
            used = _sample(plan, environment, outcome)
            kill_at = min(kill_at, time.monotonic() + 0.1) if used else kill_at
            if killed < plan.kills and time.monotonic() > kill_at:
                number = dice.randrange(1, len(workers))
                workers[number].kill()
                workers[number].wait()
                workers[number] = subprocess.Popen(_command("work"), cwd=ROOT, env=environment)
                killed += 1
                kill_at = time.monotonic() + dice.uniform(0.2, 1.5)
            time.sleep(0.05)
    if _is_open(environment):
        outcome.broken.append("the run did not end")
    return killed


@contextmanager
def _workers(count: int, environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The sweeper first, then the workers."""
    commands = [_command("sweep"), *([_command("work")] * count)]
    workers = [subprocess.Popen(command, cwd=ROOT, env=environment) for command in commands]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _is_open(environment: dict[str, str]) -> bool:
    ((status,),) = query(environment, "SELECT status FROM enrichment_enrichmentrun")
    return status in ("PENDING", "RUNNING")


def _used(scope: str, environment: dict[str, str]) -> list[int]:
    """Credits spent and reserved in the budgets of a scope."""
    rows = query(
        environment,
        f"SELECT spent + reserved FROM enrichment_budget WHERE scope LIKE '{scope}:%' ORDER BY scope",
    )
    unit = int(CREDIT_USD * 1_000_000) if scope == "money" else 1
    return [used // unit for (used,) in rows]


def _sample(plan: Race, environment: dict[str, str], outcome: Outcome) -> int:
    """The most that any budget has in use."""
    used = max(_used(plan.scope, environment), default=0)
    outcome.samples += 1
    outcome.most = max(outcome.most, used)
    return used


def _judge(plan: Race, environment: dict[str, str], log: Path, outcome: Outcome) -> None:
    """Compare budgets, ledger and vendor's log with the cap, and read what the refused items say."""
    ledger = query(
        environment,
        "SELECT s.cost, l.state, l.cost FROM enrichment_lookup l JOIN enrichment_enrichmentsource s ON s.id = l.source_id",
    )
    spent: Counter[int] = Counter()
    for price, _, cost in ledger:
        spent[price] += cost
    at_vendor = sum(line.startswith("asked") for line in log.read_text().splitlines())
    totals = list(spent.values()) if plan.scope == "source" else [spent.total()]
    ((reserved,),) = query(environment, "SELECT CAST(sum(reserved) AS INTEGER) FROM enrichment_budget")
    ((no_budget,),) = query(
        environment,
        f"SELECT count(*) FROM enrichment_runitem WHERE CAST(outcomes AS TEXT) LIKE '%{NO_BUDGET}%'",
    )
    ((open_items,),) = query(
        environment,
        "SELECT count(*) FROM enrichment_runitem WHERE state IN ('queued', 'processing', 'waiting')",
    )
    outcome.counts |= {
        "samples": outcome.samples, "most used": outcome.most, "most spent": max(totals), "cap": plan.cap,
        "questions": at_vendor, "in doubt": sum(state == "uncertain" for _, state, _ in ledger),
        "items without budget": no_budget,
    }  # fmt: skip
    for name, wrong in (
        ("more was used than allowed", max(outcome.most, *totals) > plan.cap),
        ("credits are left over", max(totals) <= plan.cap - max(PRICES)),
        ("something stays reserved", reserved != 0),
        (
            "the budgets say something else than the ledger",
            sorted(_used(plan.scope, environment)) != sorted(totals),
        ),
        ("more questions at the vendor than in the ledger", at_vendor > len(ledger)),
        ("items are open", open_items > 0),
        ("no item says that there was no budget", no_budget == 0),
    ):
        if wrong:
            outcome.broken.append(name)
