"""P3: a spreadsheet comes in, against django-import-export, which writes bare accounts."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tablib
from django.db import connection, transaction
from import_export.instance_loaders import CachedInstanceLoader
from import_export.resources import modelresource_factory

from benchmarks import world
from benchmarks.rounds import alternate, seconds
from benchmarks.table import Row
from crm.models import Account
from crm.spreadsheets import import_file
from enrichment import bulk
from enrichment.models import AttributeValue
from sources.attributes import Kind

HEADERS = ("Name", "Website", "City", "Country", "Industry")
COLUMNS = ("name", "domain", "city", "country", "segment")  # an account has no column for its industry


STOCK = {  # django-import-export as its documentation begins
    "fields": COLUMNS,
    "import_id_fields": ("domain",),
    "skip_unchanged": True,
    "report_skipped": False,
}
BULK = {  # django-import-export at its fastest
    **STOCK,
    "use_bulk": True,
    "batch_size": 1000,
    "instance_loader_class": CachedInstanceLoader,
}


def importing(database: str, *, rows: int, peer_rows: int, rounds: int) -> list[Row]:
    """A new file of five columns, then the same file again; the peers get the first `peer_rows` of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.csv"
        _write_file(path, rows)
        taken = alternate(rounds, {
            "ours": lambda: _ours(path, rows),
            "stock": lambda: _peer(path, peer_rows, STOCK),
            "bulk": lambda: _peer(path, peer_rows, BULK),
            "limit": lambda: _limit(path),
        })  # fmt: skip
    note = (
        f"peer is django-import-export writing {peer_rows:,} bare accounts, without claims; "
        "limit pours the cells into a table without keys"
    )
    return [
        Row(
            number="P3", path=f"{label} {rows:,} rows, vs {peer}", database=database, unit="rows/s",
            ours=rows / taken["ours"][part], peer=peer_rows / taken[peer][part], limit=rows / taken["limit"][part],
            peer_target=target if peer == "stock" else None, note=note,
        )
        for part, label, target in (("new", "import", 10.0), ("again", "import again", 50.0))
        for peer in ("stock", "bulk")
    ]  # fmt: skip


def _write_file(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for n in range(rows):
            writer.writerow(
                [f"Company {n} Works Ltd", f"company{n}.com", f"Town {n % 500}", "Germany", f"Trade {n % 97}"]
            )


def _ours(path: Path, rows: int) -> dict[str, float]:
    world.clear()
    world.settle_down()
    taken = {}
    for part in ("new", "again"):
        started = time.perf_counter()
        import_file(path, name=f"Benchmark, {part}", kind=Kind.ACCOUNT, unmatched="create", enrich=False)
        taken[part] = time.perf_counter() - started
        if Account.objects.count() != rows or AttributeValue.objects.count() != rows * len(HEADERS):
            raise AssertionError(f"{part}: the import made {Account.objects.count()} accounts of {rows} rows")
        world.settle_down()
    return taken


def _peer(path: Path, rows: int, options: Mapping[str, Any]) -> dict[str, float]:
    world.clear()
    world.settle_down()
    resource = modelresource_factory(Account, meta_options=options)

    def run() -> None:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [line for _, line in zip(range(rows + 1), file, strict=False)]
        data = tablib.Dataset().load("".join([",".join(COLUMNS) + "\n", *lines[1:]]), format="csv")
        result = resource().import_data(data, raise_errors=True)
        if result.has_errors():
            raise AssertionError("the peer failed")

    return {part: seconds(run) for part in ("new", "again")}


def _limit(path: Path) -> dict[str, float]:
    """The file's cells, poured."""
    text = ", ".join(f"{column} text" for column in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE benchmark_account ({text})")

    def pour() -> None:
        with path.open(encoding="utf-8", newline="") as file, transaction.atomic():
            bulk.insert("benchmark_account", COLUMNS, list(csv.reader(file))[1:])

    taken = seconds(pour)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE benchmark_account")
    return {"new": taken, "again": taken}
