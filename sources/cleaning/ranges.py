"""Ranges of US dollars: "$10M-$50M", "<$1M", "$10B+", or the standard band of one amount."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from sources.cleaning.numbers import (
    TOO_LONG,
    Amount,
    Number,
    ascii_digits,
    dollars,
    read_amount,
    read_band,
    strip_about,
    strip_at_least,
    strip_at_most,
)
from sources.cleaning.text import Refused, quote

_MILLION = 10**6
BANDS = (
    (_MILLION, "<$1M"),
    (10 * _MILLION, "$1M-$10M"),
    (50 * _MILLION, "$10M-$50M"),
    (100 * _MILLION, "$50M-$100M"),
    (250 * _MILLION, "$100M-$250M"),
    (500 * _MILLION, "$250M-$500M"),
    (1_000 * _MILLION, "$500M-$1B"),
    (10_000 * _MILLION, "$1B-$10B"),
)
"""Standard bands, each below its first number and from the one before; from 10 billion on it is "$10B+"."""

_LARGEST = Decimal(10) ** 15
_PERIOD = re.compile(
    r"(?: ?/ ?(?:yr|year)| (?:per|a) (?:year|annum)| annually| yearly)? ?(?:in )?(?:revenue|arr|sales)?$"
)


def dollar_range(raw: str | Number) -> str:
    """The range `raw` names, as "$10M-$50M", "<$1M" or "$10B+"; one amount becomes its standard band.

    "10-50M" starts at 10 million; a start below $1,000 is left out. Other currencies and negative amounts are refused.
    """
    return _read(raw) if isinstance(raw, str) else band_of(_dollars(read_amount(str(raw)), raw))


@lru_cache(maxsize=1024)  # the same few ranges fill whole columns
def _read(raw: str) -> str:
    text = ascii_digits(raw)
    if len(text) > TOO_LONG:
        raise Refused(f"{quote(raw)} is too long for a range")
    text = strip_about(_PERIOD.sub("", text))
    text, is_least = strip_at_least(text)
    text, is_most = strip_at_most(text)
    band = read_band(text)
    if band:
        return _between(_dollars(band[0], raw), _dollars(band[1], raw))
    amount = _dollars(read_amount(text), raw)
    if is_least:
        return f"{short_dollars(amount)}+"
    return f"<{short_dollars(amount)}" if is_most else band_of(amount)


def _between(low: Decimal, high: Decimal) -> str:
    return (
        f"<{short_dollars(high)}"
        if low == 0 or low < 1000 <= high + 1
        else f"{short_dollars(low)}-{short_dollars(high)}"
    )


def _dollars(found: Amount, raw: str | Number) -> Decimal:
    amount = dollars(found, raw)
    if not 0 <= amount < _LARGEST:
        raise Refused(f"{quote(raw)} is not a plausible range of US dollars")
    return amount


def band_of(amount: Decimal) -> str:
    """The standard band that holds `amount` US dollars."""
    return next((name for below, name in BANDS if amount < below), "$10B+")


def short_dollars(amount: Decimal) -> str:
    """`amount` with a unit and at most two decimals: 87969676 → "$87.97M"."""
    for factor, unit in ((1, ""), (10**3, "K"), (10**6, "M"), (10**9, "B")):
        number = round(amount / factor, 2)
        if number < 1000 or unit == "B":
            break
    return f"${number.normalize():f}{unit}"
