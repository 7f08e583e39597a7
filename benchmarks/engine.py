"""P5: a whole run against a source without latency, beside the bare script that does the same."""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources.adapters

sources.adapters.__path__.append(str(Path(__file__).parent / "adapters"))

from benchmarks import world  # noqa: E402  (the folder above must be known first)
from benchmarks.adapters import instant  # noqa: E402
from benchmarks.rounds import alternate, seconds  # noqa: E402
from benchmarks.table import Row  # noqa: E402
from crm.models import Account  # noqa: E402
from enrichment import runs, tasks  # noqa: E402
from enrichment.models import AttributeValue, Check, EnrichmentRun, EnrichmentSource, Lookup  # noqa: E402
from enrichment.registration import sync_sources  # noqa: E402
from sources.attributes import Kind  # noqa: E402

IN_FLIGHT = 16
LONGEST = 600  # seconds that a run may take


def running(database: str, *, accounts: int, rounds: int) -> list[Row]:
    """Accounts a second of the engine, ledger and checks included, and of the script."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.csv"
        write_file(path, accounts)
        taken = alternate(
            rounds,
            {
                "ours": lambda: {"run": run_all("instant", accounts, IN_FLIGHT)},
                "limit": lambda: {"run": _limit(path)},
            },
        )
    return [
        Row(
            number="P5", path=f"enrich {accounts:,} accounts, no latency", database=database, unit="accounts/s",
            ours=accounts / taken["ours"]["run"], limit=accounts / taken["limit"]["run"], limit_target=1 / 12,
            note=f"limit is a bare script: csv, {IN_FLIGHT} threads, csv; it keeps no ledger, no payload and no reference",
        )
    ]  # fmt: skip


def run_all(
    slug: str, accounts: int, in_flight: int, *, help_with: Callable[[int], None] = lambda run: None
) -> float:
    """Seconds that a worker needs to ask a source of three attributes about `accounts` new accounts.

    `help_with` is told the run as it begins: another worker may share the work.
    """
    world.make_world(accounts)
    sync_sources()
    EnrichmentSource.objects.filter(slug=slug).update(is_enabled=True)
    world.settle_down()

    def work() -> None:
        run = runs.start(
            kind=Kind.ACCOUNT, records=Account.objects.all(), sources=(slug,), parallel=in_flight
        )
        help_with(run.pk)
        deadline = time.monotonic() + LONGEST
        while EnrichmentRun.objects.get(pk=run.pk).is_open and time.monotonic() < deadline:
            tasks.work(run.pk)
            time.sleep(0.01)  # while another worker ends its part

    taken = seconds(work)
    made = Lookup.objects.count(), Check.objects.count(), AttributeValue.objects.count()
    if made != (accounts, accounts, accounts * len(instant.HEADERS)):
        raise AssertionError(f"the run made {made} lookups, checks and claims of {accounts} accounts")
    return taken


def write_file(path: Path, accounts: int) -> None:
    """A file of accounts as the script reads it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "domain"])
        writer.writerows([f"Company {n}", f"company{n}.com"] for n in range(accounts))


def _limit(path: Path) -> float:
    world.settle_down()  # what the run before left to the database must not disturb the script
    return seconds(lambda: _script(path))


def _script(path: Path) -> None:
    """What a bare script does: every row asked in a thread, written with what came back."""

    def enrich(row: dict[str, str]) -> dict[str, str]:
        answer: dict[str, str] = json.loads(instant.ask(row["domain"]))
        return row | answer

    with (
        path.open(encoding="utf-8", newline="") as source,
        path.with_suffix(".out").open("w", encoding="utf-8", newline="") as target,
        ThreadPoolExecutor(IN_FLIGHT) as pool,
    ):
        writer = csv.DictWriter(target, ["name", "domain", *instant.HEADERS])
        writer.writeheader()
        writer.writerows(pool.map(enrich, csv.DictReader(source)))
