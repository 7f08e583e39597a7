"""Tables from XLSX, JSON and Parquet files, which a child process reads within limits."""

from __future__ import annotations

import json
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from sources.tables import Limits, TableError, isolation, read
from sources.tables.formats import Format

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = (
    f'<Relationships><Relationship Id="r1" Type="{RELATION}/{{kind}}" Target="{{target}}"/></Relationships>'
)
PARTS = {
    "_rels/.rels": LINKS.format(kind="officeDocument", target="xl/workbook.xml"),
    "xl/workbook.xml": (
        f'<workbook xmlns:r="{RELATION}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": LINKS.format(kind="worksheet", target="worksheets/sheet1.xml"),
    "xl/worksheets/sheet1.xml": (
        "<worksheet><sheetData>"
        '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Acme</t></is></c></row>'
        "</sheetData></worksheet>"
    ),
}
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test writes its workbook."""
    return tmp_path / "list.xlsx"


def write(path: Path, *sheets: list[list[object]], **options: str) -> None:
    """Write a workbook with these sheets."""
    with xlsxwriter.Workbook(path, options) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for index, row in enumerate(rows):
                sheet.write_row(index, 0, row)


def build(path: Path, **changes: str | None) -> None:
    """Write a tiny workbook by hand; a change gives one part, named by its last word, another text or none."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in PARTS.items():
            key = name.rpartition("/")[2].split(".")[0] if "_rels" not in name else "links"
            changed = changes.get(key, text)
            if changed is not None:
                archive.writestr(name, changed)


def refusal(path: Path, **limits: int) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(TableError) as caught:
        read(path, limits=Limits(**limits))
    return str(caught.value)


def test_cells_of_a_workbook_become_text(path):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Leads")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["name", "whole", "part", "day", "moment", "yes", "sum", "error", "number"])
        sheet.write_row(1, 0, [" Acme ", 1_000_000, 0.1, "", "", True, "", "", "00123"])
        sheet.write_datetime(1, 3, datetime(2024, 2, 29), day)
        sheet.write_datetime(1, 4, datetime(2024, 2, 29, 12, 30), day)
        sheet.write_formula(1, 6, "=1+1", None, 2)
        sheet.write_formula(1, 7, "=NA()", None, "#N/A")
    table = read(path)
    assert table.rows[0] == (
        " Acme ", "1000000", "0.1", "2024-02-29", "2024-02-29T12:30:00", "TRUE", "2", "#N/A", "00123",
    )  # fmt: skip
    assert (table.sheet, list(table.lines), table.warnings) == ("Leads", [2], ())


def test_only_the_first_visible_sheet_is_read_and_the_others_are_named(path):
    with xlsxwriter.Workbook(path) as book:
        for name in ("Hidden", "Shown", "Empty", "More"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [] if name == "Empty" else [name])
        book.get_worksheet_by_name("Shown").activate()
        book.get_worksheet_by_name("Shown").set_first_sheet()
        book.get_worksheet_by_name("Hidden").hide()
    table = read(path)
    assert (table.sheet, table.header) == ("Shown", ("Shown",))
    assert [warning.split('"')[1] for warning in table.warnings] == ["Hidden", "More"]


def test_rows_keep_their_number_and_blank_ones_are_dropped(path):
    write(path, [[], [], ["name", "city"], [], ["Acme", ""], [" ", ""], ["Beta", "Rome"]])
    table = read(path)
    assert (table.header, list(table.lines)) == (("name", "city"), [5, 7])
    assert list(table.rows) == [("Acme", ""), ("Beta", "Rome")]


def test_a_title_above_the_header_is_refused(path):
    write(path, [["Leads of May"], ["name", "city", "country"], ["Acme", "Rome", "Italy"]])
    assert 'Row 1 ("Leads of May")' in refusal(path)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_rows": 1}, "more than 1 rows"),
        ({"max_columns": 1}, "2 columns; at most 1"),
        ({"max_cell": 4}, "Row 3"),
    ],
)
def test_every_limit_is_named(path, limits, words):
    write(path, [["name", "city"], ["Acme", "Rome"], ["Beta", "Berlin"]])
    assert words in refusal(path, **limits)


def test_the_smallest_workbook_is_read(path):
    build(path)
    assert list(read(path).rows) == [("Acme",)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sheet1": '<!DOCTYPE w [<!ENTITY a "b">]>' + PARTS[SHEET]}, "document type definition"),
        ({"sheet1": f"<!DOCTYPE w>{PARTS[SHEET]}".encode("utf-16")}, "document type definition"),
        ({"sheet1": PARTS[SHEET].replace("Acme", "Ac\x01me")}, "damaged (part 'xl/worksheets/sheet1.xml'"),
        ({"sheet1": PARTS[SHEET][:-5]}, "damaged"),
        ({"sheet1": PARTS[SHEET].replace('r="2"', 'r="99999999"')}, "row 99999999"),
        ({"sheet1": PARTS[SHEET].replace('"A2"', '"XFD2"')}, "16,384 columns"),
        (
            {
                "sheet1": PARTS[SHEET].replace(
                    '"A2" t="inlineStr"><is><t>Acme</t></is>', '"A2" t="s"><v>x</v>'
                )
            },
            "points to",
        ),
        ({"sheet1": None}, "sheet of the workbook is missing"),
        ({"workbook": None}, "no Excel workbook"),
        ({"workbook": "<w/>"}, "no sheet"),
        ({"sheet1": " " * 5_000_000}, "200 times its size"),
    ],
)
def test_a_workbook_that_is_not_sound_is_refused(path, changes, words):
    build(path, **changes)
    assert words in refusal(path)


def test_a_sheet_outside_the_file_is_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PARTS.items():
            archive.writestr(
                name, text.replace('Target="worksheets/', 'TargetMode="External" Target="http://127.0.0.1/')
            )
    assert "outside the file" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name_are_refused(path):
    build(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SHEET, PARTS[SHEET].replace("Acme", "Other"))
    assert "two parts of one name" in refusal(path)


def test_names_that_climb_are_never_written(path):
    build(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../climbed.txt", "x")
    assert list(read(path).rows) == [("Acme",)]
    assert not list(path.parent.parent.glob("**/climbed.txt"))


def test_many_parts_are_refused(path):
    build(path)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2_001):
            archive.writestr(str(number), "")
    assert "2,005 parts" in refusal(path)


def test_a_reader_that_takes_too_long_is_stopped(path):
    build(path)
    with pytest.raises(TableError, match=r"more than 0\.001 seconds"):
        isolation.read_isolated(path, Format.XLSX, Limits(), seconds=0.001)


def test_a_reader_that_dies_is_one_refusal(path, monkeypatch):
    build(path)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "damaged or needs too much memory" in refusal(path)


def test_the_reader_sees_nothing_of_our_settings(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hidden")
    assert "SECRET_KEY" not in isolation._environment()


def test_json_objects_become_rows(tmp_path):
    path = tmp_path / "list.json"
    records = [
        {"name": "Acme", "size": 5, "share": 0.5},
        {"name": "Bé", "tags": ["a", "ü"], "open": True, "size": None},
    ]
    path.write_text(json.dumps(records))
    table = read(path)
    assert table.header == ("name", "size", "share", "tags", "open")
    assert list(table.rows) == [("Acme", "5", "0.5", "", ""), ("Bé", "", "", '["a", "ü"]', "TRUE")]
    assert list(table.lines) == [1, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": "A"}', "not an array of objects"),
        ('[{"name": "A"}, 5]', "not an array of objects"),
        ('[{"name": "A"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('[{"name": "a\\u0000b"}]', "NUL"),
        ('[{"name": "a\\ud800"}]', "half a character"),
        ('[{"a\\ud800": 1}]', "A column name holds half a character"),
        ("[]", "no text"),
        ('[{"a": 1, "A ": 2}]', "same name"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path, text, words):
    path = tmp_path / "list.json"
    path.write_text(text)
    assert words in refusal(path)


def test_parquet_is_read(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "list.parquet"
    columns = {"name": ["Acme", None], "size": [5, 6], "day": [date(2024, 2, 29), None], "share": [0.5, 2.0]}
    parquet.write_table(arrow.table(columns), path)
    table = read(path)
    assert table.header == ("name", "size", "day", "share")
    assert list(table.rows) == [("Acme", "5", "2024-02-29", "0.5"), ("", "6", "", "2")]


def test_a_file_that_repeats_one_long_text_is_refused(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "list.parquet"
    names = arrow.DictionaryArray.from_arrays(arrow.array([0] * 20_000, arrow.int32()), ["x" * 30_000])
    parquet.write_table(arrow.table({"name": names, "size": range(20_000)}), path)
    assert path.stat().st_size < 1_000_000
    assert "unpacks to more than 100,000,000 bytes" in refusal(path)


def test_damaged_parquet_is_refused(tmp_path):
    path = tmp_path / "list.parquet"
    path.write_bytes(b"PAR1" + b"\x00" * 50 + b"PAR1")
    assert "damaged" in refusal(path)
