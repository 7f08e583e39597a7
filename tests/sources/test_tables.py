"""Tables from CSV files: what is read, exactly as typed, and what is refused in which words."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables import Limits, Table, TableError, read


@pytest.fixture
def load(tmp_path: Path):
    """A function that reads some bytes as a file of the given name."""

    def load(data: bytes | str, name: str = "list.csv", **limits: int) -> Table:
        path = tmp_path / "upload"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read(path, limits=Limits(**limits), name=name)

    return load


def refusal(load, data: bytes | str, name: str = "list.csv", **limits: int) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(TableError) as caught:
        load(data, name, **limits)
    return str(caught.value)


def test_cells_come_out_exactly_as_typed(load):
    table = load('name,zip,note\n Acme ,00123,"a ""b"", c"\n=1+1,1e9,\'x\n')
    assert table.header == ("name", "zip", "note")
    assert list(table.rows) == [(" Acme ", "00123", 'a "b", c'), ("=1+1", "1e9", "'x")]
    assert (table.encoding, table.delimiter, table.warnings) == ("utf-8", ",", ())


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("name,city\nMüller,Köln\n".encode(), "utf-8"),
        ("\ufeffname,city\nMüller,Köln\n".encode(), "utf-8"),
        ("\ufeff\ufeffname,city\nMüller,Köln\n".encode(), "utf-8"),
        ("\ufeffname,city\nMüller,Köln\n".encode("utf-16-le"), "utf-16-le"),
        ("\ufeffname,city\nMüller,Köln\n".encode("utf-16-be"), "utf-16-be"),
        ("name,city\nMüller,Köln\n".encode("utf-16-le"), "utf-16-le"),
        ("name,city\nMüller,Köln\n".encode("utf-16-be"), "utf-16-be"),
        ("name,city\nMüller,Köln\n".encode("cp1252"), "cp1252"),
    ],
)
def test_encoding_is_told_by_the_bytes(load, data, encoding):
    table = load(data)
    assert (table.header, table.rows[0], table.encoding) == (("name", "city"), ("Müller", "Köln"), encoding)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name,domain\nAc\x00me,a.example\n", "NUL character at line 2, character 3"),
        (b"name,domain\n\xc0\xafAcme,a.example\n", "overlong UTF-8 sequence at line 2, character 1"),
        ("name,city\nMüller,Köln\nÄrzte,".encode() + b"\xff\n", "not valid UTF-8 at line 3, character 7"),
        ("name,domain\n测试公司,a.example\n".encode("gb18030"), "GB18030"),
        ("name,domain\nТестовая компания,a.example\n".encode("cp1251"), "non-Western"),
        ("\ufeffname,b\nx,y".encode("utf-16-le")[:-1], "not valid UTF-16-LE at line 2"),
        ("\ufeffname,b\nx,y".encode("utf-32-le"), "UTF-32"),
        (b"name,city\nM\x81ller,x\n", "not valid CP1252 at line 2, character 2"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(load, data, words):
    assert words in refusal(load, data)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_told_by_the_header(load, delimiter):
    table = load(delimiter.join(["name", '"rev, ; | EUR"', "city"]) + "\n" + delimiter.join(["A", "1", "B"]))
    assert (table.delimiter, table.rows[0]) == (delimiter, ("A", "1", "B"))


def test_delimiter_is_the_one_under_which_rows_agree(load):
    assert load("Revenue (USD, EUR, GBP);Name\n5;Acme\n6;Beta, Inc.\n").rows[1] == ("6", "Beta, Inc.")


def test_separator_line_of_excel_is_honoured(load):
    table = load("sep=;\nname, full;city\nA,B;C\n")
    assert (table.header, table.rows[0], table.lines[0]) == (("name, full", "city"), ("A,B", "C"), 3)


def test_a_single_column_needs_no_delimiter(load):
    table = load('company\n"Acme, Inc."\nBeta, GmbH\nGamma\n')
    assert ([row[0] for row in table.rows], table.delimiter) == (["Acme, Inc.", "Beta, GmbH", "Gamma"], "")


def test_line_ends_may_be_mixed_and_unicode_ones_are_data(load):
    table = load("a,b\r\n1,2\r3,x\u2028y\n\r\n5,z\u0085\n")
    assert list(table.rows) == [("1", "2"), ("3", "x\u2028y"), ("5", "z\u0085")]
    assert list(table.lines) == [2, 3, 5]


def test_rows_are_named_by_the_line_they_start_at(load):
    assert list(load('a,b\n1,"x\ny"\n\n2,z\n').lines) == [2, 5]


def test_blank_rows_are_dropped_and_short_rows_filled(load):
    table = load("a,b,c\n , ,\n\n1,2\n1,2,3,,\n")
    assert list(table.rows) == [("1", "2", ""), ("1", "2", "3")]


def test_a_row_longer_than_the_header_is_refused(load):
    assert "Line 3 has 3 cells but the header has 2" in refusal(load, "a,b\n1,2\n1,2,3\n")


def test_blank_column_names_are_numbered(load):
    assert load(" name ,,\u200b\nA,1,2\n").header == ("name", "column 2", "column 3")


@pytest.mark.parametrize("header", ["name,name", "Domain, domain ", "First  name,first name"])
def test_two_columns_of_one_name_are_refused(load, header):
    assert "columns 1" in refusal(load, f"{header}\n1,2\n")


@pytest.mark.parametrize(
    "data",
    [
        "Report of May\n\nname,domain\nAcme,a.example\n",
        "# owner\n# date\nname;domain\nAcme;a.example\nBeta;b.example\n",
        "Report of May,,\nname,domain,city\nAcme,a.example,Rome\n",
    ],
)
def test_lines_above_the_header_are_refused(load, data):
    assert "delete the lines above the header" in refusal(load, data)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ('a,b\n1,2\n"x,3\n4,5\n', "Line 3, column 1"),
        ('a,b\n1,"2', "Line 2, column 2"),
        ('a,b\n"x,3\n4,"y"\n', "Line 2, column 1"),
        ('a,b,c\n"x\ny","z\n4,5,6\n', "Line 3, column 2"),
    ],
)
def test_an_open_quote_is_refused_where_it_opens(load, data, place):
    assert place in refusal(load, data)


def test_text_after_a_closing_quote_is_kept_with_a_message(load):
    table = load('a,b\n"x"y,1\nz,2\n')
    assert list(table.rows) == [("xy", "1"), ("z", "2")]
    assert table.warnings[0].startswith("line 2: text follows a closing quote")


def test_quotes_escaped_by_backslash_are_read_with_a_message(load):
    table = load('a,b\n"The \\"Best\\", Inc.",1\n"C:\\",2\n')
    assert list(table.rows) == [('The "Best", Inc.', "1"), ("C:\\", "2")]
    assert len(table.warnings) == 1


def test_text_that_turns_the_reading_direction_is_reported(load):
    assert load("name\n\u202eemcA\n").warnings[0].startswith('line 2: "name"')


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        ("a\n" + "x\n" * 4, {"max_rows": 3}, "more than 3 rows"),
        ("a\n" + "\n" * 100, {"max_rows": 3}, "101 lines"),
        ("a,b,c\n1,2,3\n", {"max_columns": 2}, "3 columns; at most 2"),
        ("a,b\n1,xxxx\n", {"max_cell": 3}, 'Line 2, column "b": the cell has 4 characters; at most 3'),
        ("aaaa,b\n1,x\n", {"max_cell": 3}, "column name has 4 characters"),
        ("a,b\n1,2\n", {"max_bytes": 7}, "8 bytes; at most 7"),
        ("a,b\n1," + "x" * 131_073, {}, "Line 2: a cell has more than 131,072 characters"),
    ],
)
def test_every_limit_is_named(load, data, limits, words):
    assert words in refusal(load, data, **limits)


def test_limits_are_inclusive(load):
    assert len(load("a,b\n1,222\n3,4\n", max_rows=2, max_columns=2, max_cell=3, max_bytes=14).rows) == 2


def test_the_limit_of_the_csv_module_is_left_alone(load):
    before = csv.field_size_limit()
    load("a,b\n1,2\n", max_cell=1_000_000)
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "list.csv", "empty"),
        (b" \n\n", "list.csv", "no text"),
        (b"<!doctype html><title>Log in", "list.csv", "web page"),
        (b"\n <table><tr>", "list.csv", "web page"),
        (b'[{"name": "A"}]', "list.csv", "holds JSON"),
        (b"%PDF-1.7\n", "list.csv", "PDF"),
        (b"PK\x03\x04....", "list.csv", "Excel workbook"),
        (b"\x1f\x8b\x08", "list.csv.gz", "unpack it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list.xls", "old or password-protected workbook"),
        (b"PK\x03\x04....", "list.ods", "OpenDocument"),
        (b"PK\x03\x04....", "list.xlsb", "binary Excel workbook"),
        (b"name,domain\n", "list.xlsx", "holds plain text"),
        (b"\x89PNG\r\n", "list.csv", "picture"),
    ],
)
def test_other_formats_are_refused_by_name(load, data, name, words):
    assert words in refusal(load, data, name)


def test_a_file_without_an_ending_is_read_by_its_content(load):
    assert load("name,domain\nAcme,a.example\n", "upload").header == ("name", "domain")


def test_html_inside_cells_is_text(load):
    assert load("name,b\n<script>x</script>,&amp;\n").rows[0] == ("<script>x</script>", "&amp;")


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, rows, delimiter, encoding, end):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("name", "domain", "city"), *rows])
    path = tmp_path_factory.mktemp("written") / "list.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert list(read(path).rows) == [row for row in rows if "".join(row).strip()]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60) | st.text('ab",;\n\r\\\0é', max_size=40).map(str.encode))
def test_any_bytes_are_a_table_or_refused_in_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "upload.csv"
    path.write_bytes(data)
    try:
        table = read(path)
    except TableError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert all(len(row) == len(table.header) for row in table.rows)
        assert len(table.lines) == len(table.rows)
