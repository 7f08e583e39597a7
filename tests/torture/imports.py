"""Imports killed with SIGKILL at random moments: each leaves all of its file or nothing, and none leaves anything twice.

`python -m tests.torture.imports file PATH` imports a file, as a person does; `task PATH` has it imported by the first
worker that comes along, `fill` is that worker.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from benchmarks import databases
from tests.torture.house import ROOT, query
from tests.torture.outcome import Outcome

COUNTS = {
    "runs": "SELECT count(*) FROM enrichment_enrichmentrun WHERE status <> 'SCHEDULED'",
    "rows": "SELECT count(*) FROM enrichment_runitem",
    "accounts": "SELECT count(*) FROM crm_account",
    "different": "SELECT count(DISTINCT domain) FROM crm_account",
    "checks": "SELECT count(*) FROM enrichment_check",
    "values": "SELECT count(*) FROM enrichment_attributevalue",
    "listed": "SELECT count(*) FROM crm_sheetentry",
    "sheets": "SELECT count(*) FROM crm_sheet",
}
FILLS = 2  # kills of a worker that imports the file of one task: after a third the file is given up


@dataclass(frozen=True, kw_only=True)
class Imports:
    """`kills` of imports of a file with `rows` rows."""

    database: str
    seed: int
    rows: int = 50_000
    kills: int = 50


@dataclass
class Killer:
    """Imports into one database, each killed at a random moment of about the time that one takes in peace."""

    environment: dict[str, str]
    dice: random.Random
    seconds: float
    came: Counter[str]

    def strike(self, *arguments: str) -> None:
        """Start an import and kill it."""
        before = self.counted("runs")
        with _child(self.environment, *arguments) as process:
            assert process.stdout
            process.stdout.readline()  # from here on it is at work
            began = time.monotonic()
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.dice.uniform(0, self.seconds))
                self.seconds = time.monotonic() - began  # a file that came in before takes less time
            process.kill()
        self.came["all" if self.counted("runs") > before else "nothing"] += 1

    def finish(self, *arguments: str) -> float:
        """Let an import come to its end; the seconds it took."""
        with _child(self.environment, *arguments) as process:
            assert process.stdout
            process.stdout.readline()
            began = time.monotonic()
            assert process.wait() == 0, arguments
        return time.monotonic() - began

    def counted(self, name: str) -> int:
        """What is in the database."""
        ((count,),) = query(self.environment, COUNTS[name])
        return int(count)

    def wrong(self, rows: int, values: int) -> list[str]:
        """Every sentence that must not be true of imports of one file, however many of them there were."""
        found = {name: self.counted(name) for name in COUNTS}
        runs, times = found["runs"], min(found["runs"], 1)
        expected = {"rows": runs * rows, "checks": runs * rows, "values": times * values, "sheets": times}
        expected |= dict.fromkeys(("accounts", "different", "listed"), times * rows)
        return [
            f"{runs} imports, {found[name]} {name}, not {n}"
            for name, n in expected.items()
            if found[name] != n
        ]


def imports(plan: Imports) -> Outcome:
    """Kill imports until it is enough, then let one through; compare with an import in peace."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.csv"
        rows = "".join(f"Company {n},company{n}.com,{10 + n}\n" for n in range(plan.rows))
        path.write_text(f"name,domain,headcount\n{rows}")
        file = ("file", str(path))
        with _killer(plan) as calm:
            seconds, values = calm.finish(*file), calm.counted("values")
        outcome = Outcome(
            {"rows": plan.rows, "kills": plan.kills + FILLS, "seconds in peace": round(seconds)}
        )
        came: Counter[str] = Counter()
        with _killer(plan, seconds, came) as killer:
            for number in range(plan.kills):
                killer.strike(*file)
                outcome.broken += [f"kill {number}: {each}" for each in killer.wrong(plan.rows, values)]
            killer.finish(*file)
            outcome.broken += [*killer.wrong(plan.rows, values), *_taken_up(killer, plan.rows, path)]
        outcome.counts |= {f"left {what}": count for what, count in sorted(came.items())}
        return outcome


@contextmanager
def _killer(plan: Imports, seconds: float = 0.0, came: Counter[str] | None = None) -> Iterator[Killer]:
    """Somebody who kills imports into a new database."""
    with databases.scratch(plan.database) as environment:
        dice = random.Random(plan.seed)
        killer = Killer(environment, dice, seconds, Counter() if came is None else came)
        killer.finish("migrate")
        yield killer


def _taken_up(killer: Killer, rows: int, path: Path) -> list[str]:
    """Kill workers that import the file of a task, then let one through; every sentence that must not be true."""
    runs = killer.counted("runs")
    killer.finish("task", str(path))
    for _ in range(FILLS):
        killer.strike("fill")
    killer.finish("fill")
    found = [killer.counted(name) for name in ("runs", "rows", "accounts")]
    expected = [runs + 1, (runs + 1) * rows, rows]
    return [f"a task's file: {found} runs, rows and accounts, not {expected}"] * (found != expected)


def _child(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.torture.imports", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def bring_in(path: str) -> None:
    """Import a file."""
    from crm.spreadsheets import import_file
    from sources.attributes import Kind

    import_file(Path(path), name="accounts.csv", kind=Kind.ACCOUNT)


def order(path: str) -> None:
    """Execute a task that imports a file."""
    from crm import ingesting
    from enrichment import uploads
    from enrichment.models import ApiTask

    with Path(path).open("rb") as chunks:
        file = uploads.keep(chunks, name="accounts.csv", content_type="text/csv")
    config = {
        "type": "ingest", "file_id": f"{file.pk:024x}", "primary_column": "name", "csv_entity_type": "company",
    }  # fmt: skip
    task = ApiTask.objects.create(name="Import", flow="ingest", deployment="main", config=config)
    ingesting.execute(task, ingesting.Order(parameters={"unmatched": "create"}))


def fill() -> None:
    """Do what the message about such a task asks of a worker."""
    from enrichment import tasks
    from enrichment.models import EnrichmentRun

    for pk in EnrichmentRun.objects.filter(status=EnrichmentRun.Status.SCHEDULED).values_list(
        "pk", flat=True
    ):
        tasks.ingest(pk)


def migrate() -> None:
    """Make the tables."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


ACTS: dict[str, Callable[..., None]] = {"file": bring_in, "task": order, "fill": fill, "migrate": migrate}

if __name__ == "__main__":
    django.setup()
    print("up", flush=True)
    ACTS[sys.argv[1]](*sys.argv[2:])
