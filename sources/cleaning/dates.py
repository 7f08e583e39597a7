"""Dates and years: ISO, spelled and slashed forms with one reading; no day is ever invented."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sources.cleaning.numbers import Number, ascii_digits
from sources.cleaning.text import Refused, quote

FIRST_YEAR, LAST_YEAR = 1000, 2100
"""Years outside are typing errors or placeholders such as 9999-12-31; no clock is asked."""

_EXCEL_EPOCH = date(1899, 12, 30)  # day 0 of the 1900 date system, its false 29 February 1900 counted in
_EXCEL_DAYS = range(20_000, 73_416)  # 1954 to LAST_YEAR

_TIME = r"(?:[t ,]+\d{1,2}:\d{2}.{0,40})?"
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:t\d{2,6}.{0,10})?")
_PARTS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _TIME)
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name[:n]: number for number, name in enumerate(_MONTH_NAMES, 1) for n in (3, 4, len(name))}
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,? )?"
_DAY_FIRST = re.compile(
    _WEEKDAY + r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -](?:of )?([a-z]{3,9})\.?,?[ -](\d{4})" + _TIME
)
_MONTH_FIRST = re.compile(_WEEKDAY + r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})" + _TIME)
_SHORT_YEAR = re.compile(
    r"(?:\d{1,2}[-/. ](?:\d{1,2}|[a-z]{3,9})[-/., ]+'?\d{2})|[a-z]{3,9} \d{1,2}, '?\d{2}"
)
_NO_DAY = re.compile(
    r"(?:(?:[a-z]{3,9}\.?,?[ -])?\d{4}|\d{4}[-/]\d{1,2}|\d{1,2}/\d{4}|(?:q[1-4]|h[12])[ -/]*\d{4}|\d{4}[ -]*(?:q[1-4]|h[12]))(?:\.0+)?"
)
_YEAR = re.compile(
    r"(?:(?:c|ca|circa|est|since|founded|founded in|in)\.? ?)?(\d{4})(?:\.0+)?(?: ?[(/,;–-].*)?"
)
_MONTH_AND_YEAR = re.compile(r"([a-z]{3,9})\.?,?[ -](\d{4})")


def day(raw: str | Number) -> str:
    """The day `raw` names as "2024-01-31"; raises Refused.

    A time after the day is dropped, the day stays as written, in whatever zone. Dots mean day.month.year;
    slashes and hyphens are read when only one order gives a date, "1/2/2024" is refused. Numbers of five digits
    are Excel days. A month or year alone, two-digit years and impossible days are refused.
    """
    text = ascii_digits(raw) if isinstance(raw, str) else str(raw)
    serial = text.removesuffix(".0") if isinstance(raw, str) else str(int(raw))
    if len(serial) == 5 and serial.isdigit() and int(serial) in _EXCEL_DAYS:
        return (_EXCEL_EPOCH + timedelta(days=int(serial))).isoformat()
    if len(text) > 100:
        raise Refused(f"{quote(raw)} is too long for a date")
    found = _year_first(text, raw) or _spelled(text, raw) or _year_last(text, raw)
    if found:
        return found
    if _NO_DAY.fullmatch(text):
        raise Refused(f"{quote(raw)} names no day: write it like 2024-01-31")
    if _SHORT_YEAR.fullmatch(text):
        raise Refused(f"{quote(raw)} has a year of two digits: write all four")
    raise Refused(f"{quote(raw)} is not a date: write it like 2024-01-31")


def _year_first(text: str, raw: object) -> str:
    iso = _ISO.fullmatch(text)
    if iso:
        return _join(iso[1], iso[3], iso[4], raw)
    compact = _COMPACT.fullmatch(text)
    return _join(compact[1], compact[2], compact[3], raw) if compact else ""


def _spelled(text: str, raw: object) -> str:
    found = _DAY_FIRST.fullmatch(text)
    if found and found[2] in _MONTHS:
        return _join(found[3], _MONTHS[found[2]], found[1], raw)
    found = _MONTH_FIRST.fullmatch(text)
    return _join(found[3], _MONTHS[found[1]], found[2], raw) if found and found[1] in _MONTHS else ""


def _year_last(text: str, raw: object) -> str:
    found = _PARTS.fullmatch(text)
    if not found:
        return ""
    first, second, year = int(found[1]), int(found[3]), found[4]
    if found[2] == "." or first == second or first > 12:
        return _join(year, second, first, raw)
    if second > 12:
        return _join(year, first, second, raw)
    day_first, month_first = _join(year, second, first, raw), _join(year, first, second, raw)
    raise Refused(f"{quote(raw)} may be {day_first} or {month_first}: write it in one of these forms")


def _join(year: str | int, month: str | int, number: str | int, raw: object) -> str:
    try:
        found = date(int(year), int(month), int(number))
    except ValueError:
        raise Refused(f"{quote(raw)} is a day that does not exist") from None
    _check_year(found.year, raw)
    return found.isoformat()


def _check_year(number: int, raw: object) -> int:
    if not FIRST_YEAR <= number <= LAST_YEAR:
        raise Refused(f"{quote(raw)} is not a year between {FIRST_YEAR} and {LAST_YEAR}")
    return number


def year(raw: str | Number) -> int:
    """The year `raw` names, the first when it names two ("2013 (1888)" → 2013); raises Refused.

    Dates give their year, ambiguous ones too: both readings have the same.
    """
    text = ascii_digits(raw) if isinstance(raw, str) else str(raw)
    if len(text) == 4 and text.isdigit():
        return _check_year(int(text), raw)
    if len(text) > 100:
        raise Refused(f"{quote(raw)} is too long for a year")
    date_text = _year_first(text, raw) or _spelled(text, raw)
    if date_text:
        return int(date_text[:4])
    slashed = _PARTS.fullmatch(text)
    if slashed:
        return _year_of_slashed(slashed, raw)
    found = _YEAR.fullmatch(text) or None
    if found:
        return _check_year(int(found[1]), raw)
    month = _MONTH_AND_YEAR.fullmatch(text)
    if month and month[1] in _MONTHS:
        return _check_year(int(month[2]), raw)
    if text.removesuffix(".0").lstrip("-").isdigit():
        raise Refused(f"{quote(raw)} is not a year between {FIRST_YEAR} and {LAST_YEAR}")
    raise Refused(f"{quote(raw)} is not a year: write it like 1999")


def _year_of_slashed(found: re.Match[str], raw: object) -> int:
    first, second, number = int(found[1]), int(found[3]), found[4]
    month, of_month = (second, first) if second <= 12 else (first, second)
    return int(_join(number, month, of_month, raw)[:4])
