"""Print the table: `python -m benchmarks [p1 p2 …] [--database sqlite postgres://…] [--quick]`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks import databases, matching_rows
from benchmarks.table import Row, render

ROOT = Path(__file__).resolve().parent.parent
WITH_DATABASE = ("p1", "p2", "p3", "p4", "p5", "p7", "p8", "p9")
WITHOUT = ("p6",)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the rows asked for, each beside its peer and its limit, and print them."""
    parser = argparse.ArgumentParser(description="Each path beside its peer and its limit, in one run.")
    parser.add_argument(
        "rows", nargs="*", metavar="p1", help=f"rows to measure: {' '.join(WITH_DATABASE + WITHOUT)}"
    )
    parser.add_argument(
        "--database",
        nargs="+",
        default=databases.defaults(),
        help="sqlite, or the URL of a PostgreSQL server where databases may be made (default: both)",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, once: shows that it works, proves nothing")  # fmt: skip
    parser.add_argument("--million", action="store_true", help="p9 with a million rows in place of 100,000: takes its time")  # fmt: skip
    options = parser.parse_args(arguments)
    wanted = [row.lower() for row in options.rows] or [*WITH_DATABASE, *WITHOUT]
    unknown = set(wanted) - {*WITH_DATABASE, *WITHOUT}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    flags = [f"--{name}" for name in ("quick", "million") if getattr(options, name)]
    rows: list[Row] = []
    for row in wanted:
        if row in WITHOUT:
            rows += matching_rows.rows(quick=options.quick)
        else:
            for database in options.database:
                rows += _measure(row, database, flags)
    print(render(rows))


def _measure(row: str, database: str, flags: Sequence[str]) -> list[Row]:
    """One row on one database, measured by a process of its own."""
    name = databases.name_of(database)
    command = [sys.executable, "-m", "benchmarks.measure", row, "--database", name]
    missing = Row(number=row.upper(), path="not measured", database=name)
    try:
        with databases.scratch(database) as environment:
            done = subprocess.run(
                [*command, *flags],
                env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True,
            )  # fmt: skip
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        return [missing.because(f"{name} is not reachable: {reason}")]
    except subprocess.CalledProcessError as error:
        return [missing.because(f"the measurement failed with code {error.returncode}, see above")]
    return [Row(**each) for each in json.loads(done.stdout)]


if __name__ == "__main__":
    main()
