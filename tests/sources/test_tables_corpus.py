"""Every file of the corpus of odd and hostile tables ends as its manifest says, in bounded time and memory."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sources.tables import Table, TableError, read

pytestmark = pytest.mark.shared

SECONDS = 10
KILOBYTES = 300_000
ROWS = {
    "dimension-lies-big.xlsx": [("Acme", "acme.example")],
    "dimension-lies-small.xlsx": [("Acme", "acme.example")],
    "member-traversal.xlsx": [("Acme", "acme.example")],
    "no-shared-strings.xlsx": [("Acme", "acme.example")],
    "formula-cached.xlsx": [("two",)],
    "rich-text.xlsx": [("Acme ", "acme.example")],
}
COUNTS = {"many-blank-rows.csv": 2, "mixed-newlines.csv": 3, "nel-ls-ps.csv": 3}
LIMITS = {"cols-5000.csv": "5,000 columns", "cols-20000-commas.csv": "at most 500"}

PEAK = """
import sys
from sources.tables import reader
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
before = peak()
reader.main("XLSX", sys.argv[1], "{}")
print(peak() - before, file=sys.stderr)
"""


def outcome(path: Path) -> Table | str:
    """The table in a file, or the sentence that refuses it; never slow, never another error."""
    start = time.monotonic()
    try:
        return read(path)
    except TableError as error:
        return str(error)
    finally:
        assert time.monotonic() - start < SECONDS


def manifest(folder: Path) -> dict[str, str]:
    """What should become of each file."""
    with (folder / "manifest.tsv").open() as file:
        return {row["file"]: row["expected"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_file_ends_as_the_manifest_says(shared, kind):
    folder = shared / "corpora" / kind
    expectations = manifest(folder)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, [folder / name for name in expectations]))
    for (name, expected), found in zip(expectations.items(), outcomes, strict=True):
        if "accept" not in expected and not expected.startswith("row message"):
            assert isinstance(found, str), f"{name} should be refused"
        elif not any(word in expected for word in ("refuse", "message")):
            assert isinstance(found, Table), f"{name} should be read, but: {found}"
        if isinstance(found, str):
            assert found.endswith(".") and "\n" not in found
            assert LIMITS.get(name, "") in found
        elif name in ROWS:
            assert list(found.rows) == ROWS[name]
        else:
            assert len(found.rows) == COUNTS.get(name, len(found.rows))
        if "warn" in expected:
            assert isinstance(found, Table) and found.warnings


@pytest.mark.parametrize(
    "name",
    ["bomb-shared-strings", "bomb-sheet", "entity-quadratic", "million-attributes", "sparse-last-cell"],
)
def test_the_reader_of_a_hostile_workbook_stays_small(shared, name):
    path = shared / "corpora" / "xlsx" / f"{name}.xlsx"
    result = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    assert int(result.stderr) < KILOBYTES


def test_values_equal_the_spectrum_files(shared):
    for path in sorted((shared / "corpora" / "csv").glob("spectrum-*.csv")):
        table = read(path)
        found = [dict(zip(table.header, row, strict=True)) for row in table.rows]
        assert found == json.loads(path.with_suffix(".json").read_text()), path.name


def test_names_start_after_every_mark(shared):
    assert read(shared / "corpora" / "csv" / "double-bom.csv").header[0] == "name"


def test_every_crm_export_is_read(shared):
    encodings = {path.name: read(path).encoding for path in (shared / "data" / "crm-exports").glob("*.csv")}
    assert len(encodings) == 12
    assert encodings["salesforce-dataloader-accounts-extract.csv"] == "cp1252"
    assert encodings["encoding-utf16le-bom.csv"] == "utf-16-le"
