"""Dates such as 3/4/2024: which of the two is the day, when another cell of their column tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

_DATE = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?![\d])(.*)", re.DOTALL)
_MONTHS = 12


class DayOrder(StrEnum):
    """How a column writes its dates."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"


def day_order(cells: Iterable[str]) -> DayOrder | None:
    """The order that the cells of one column show: 25/12/2024 has the day first.

    None when no cell tells, or when cells contradict each other: then no date with two readings may be guessed.
    """
    shown = set()
    for cell in cells:
        found = _DATE.match(cell[:50])
        if found and int(found[1]) > _MONTHS >= int(found[2]):
            shown.add(DayOrder.DAY_FIRST)
        elif found and int(found[2]) > _MONTHS >= int(found[1]):
            shown.add(DayOrder.MONTH_FIRST)
    return shown.pop() if len(shown) == 1 else None


def in_order(cell: str, order: DayOrder | None) -> str:
    """The cell with its date as year-month-day where that order gives one; else as it is."""
    found = _DATE.fullmatch(cell[:50]) if order and len(cell) <= 50 else None
    if not found:
        return cell
    first, second, year, rest = found.groups()
    day, month = (first, second) if order is DayOrder.DAY_FIRST else (second, first)
    return f"{year}-{int(month):02}-{int(day):02}{rest}" if int(month) <= _MONTHS else cell
