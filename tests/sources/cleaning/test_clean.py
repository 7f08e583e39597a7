from __future__ import annotations

import json
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sources
from sources.attributes import Type
from sources.cleaning import _READERS, Refused, clean
from tests.sources.cleaning.examples import attribute, cleaned, reason, rows

SINGLE = [kind for kind in Type if kind is not Type.LIST]
HIDDEN = set(
    "\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


def assert_storable(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text.encode()
    strings = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    for string in strings:
        assert string and string == string.strip()
        assert not any(unicodedata.category(c) in ("Cc", "Cs") or c in HIDDEN for c in string)


def check(raw: Any) -> None:
    """Every type reads `raw` as a storable value that reads as itself, or refuses it in one sentence."""
    for kind in Type:
        try:
            value = cleaned(kind, raw)
        except Refused as refused:
            assert 5 < len(str(refused)) < 400 and "\n" not in str(refused)
            str(refused).encode()
            continue
        if value is not None:
            assert_storable(value)
            assert cleaned(kind, value) == value, (kind, raw, value)


def test_every_type_has_a_reader() -> None:
    assert set(_READERS) == {str(kind) for kind in SINGLE}


@pytest.mark.parametrize("raw", [None, "", "n/a", " - ", "#REF!", "unknown", []])
def test_blank_is_none_for_every_type(raw: Any) -> None:
    assert [cleaned(kind, raw) for kind in Type] == [None] * len(Type)


@pytest.mark.parametrize(
    "raw", [{"a": 1}, float("nan"), float("-inf"), Decimal("NaN"), b"acme", object(), {"a"}]
)
def test_what_is_no_value_is_refused_for_every_type(raw: Any) -> None:
    for kind in Type:
        assert reason(cleaned, kind, raw)


def test_a_list_is_refused_where_one_value_is_wanted() -> None:
    for kind in SINGLE:
        assert "list" in reason(cleaned, kind, ["acme.com"])


def test_yes_is_not_the_number_one() -> None:
    for kind in set(SINGLE) - {Type.TEXT, Type.BOOLEAN}:
        assert "yes or no" in reason(cleaned, kind, True)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [(12, "12"), (12.0, "12"), (1.5, "1.5"), (True, "true"), (date(2024, 1, 5), "2024-01-05"), (Decimal("7"), "7"),
     (datetime(2024, 1, 5), "2024-01-05"), (datetime(2024, 1, 5, 9, 30), "2024-01-05 09:30:00"), (time(9, 30), "09:30:00")],
)  # fmt: skip
def test_values_of_spreadsheets_become_text(raw: Any, stored: str) -> None:
    assert cleaned(Type.TEXT, raw) == stored


def test_long_text_is_cut_at_a_word() -> None:
    found = cleaned(Type.TEXT, "word " * 100_000)
    assert len(found) <= 10_000 and found.endswith("word…")


@pytest.mark.parametrize("name", ["own", "naughty"])
def test_hostile_texts_are_read_or_refused_by_every_type(shared: Path, name: str) -> None:
    for row in rows(shared / f"corpora/strings/{name}.jsonl"):
        check(row["s"])


@given(
    st.one_of(
        st.text(st.characters()), st.integers(), st.floats(), st.decimals(), st.dates(), st.lists(st.text())
    )
)
def test_anything_is_read_or_refused_by_every_type(raw: Any) -> None:
    check(raw)


@pytest.mark.parametrize("raw", ["\x00", "\ud800", "a\x00b", "\u202e", "=cmd|'/C calc'!A0", "{{ 7*7 }}", "%(name)s", "x" * 100_000,
                                 "[" * 9000, "1" * 9000, "@" * 9000, "a." * 9000, "-" * 9000, "\u0301" * 9000, "(" * 9000])  # fmt: skip
def test_short_and_long_attacks_are_read_or_refused(raw: str) -> None:
    check(raw)


def test_attributes_of_users_are_cleaned_like_ours() -> None:
    assert clean(attribute(Type.MONEY, slug="deal_size"), "$5k") == 5000


def test_cleaning_imports_no_other_part_of_sources() -> None:
    folder = Path(sources.__file__).parent / "cleaning"
    for file in folder.glob("*.py"):
        lines = [
            line
            for line in file.read_text(encoding="utf-8").splitlines()
            if line.startswith(("from sources", "import sources"))
        ]
        assert all("sources.cleaning" in line for line in lines), file.name
