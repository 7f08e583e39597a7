"""An import that is killed leaves all of its rows or none (reliability, F20), and comes in whole afterwards."""

from __future__ import annotations

import csv
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from tests.enrichment.test_supervisor import ROOT, House

ROWS = 1_000
TABLES = (
    "crm_account",
    "enrichment_runitem",
    "enrichment_attributevalue",
    "enrichment_check",
    "enrichment_enrichmentrun",
)
IMPORT = """
import sys, django
django.setup()
from pathlib import Path
from crm.spreadsheets import import_file
from sources.attributes import Kind
print("ready", flush=True)
import_file(Path(sys.argv[1]), name="accounts.csv", kind=Kind.ACCOUNT)
print("done", flush=True)
"""

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="makes an SQLite database of its own")


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    done = house.run("manage.py", "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    return house


def write_file(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Name", "Website", "City"])
        writer.writerows([f"Company {n} Works", f"company{n}.com", f"Town {n % 50}"] for n in range(ROWS))


def counts(house: House) -> list[int]:
    """The rows of each of TABLES."""
    with closing(sqlite3.connect(house.database, timeout=20)) as database:
        return [database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES]


def begin(house: House, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(path)], cwd=ROOT, env=house.env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def killed(house: House, path: Path, seconds: float) -> list[int]:
    """What an import that is killed after so many seconds adds to each of TABLES."""
    before = counts(house)
    process = begin(house, path)
    time.sleep(seconds)
    process.kill()
    process.wait(20)
    return [now - then for now, then in zip(counts(house), before, strict=True)]


def test_a_killed_import_leaves_all_rows_or_none(house: House, tmp_path: Path):
    seed = int(os.environ.get("FOOTNOTE_SEED", "20"))
    dice = random.Random(seed)
    path = tmp_path / "accounts.csv"
    write_file(path)
    whole = [ROWS, ROWS, ROWS * 3, ROWS, 1]
    nothing = [0] * len(TABLES)
    again = [0, ROWS, 0, ROWS, 1]  # of the same file no record and no claim is new

    for seconds in (0.05, dice.uniform(0.05, 1.5)):
        added = killed(house, path, seconds)
        assert added in (nothing, whole, again), f"seed {seed}"
    began = time.monotonic()
    assert begin(house, path).wait(120) == 0
    takes = time.monotonic() - began
    assert counts(house)[0] == ROWS and counts(house)[2] == ROWS * 3
    for _ in range(2):
        assert killed(house, path, dice.uniform(0, takes)) in (nothing, again), f"seed {seed}"
    assert begin(house, path).wait(120) == 0
    assert counts(house)[0] == ROWS and counts(house)[2] == ROWS * 3
