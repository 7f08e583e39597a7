"""Measures one row on the empty database of DATABASE_URL and prints what it found as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

import django
from django.core.management import call_command

from benchmarks.table import Row

_MANY = {"PostgreSQL": 1_000_000, "SQLite": 200_000}  # accounts that a team may come to, and one machine


def main() -> None:
    """Migrate the database, measure the row asked for, print one JSON list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("row")
    parser.add_argument("--database", required=True, help="its name in the table")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--million", action="store_true")
    options = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0)
    print(f"measuring {options.row} on {options.database} …", file=sys.stderr, flush=True)
    found = _rows(options.row, options.database, quick=options.quick, is_million=options.million)
    json.dump([asdict(row) for row in found], sys.stdout)


def _rows(row: str, database: str, *, quick: bool, is_million: bool) -> list[Row]:
    """Models can be imported only now that Django is set up."""
    from benchmarks import engine, latency, ledger, listing, memory, screens, spreadsheets

    rounds = 1 if quick else 3
    if row == "p1":
        return ledger.writing(database, accounts=200 if quick else 5_000, rounds=rounds)
    if row == "p2":
        return ledger.rechecking(database, accounts=200 if quick else 5_000, rounds=rounds)
    if row == "p3":
        rows, peer_rows = (500, 100) if quick else (10_000, 1_000)
        return spreadsheets.importing(database, rows=rows, peer_rows=peer_rows, rounds=rounds)
    if row == "p4":
        return latency.running(database, accounts=64 if quick else 3_200, rounds=rounds)
    if row == "p5":
        return engine.running(database, accounts=200 if quick else 20_000, rounds=rounds)
    if row == "p7":
        return screens.browsing(database, accounts=1_000 if quick else _MANY[database])
    if row == "p8":
        return listing.listing(database, accounts=1_000 if quick else _MANY[database])
    if row == "p9":
        return memory.measuring(database, rows=1_000_000 if is_million else 500 if quick else memory.A_FILE)
    raise ValueError(f"there is no row {row}")


if __name__ == "__main__":
    main()
