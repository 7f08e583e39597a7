"""Figures out of the reports that companies file with the SEC (XBRL): companyfacts and companyconcept answers.

Which concept holds the revenue differs by company and year; figures of a quarter stand among those of a year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sources.vendors.json_answers import mapping, mappings, text

Json = Mapping[str, Any]

_REVENUE = (
    "Revenues",
    "RevenueFromContractWithCustomerExcludingAssessedTax",
    "RevenueFromContractWithCustomerIncludingAssessedTax",
    "SalesRevenueNet",
    "RevenuesNetOfInterestExpense",
    "SalesRevenueGoodsNet",
    "Revenue",
    "RevenueFromContractsWithCustomers",
)
"""Concepts of us-gaap, then of ifrs-full; of several that end on the same day the first counts."""
ASKED = ("RevenueFromContractWithCustomerExcludingAssessedTax", "Revenues")
"""The concepts that hold the revenue of nearly all companies today."""
_PEOPLE = ("EntityNumberOfEmployees",)
_YEAR = range(340, 400)
_ANNUAL_FORMS = ("10-K", "20-F", "40-F")
_FILING = re.compile(r"\d{10}-\d{2}-\d{6}", re.ASCII)


def revenue(facts: Json, cik: str) -> tuple[Any, str]:
    """The revenue of the newest full year in US dollars with its filing's page; (None, "") when there is none."""
    return _newest([each for each in _entries(facts, _REVENUE, ("USD",)) if _is_annual(each)], cik)


def people(facts: Json, cik: str) -> tuple[Any, str]:
    """The newest number of employees with its filing's page; (None, "") when there is none."""
    return _newest(
        list(_entries(facts, _PEOPLE, ("employee", "employees", "Employee", "people", "pure"))), cik
    )


def _entries(facts: Json, concepts: Sequence[str], units: Sequence[str]) -> Iterator[Json]:
    for concept in concepts:
        for taxonomy in facts.values():
            given = mapping(mapping(mapping(taxonomy).get(concept)).get("units"))
            for unit in units:
                yield from mappings(given.get(unit))


def _is_annual(entry: Json) -> bool:
    """Whether a figure is of a full year: by its days, else by the report."""
    start, end = _day(entry.get("start")), _day(entry.get("end"))
    if start and end:
        return (end - start).days in _YEAR
    return entry.get("fp") == "FY" and text(entry.get("form")).startswith(_ANNUAL_FORMS)


def _newest(entries: Sequence[Json], cik: str) -> tuple[Any, str]:
    """Of those that end last the one filed last, of the first concept that has one."""
    told = [each for each in entries if _day(each.get("end")) and _is_number(each.get("val"))]
    if not told:
        return None, ""
    last = max(text(each.get("end")) for each in told)
    best = max(
        (each for each in told if text(each.get("end")) == last), key=lambda each: text(each.get("filed"))
    )
    return best["val"], _filing(cik, text(best.get("accn")))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _filing(cik: str, number: str) -> str:
    """The page of a report, or ""."""
    if not _FILING.fullmatch(number):
        return ""
    return f"https://www.sec.gov/Archives/edgar/data/{int(cik)}/{number.replace('-', '')}/{number}-index.htm"


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        return None
