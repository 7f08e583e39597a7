"""Which claim is believed: a person, then the policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from enrichment.winner import Rank, choose

RANKS = {
    1: Rank("first", 1),
    2: Rank("second", 2),
    3: Rank("also_second", 2),
    8: Rank("spreadsheet", 9),
    9: Rank("user", 5),
}
OLD = datetime(2026, 1, 5, tzinfo=UTC)
NEW = OLD + timedelta(days=1)


@dataclass(frozen=True)
class Said:
    """A claim as the rules see it."""

    source: int
    first_seen: datetime = OLD


def test_nobody_said_anything():
    assert choose("industry", [], RANKS, "rank") is None


@pytest.mark.parametrize("policy", ["rank", "newest"])
def test_a_person_wins(policy: str):
    claims = [Said(1, NEW), Said(9, OLD), Said(2, NEW)]
    assert choose("industry", claims, RANKS, policy) == Said(9, OLD)


def test_the_best_ranked_source_wins_however_old():
    assert choose("industry", [Said(2, NEW), Said(1, OLD)], RANKS, "rank") == Said(1, OLD)


def test_the_newest_wins_whatever_its_rank():
    assert choose("industry", [Said(1, OLD), Said(2, NEW)], RANKS, "newest") == Said(2, NEW)


def test_of_one_rank_the_newer_wins_and_of_one_moment_the_first_source():
    assert choose("industry", [Said(2, OLD), Said(3, NEW)], RANKS, "rank") == Said(3, NEW)
    assert choose("industry", [Said(3), Said(2)], RANKS, "rank") == Said(2)
    assert choose("industry", [Said(2), Said(1)], RANKS, "newest") == Said(1)


@pytest.mark.parametrize("policy", ["rank", "newest"])
@pytest.mark.parametrize("slug", ["name", "domain", "company_linkedin_url"])
def test_whom_a_record_is_about_is_what_people_wrote(slug: str, policy: str):
    assert choose(slug, [Said(1, NEW), Said(8, OLD)], RANKS, policy) == Said(8, OLD)
