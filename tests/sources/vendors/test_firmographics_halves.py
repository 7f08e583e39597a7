"""Batches that are turned away: halves, a bound, and errors that stand in the place of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sources.contract import Payload
from sources.errors import SourceUnavailable
from sources.vendors.firmographics import in_halves

BAD = Payload(status=400, body=b"no", url="https://api.example/bulk")


class Batches:
    """A vendor that turns away what holds a bad member; asked for a lost one it gives no answer."""

    def __init__(self, *bad: int, lost: int | None = None, most: int = 1000) -> None:
        self.bad, self.lost, self.most = set(bad), lost, most
        self.sizes: list[int] = []

    def __call__(self, asked: Sequence[Mapping[str, Any]]) -> list[Payload]:
        numbers = [one["number"] for one in asked]
        self.sizes.append(len(numbers))
        if self.bad & set(numbers) or len(numbers) > self.most:
            return [BAD] * len(numbers)
        if self.lost in numbers:
            raise SourceUnavailable("gone")
        return [Payload(status=200, body=str(number).encode()) for number in numbers]


def told(vendor: Batches, number: int = 100) -> list[object]:
    answers = in_halves([{"number": each} for each in range(number)], vendor)
    return [each.body.decode() if isinstance(each, Payload) else str(each) for each in answers]


def good(number: int = 100) -> list[object]:
    return [str(each) for each in range(number)]


def test_what_is_not_turned_away_is_asked_once():
    vendor = Batches()
    assert told(vendor) == good()
    assert vendor.sizes == [100]


@pytest.mark.parametrize("bad", [(0,), (99,), (13, 50, 51)])
def test_only_the_bad_members_fail(bad):
    vendor = Batches(*bad)
    assert told(vendor) == ["no" if each in bad else str(each) for each in range(100)]
    assert len(vendor.sizes) <= 1 + 2 * 7 * len(bad)


def test_a_batch_that_is_too_large_goes_in_parts():
    vendor = Batches(most=30)
    assert told(vendor) == good()
    assert vendor.sizes == [100, 50, 25, 25, 50, 25, 25]


def test_a_vendor_that_takes_nothing_is_not_asked_for_ever():
    vendor = Batches(*range(1000))
    assert set(told(vendor, 1000)) == {"no"}
    assert len(vendor.sizes) == 81


def test_a_half_without_an_answer_leaves_the_other_its_answers():
    vendor = Batches(0, lost=99)
    answers = told(vendor, 100)
    assert answers[:50] == ["no", *good()[1:50]]
    assert set(answers[50:]) == {"gone"}


def test_no_answer_at_all_is_raised():
    with pytest.raises(SourceUnavailable):
        told(Batches(lost=3))
