"""Cells of files that go out open as text and come back as they were."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.cells import escape_cell, unescape_cell

FORMULA_STARTS = tuple("=+-@|\t\r\n\0＝＋－＠")


def opens_as_formula(cell: str) -> bool:
    """Whether a spreadsheet may take the cell for a formula, by the strictest reading."""
    return cell.lstrip(" \ufeff\u200b\u00a0").startswith(FORMULA_STARTS)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "|calc",
        "\t=1",
        "\n=1",
        "\0=1",
        " =1",
        "\ufeff=1",
        "\u200b=1",
        "＝1",
        '"=1',
        ",=1",
    ],
)
def test_what_begins_a_formula_gets_a_quote(text):
    assert escape_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Acme", "1,200", "007", "2026-01-02", "'tis", "a=b", "", "O'Neil + Sons"])
def test_honest_text_stays_as_it_is(text):
    assert escape_cell(text) == text == unescape_cell(text)


def test_a_text_that_looks_escaped_comes_back_too():
    assert unescape_cell(escape_cell("'=1")) == "'=1"


@given(st.text(alphabet=st.sampled_from("='\"+-@|,; \t\n\0a1\ufeff＝"), max_size=12) | st.text(max_size=40))
def test_any_text_opens_as_text_and_comes_back(text):
    cell = escape_cell(text)

    assert not opens_as_formula(cell)
    assert unescape_cell(cell) == text


def test_the_corpus_of_formulas_opens_as_text_and_comes_back(shared):
    folder = shared / "corpora" / "formula"
    cells = [json.loads(line)["cell"] for line in (folder / "cells.jsonl").read_text("utf-8").splitlines()]
    cells += (folder / "public-list.txt").read_text("utf-8").splitlines()
    file = io.StringIO(newline="")
    csv.writer(file).writerows([escape_cell(cell)] for cell in cells)
    file.seek(0)

    read = [row[0] if row else "" for row in csv.reader(file)]

    assert not [cell for cell in read if opens_as_formula(cell)]
    assert [unescape_cell(cell) for cell in read] == cells
