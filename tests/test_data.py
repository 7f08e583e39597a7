"""The shipped data: described in full, small, and clean by our own rules."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from sources.attributes import BY_SLUG
from sources.cadence import Cadence
from sources.cleaning import clean

DATA = Path(__file__).resolve().parent.parent / "data"
TABLES: list[dict[str, Any]] = json.loads((DATA / "reference" / "tables.json").read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_every_table_is_described_and_every_description_has_its_table():
    assert {table["file"] for table in TABLES} == {
        path.name for path in (DATA / "reference").glob("*") if path.suffix != ".json"
    }
    assert len({table["slug"] for table in TABLES}) == len({table["rank"] for table in TABLES}) == len(TABLES)


def test_every_file_names_its_origin_and_licence():
    text = (DATA / "SOURCES.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    for path in DATA.rglob("*.csv"):
        name = path.relative_to(DATA).as_posix()
        assert any(name in heading for heading in headings), name


def test_all_the_data_is_under_four_megabytes():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 4_000_000


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["slug"])
def test_a_table_maps_its_columns_and_every_cell_is_understood(table: dict[str, Any]):
    rows = rows_of(DATA / "reference" / table["file"])
    assert list(rows[0]) == list(table["mapping"])
    assert table["key"] in rows[0] and table["name"] in rows[0]
    assert {table["city"], table["country"], table["reference"]} <= {"", *rows[0]}
    Cadence.parse(table["cadence"])
    mapped = {column: BY_SLUG[slug] for column, slug in table["mapping"].items() if slug}
    values = {(column, row[column]) for row in rows for column in mapped if row[column]}
    values.discard(("ticker", "NA"))  # a real ticker, but in a spreadsheet it says "none"
    for column, value in values:
        assert clean(mapped[column], value) is not None, (column, value)


def test_money_is_in_whole_dollars():
    layoffs = {row["name"]: row for row in rows_of(DATA / "reference" / "layoffs_2020_2025.csv")}
    assert layoffs["Tipalti"]["total_funding_usd"] == "565000000"
    fortune = {row["name"]: row for row in rows_of(DATA / "reference" / "fortune1000_2022.csv")}
    assert fortune["CVS Health"]["revenue_range"] == "$10B+"


def test_the_answers_of_the_demo_fit_its_rows():
    accounts = [row["account_id"] for row in rows_of(DATA / "demo" / "accounts.csv")]
    answers = rows_of(DATA / "demo" / "accounts_expected.csv")
    assert [row["account_id"] for row in answers] == accounts
    assert {row["case"] for row in answers} == {"match", "duplicate", "absent", "junk"}
    assert all(row["duplicate_of"] in accounts for row in answers if row["case"] == "duplicate")
