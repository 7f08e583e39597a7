from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.attributes import Type
from sources.cleaning.ranges import BANDS, band_of
from tests.sources.cleaning.examples import cleaned, reason

RANGES = {
    "$10M-$50M": "$10M-$50M",
    "$1B-$10B": "$1B-$10B",
    "10-50M": "$10M-$50M",
    "$500-$1,000,000": "<$1M",
    "$5-$10": "$5-$10",
    "$500M to $1B": "$500M-$1B",
    "1000000-5000000": "$1M-$5M",
    "$10 million - $50 million": "$10M-$50M",
    "$10B+": "$10B+",
    "over $1 billion": "$1B+",
    "<$1M": "<$1M",
    "under 1 million": "<$1M",
    "$0-$1M": "<$1M",
    "$1M-$10M per year": "$1M-$10M",
    "$87,969,676.99": "$50M-$100M",
    87969676.99: "$50M-$100M",
    10_000_000: "$10M-$50M",
    999_999: "<$1M",
    0: "<$1M",
    "12bn": "$10B+",
}


@pytest.mark.parametrize(("raw", "expected"), RANGES.items())
def test_a_range_is_written_in_one_way(raw: object, expected: str) -> None:
    assert cleaned(Type.RANGE, raw) == expected


@pytest.mark.parametrize("raw", ["€10M-€50M", "10M-5M", "-5", "big", "1e40", True, "$1M-$5M-$9M", "$500-$1B"])
def test_what_is_no_range_of_dollars_is_refused(raw: object) -> None:
    assert reason(cleaned, Type.RANGE, raw)


@given(st.integers(0, 10**14))
def test_an_amount_lies_in_its_band(amount: int) -> None:
    name = band_of(Decimal(amount))
    assert cleaned(Type.RANGE, name) == name
    below = {band: limit for limit, band in BANDS}.get(name, 10**15)
    assert amount < below


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_a_range_read_twice_is_the_same(one: int, other: int) -> None:
    found = cleaned(Type.RANGE, f"${min(one, other)}-${max(one, other)}")
    assert cleaned(Type.RANGE, found) == found
