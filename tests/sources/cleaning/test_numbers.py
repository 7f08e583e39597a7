from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import Type
from sources.cleaning import Refused
from tests.sources.cleaning.examples import cleaned, reason

COUNTS = {
    "1,234": 1234,
    "12,34,567": 1234567,
    "1.234": 1234,
    "1.234.567": 1234567,
    "1.234,00": 1234,
    "12.0": 12,
    "258000.0": 258000,
    "1e9": 1_000_000_000,
    "12 345": 12345,
    "12\u00a0345": 12345,
    "12\u2009345": 12345,
    "1'234": 1234,
    "51-200 employees": 51,
    "51 – 200": 51,
    "51 to 200": 51,
    "10-50k": 10_000,
    "10,001+": 10001,
    "10001+ employees": 10001,
    "over 500": 500,
    "~200": 200,
    "about 1,200 people": 1200,
    "12K followers": 12000,
    "1.5k": 1500,
    "0": 0,
    "-0": 0,
    "٣٤": 34,
    "５": 5,
    "007": 7,
    12: 12,
}
NO_COUNTS = ("NaN", "Infinity", "99999999999999999999", "-5", "−5", "3.5", "1e309", "½", "10²", "Ⅷ", "<10", "200-51", "1e-5",
             "12 3", "1,23", "3 Main Street", "0x10", True, False, 3.5, 1.234, float("nan"), float("inf"), 2**63, 10**400,
             {"a": 1}, [1], "1" * 5000, "1 2 " * 2000)  # fmt: skip
DOLLARS = {
    "$1.5M": 1_500_000,
    "1,750,000": 1_750_000,
    "US$ 2bn": 2_000_000_000,
    "12.5 million": 12_500_000,
    "1,5 million": 1_500_000,
    "1750000.0": 1_750_000,
    "$565": 565,
    "USD 1.5m": 1_500_000,
    "2 billion dollars": 2_000_000_000,
    "~$5M": 5_000_000,
    "-$5M": -5_000_000,
    "$1,234.50": 1235,
    "$0": 0,
    1750000.0: 1_750_000,
}
NUMBERS = {
    "12.5": 12.5,
    "1,234": 1234,
    "1.234": 1.234,
    "0,125": 0.125,
    "1.234,5": 1234.5,
    0.1 + 0.2: 0.3,
    "-0.0": 0,
    "2.5k": 2500,
}
PERCENT = {
    "12.5%": 12.5,
    "12.5": 12.5,
    "-3 %": -3,
    "12,5 %": 12.5,
    0.125: 0.125,
    "7 percent": 7,
    "100％": 100,
}


@pytest.mark.parametrize(("raw", "expected"), COUNTS.items())
def test_a_count_is_read(raw: object, expected: int) -> None:
    found = cleaned(Type.INTEGER, raw, "people")
    assert found == expected and type(found) is int


@pytest.mark.parametrize("raw", NO_COUNTS)
def test_what_is_no_count_is_refused(raw: object) -> None:
    assert reason(cleaned, Type.INTEGER, raw, "people")


def test_only_counted_things_are_never_negative() -> None:
    assert cleaned(Type.INTEGER, "-5", "°C") == -5
    assert "negative" in reason(cleaned, Type.INTEGER, "-5", "roles")


@pytest.mark.parametrize(("raw", "expected"), DOLLARS.items())
def test_money_is_whole_us_dollars(raw: object, expected: int) -> None:
    found = cleaned(Type.MONEY, raw)
    assert found == expected and type(found) is int


@pytest.mark.parametrize(
    ("raw", "words"),
    [("€5M", "euros"), ("5 Mio EUR", "euros"), ("£1m", "British pounds"), ("₹10 crore", "Indian rupees"), ("C$5M", "Canadian"),
     ("5M CHF", "Swiss"), ("$10M-$50M", "range"), ("$5M+", "range"), ("1.750", "thousands or decimals"), ("lots", "number"),
     ("1e30", "too large"), ("5 apples", "apples"), (float("nan"), "nan")],
)  # fmt: skip
def test_other_currencies_and_ambiguous_amounts_are_refused_with_the_reason(raw: object, words: str) -> None:
    assert words in reason(cleaned, Type.MONEY, raw)


@pytest.mark.parametrize(("raw", "expected"), NUMBERS.items())
def test_a_number_is_int_when_whole(raw: object, expected: float) -> None:
    found = cleaned(Type.DECIMAL, raw)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(("raw", "expected"), PERCENT.items())
def test_a_percentage_is_in_points(raw: object, expected: float) -> None:
    found = cleaned(Type.PERCENT, raw)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize("raw", ["many", "1e300", "5%%%%", float("inf"), True])
def test_what_is_no_percentage_is_refused(raw: object) -> None:
    assert reason(cleaned, Type.PERCENT, raw)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_survives_its_usual_spellings(number: int) -> None:
    for raw in (
        number,
        str(number),
        f"{number:,}",
        f"{number:_}",
        f"{number:,}".replace(",", " "),
        f"{number}.0",
    ):
        assert cleaned(Type.INTEGER, raw) == number


@given(st.one_of(st.text(st.sampled_from("0123456789.,-+ eEkMb$%'~<>"), max_size=24), st.floats()))
def test_hostile_numbers_are_read_or_refused(raw: object) -> None:
    for kind in (Type.INTEGER, Type.DECIMAL, Type.PERCENT, Type.MONEY):
        try:
            found = cleaned(kind, raw)
        except Refused:
            continue
        if found is not None:
            assert isinstance(found, int | float) and abs(found) <= 2**63
            assert cleaned(kind, found) == found


def test_every_cell_of_the_number_file_is_read_or_refused(shared: Path) -> None:
    lines = (shared / "corpora/csv/numbers.csv").read_text(encoding="utf-8").splitlines()[1:]
    found = [outcome(line.split(",", 2)[2].strip('"')) for line in lines]
    assert found == [1234, 1234, 10**9, None, None, 0, 34, 5, None, 12345, 10, 200]


def outcome(cell: str) -> Any:
    try:
        return cleaned(Type.INTEGER, cell, "people")
    except Refused:
        return None
