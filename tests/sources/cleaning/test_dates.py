from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import Type
from sources.cleaning import Refused
from tests.sources.cleaning.examples import cleaned, reason

DAYS = {
    "2024-01-05": "2024-01-05",
    "2024-1-5": "2024-01-05",
    "2024/01/05": "2024-01-05",
    "20240105": "2024-01-05",
    "2024-01-05T23:59:59+09:00": "2024-01-05",
    "2024-01-05 10:00": "2024-01-05",
    "Jan 5, 2024": "2024-01-05",
    "January 5th 2024": "2024-01-05",
    "5 January 2024": "2024-01-05",
    "5. Sept. 2024": "2024-09-05",
    "05-JAN-2024": "2024-01-05",
    "Fri, 05 Jan 2024 10:00:00 GMT": "2024-01-05",
    "31/12/1999": "1999-12-31",
    "12/31/1999": "1999-12-31",
    "7/24/2025": "2025-07-24",
    "1/1/2024": "2024-01-01",
    "05.01.2024": "2024-01-05",
    "٢٠٢٤-٠١-٠٥": "2024-01-05",
    "45000": "2023-03-15",
    45000: "2023-03-15",
    45000.75: "2023-03-15",
    73415: "2100-12-31",
    date(2024, 1, 5): "2024-01-05",
    datetime(2024, 1, 5, 23, tzinfo=UTC): "2024-01-05",
}
NO_DAYS = {
    "January 2024": "no day",
    "2024": "no day",
    "2024-01": "no day",
    "Q1 2024": "no day",
    "1/2/2024": "2024-02-01 or 2024-01-02",
    "1/1/70": "two digits",
    "Jan 5, 24": "two digits",
    "2026-02-30": "does not exist",
    "0000-00-00": "does not exist",
    "31.02.2024": "does not exist",
    "9999-12-31T23:59:60Z": "between 1000 and 2100",
    "yesterday": "not a date",
    "12345": "not a date",
    "73416": "not a date",
    1700000000: "not a date",
    "2024-01-05x": "not a date",
    "1" * 500: "too long",
}
YEARS = {"1999": 1999, 1999: 1999, "2012.0": 2012, "2013 (1888)": 2013, "2012-06-01": 2012, "31/12/1999": 1999, "1/2/2024": 2024,
         "January 2024": 2024, "5 January 2024": 2024, "c. 1850": 1850, date(2020, 2, 2): 2020, "2000 (1799 / 1871)": 2000}  # fmt: skip
NO_YEARS = (
    "45000",
    "0999",
    "2101",
    "0000-00-00",
    "2026-02-30",
    "1/1/70",
    "yesterday",
    "1999 employees",
    99,
    -1999,
    True,
    "1.5",
)


@pytest.mark.parametrize(("raw", "expected"), DAYS.items())
def test_a_day_is_read(raw: Any, expected: str) -> None:
    assert cleaned(Type.DATE, raw) == expected


@pytest.mark.parametrize(("raw", "words"), NO_DAYS.items())
def test_no_day_is_invented_or_guessed(raw: Any, words: str) -> None:
    assert words in reason(cleaned, Type.DATE, raw)


@pytest.mark.parametrize(("raw", "expected"), YEARS.items())
def test_a_year_is_read(raw: Any, expected: int) -> None:
    found = cleaned(Type.YEAR, raw)
    assert found == expected and type(found) is int


@pytest.mark.parametrize("raw", NO_YEARS)
def test_what_is_no_plausible_year_is_refused(raw: Any) -> None:
    assert reason(cleaned, Type.YEAR, raw)


@given(st.dates(date(1000, 1, 1), date(2100, 12, 31)))
def test_every_day_survives_its_usual_spellings(day: date) -> None:
    spelled = (
        day,
        day.isoformat(),
        day.strftime("%d %B %Y"),
        day.strftime("%b %d, %Y"),
        f"{day:%d.%m.%Y}",
        f"{day}T00:00:00Z",
    )
    for raw in spelled:
        assert cleaned(Type.DATE, raw) == day.isoformat()
        assert cleaned(Type.YEAR, raw) == day.year


@given(st.text(st.sampled_from("0123456789-/. :TZJanuarymbe,()"), max_size=24))
def test_hostile_dates_are_read_or_refused(raw: str) -> None:
    for kind in (Type.DATE, Type.YEAR):
        try:
            found = cleaned(kind, raw)
        except Refused:
            continue
        assert found is None or cleaned(kind, found) == found


def test_every_cell_of_the_date_file_is_read_or_refused(shared: Path) -> None:
    lines = (shared / "corpora/csv/dates.csv").read_text(encoding="utf-8").splitlines()[1:]
    cells = [line.partition(",")[2] for line in lines]
    years = [outcome(Type.YEAR, cell) for cell in cells]
    days = [outcome(Type.DATE, cell) for cell in cells]
    assert years == [None, 1999, 1999, 1999, None, None, None, None, None]
    assert days == [None, "1999-12-31", "1999-12-31", None, None, "2023-03-15", None, None, None]


def outcome(kind: Type, cell: str) -> Any:
    try:
        return cleaned(kind, cell)
    except Refused:
        return None
