from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from crm import results
from crm.results import OutputRefused, check_output, found_attributes, output_of, write_results
from enrichment.models import EnrichmentRun, RunItem
from tests.factories import make_account, make_contact, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> EnrichmentRun:
    """Two rows: one enriched, with a harmful cell, and one that failed."""
    run = make_run(headers=[{"header": "company"}, {"header": "note"}])
    values = {"headcount": {"value": 1234}, "tech_stack": {"value": ["AWS", "React"]}}
    account = make_account(current_values=values)
    RunItem.objects.create(
        run=run, position=2, account=account, row={"company": "Acme", "note": "=1+1"}, state="completed"
    )
    RunItem.objects.create(
        run=run, position=3, row={"company": "Beta", "note": ""}, state="failed", reason="timeout"
    )
    return run


COLUMNS = {"employees": "headcount", "tech_stack": "tech_stack"}


def test_csv_has_the_names_asked_for_and_harmless_cells(run, tmp_path: Path) -> None:
    assert write_results(run, tmp_path / "out.csv", COLUMNS) == 2
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["company", "note", "employees", "tech_stack", "enrichment_state", "enrichment_reason"]
    assert rows[1][:3] == ["Acme", "'=1+1", "1234"]
    assert rows[2] == ["Beta", "", "", "", "failed", "timeout"]


def test_xlsx_keeps_numbers_as_numbers_and_formulas_as_text(run, tmp_path: Path) -> None:
    write_results(run, tmp_path / "out.xlsx", COLUMNS)
    rows = CalamineWorkbook.from_path(str(tmp_path / "out.xlsx")).get_sheet_by_index(0).to_python()
    assert rows[1][:3] == ["Acme", "=1+1", 1234.0]


def test_json_keeps_lists(run, tmp_path: Path) -> None:
    write_results(run, tmp_path / "out.json", COLUMNS)
    first, second = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (first["tech_stack"], second["employees"]) == (["AWS", "React"], None)


def test_parquet_reads_back(run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_results(run, tmp_path / "out.parquet", COLUMNS)
    assert parquet.read_table(tmp_path / "out.parquet").to_pydict()["employees"] == [1234, None]


def test_an_unknown_ending_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match=r"\.xlsx"):
        check_output(tmp_path / "out.pdf")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_failed_row_is_empty_even_where_its_record_has_values(run, tmp_path: Path) -> None:
    account = make_account(current_values={"headcount": {"value": 7}})
    RunItem.objects.filter(state="failed").update(account=account)
    write_results(run, tmp_path / "out.csv", COLUMNS)
    assert rows_of(tmp_path / "out.csv")[1]["employees"] == ""


def test_columns_that_the_file_has_already_get_another_name(run, tmp_path: Path) -> None:
    run.headers += [
        {"header": "headcount"},
        {"header": "headcount (enriched)"},
        {"header": "enrichment_state"},
    ]
    write_results(run, tmp_path / "out.csv", {"headcount": "headcount"})
    assert list(rows_of(tmp_path / "out.csv")[0])[2:] == [
        "headcount", "headcount (enriched)", "enrichment_state",
        "headcount (enriched 2)", "enrichment_state (enriched)", "enrichment_reason",
    ]  # fmt: skip


def test_what_only_the_file_itself_says_is_no_finding(run) -> None:
    values = {"name": {"value": "Acme", "source": "spreadsheet"}, "cms": {"value": "Ghost", "source": "list"}}
    RunItem.objects.filter(state="failed").update(account=make_account(current_values=values))
    assert found_attributes(run) == ["cms", "headcount", "tech_stack"]


def test_a_person_s_row_has_what_is_known_of_the_company_only(run, tmp_path: Path) -> None:
    acme = make_account(current_values={"headcount": {"value": 7}, "city": {"value": "Oslo"}})
    ada = make_contact(account=acme, current_values={"job_title": {"value": "Buyer"}})
    RunItem.objects.create(run=run, position=4, contact=ada, row={"company": "Acme"}, state="completed")
    assert {"headcount", "job_title"} <= set(found_attributes(run))
    assert "city" not in found_attributes(run)
    write_results(run, tmp_path / "out.csv", {name: name for name in ("headcount", "city", "job_title")})
    row = rows_of(tmp_path / "out.csv")[2]
    assert (row["headcount"], row["city"], row["job_title"]) == ("7", "", "Buyer")


def test_a_file_is_replaced_only_by_a_whole_one(run, tmp_path: Path, monkeypatch) -> None:
    output = tmp_path / "out.csv"
    output.write_text("as it was")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "_text", full)
    with pytest.raises(OutputRefused, match=r"out\.csv cannot be written: No space left"):
        write_results(run, output, COLUMNS)
    assert output.read_text() == "as it was"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("name", "output"),
    [("a.csv", "a_enriched.csv"), ("a.XLSX", "a_enriched.XLSX"), ("a.xls", "a_enriched.xlsx"), ("a.txt", "a_enriched.csv")],
)  # fmt: skip
def test_the_output_is_named_after_the_input(name: str, output: str) -> None:
    assert output_of(Path("in") / name) == Path("in") / output
