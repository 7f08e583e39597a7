"""P4: a whole run of two workers against a source that takes 100 ms, beside the bare script that does the same."""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from django.conf import settings

import sources.adapters

sources.adapters.__path__.append(str(Path(__file__).parent / "adapters"))

from benchmarks import engine, world  # noqa: E402  (the folder above must be known first)
from benchmarks.adapters import latent  # noqa: E402
from benchmarks.rounds import alternate, seconds  # noqa: E402
from benchmarks.second_worker import helping  # noqa: E402
from benchmarks.slow_server import serving  # noqa: E402
from benchmarks.table import Row  # noqa: E402

LATENCY = 0.1
WORKERS = 2  # the product's default
TARGETS = {16: 1 / 1.05, 64: 1.0}
"""By questions in flight: the least share of the script's pace."""


def running(database: str, *, accounts: int, rounds: int) -> list[Row]:
    """Accounts a second of two workers, ledger and checks included, and of the script."""
    with tempfile.TemporaryDirectory() as folder, serving(LATENCY) as netloc, _reaching(netloc):
        path = Path(folder) / "accounts.csv"
        engine.write_file(path, accounts)
        with helping() as help_with:
            return [
                _row(database, path, netloc, accounts, rounds, in_flight, help_with) for in_flight in TARGETS
            ]


def _row(
    database: str,
    path: Path,
    netloc: str,
    accounts: int,
    rounds: int,
    in_flight: int,
    help_with: Callable[[int], None],
) -> Row:
    def ours() -> dict[str, float]:
        return {"run": engine.run_all("latent", accounts, in_flight // WORKERS, help_with=help_with)}

    taken = alternate(rounds, {
        "ours": ours,
        "peer": lambda: {"run": _script(path, f"http://{netloc}", in_flight)},
    })  # fmt: skip
    return Row(
        number="P4", path=f"enrich {accounts:,} accounts, 100 ms, {in_flight} in flight", database=database,
        unit="accounts/s", ours=accounts / taken["ours"]["run"], peer=accounts / taken["peer"]["run"],
        limit=in_flight / LATENCY, peer_target=TARGETS[in_flight],
        note=f"ours are {WORKERS} workers; peer is a bare script: csv, threads on one requests.Session, csv; "
        "limit is in flight ÷ latency",
    )  # fmt: skip


@contextmanager
def _reaching(netloc: str) -> Iterator[None]:
    """The source is at a loopback address, which is refused unless it is named."""
    os.environ |= {"LATENT_BASE_URL": f"http://{netloc}", "EGRESS_ALLOW": netloc}  # for the other worker too
    before, settings.EGRESS_ALLOW = settings.EGRESS_ALLOW, (netloc,)
    try:
        yield
    finally:
        settings.EGRESS_ALLOW = before
        del os.environ["LATENT_BASE_URL"], os.environ["EGRESS_ALLOW"]


def _script(path: Path, url: str, in_flight: int) -> float:
    """What a bare script does: every row asked in a thread, written with what came back."""
    world.settle_down()

    def work() -> None:
        session = requests.Session()
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=in_flight))

        def enrich(row: dict[str, str]) -> dict[str, str]:
            answer: dict[str, str] = session.get(f"{url}/{row['domain']}", timeout=20).json()
            return row | answer

        with (
            path.open(encoding="utf-8", newline="") as source,
            path.with_suffix(".out").open("w", encoding="utf-8", newline="") as target,
            ThreadPoolExecutor(in_flight) as pool,
        ):
            writer = csv.DictWriter(target, ["name", "domain", *latent.HEADERS])
            writer.writeheader()
            writer.writerows(pool.map(enrich, csv.DictReader(source)))
        session.close()

    time.sleep(0.2)  # threads of the run before end
    return seconds(work)
