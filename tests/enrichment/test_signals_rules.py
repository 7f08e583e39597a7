"""Which change of a value is worth a signal, and what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enrichment.models.signal import Strength, When
from enrichment.signals.changes import Said, changes
from enrichment.signals.rules import Rule, judge
from enrichment.winner import Rank
from sources.attributes import BY_SLUG

FUNDING = Rule(When.RISES, threshold=5, least=30)
SURGE = Rule(When.RISES, threshold=20, least=5)


def seen(rule, slug, old, new):
    found = judge(rule, BY_SLUG[slug], old, new)
    return (found.text, found.strength.value) if found else None


@pytest.mark.parametrize(
    ("rule", "slug", "old", "new", "text", "strength"),
    [
        (FUNDING, "funding_stage", "Series A", "Series B", "funding stage moved from Series A to Series B", "MEDIUM"),
        (FUNDING, "funding_stage", "Series A", "Series A+", "funding stage moved from Series A to Series A+", "MEDIUM"),
        (FUNDING, "funding_stage", "Series C", "Debt Financing", "funding stage moved from Series C to Debt Financing", "MEDIUM"),
        (FUNDING, "funding_stage", "IPO", "Post-IPO Debt", "funding stage moved from IPO to Post-IPO Debt", "MEDIUM"),
        (FUNDING, "last_funding_date", "2025-01-10", "2026-01-09", "last funding date moved from 2025-01-10 to 2026-01-09", "MEDIUM"),
        (FUNDING, "total_funding", 1_000_000, 1_060_000, "total funding rose by 6 % from $1,000,000 to $1,060,000", "MEDIUM"),
        (SURGE, "headcount", 100, 120, "headcount rose by 20 % from 100 to 120", "MEDIUM"),
        (SURGE, "headcount", 100, 140, "headcount rose by 40 % from 100 to 140", "HIGH"),
        (SURGE, "headcount", 0, 40, "headcount rose from 0 to 40", "HIGH"),
        (Rule(When.FALLS, threshold=10), "headcount", 100, 90, "headcount fell by 10 % from 100 to 90", "MEDIUM"),
        (Rule(When.REACHES, threshold=20), "employee_growth_6mo", 12.5, 21, "employee growth, 6 months reached 21 %, up from 12.5 %", "MEDIUM"),
        (Rule(When.REACHES, threshold=20), "employee_growth_6mo", -3, 40.5, "employee growth, 6 months reached 40.5 %, up from -3 %", "HIGH"),
        (Rule(When.CHANGED, strength=Strength.HIGH), "ceo_name", "Ada Byron", "Grace Hopper", "CEO changed from Ada Byron to Grace Hopper", "HIGH"),
        (Rule(When.ADDED), "executives", ["Ada Byron, CEO"], ["ADA BYRON (Founder)", "Lin Wu, CTO"], "executives gained Lin Wu, CTO", "MEDIUM"),
        (Rule(When.REMOVED), "tech_stack", ["React", "jQuery"], ["react"], "tech stack lost jQuery", "MEDIUM"),
        (Rule(When.ADDED, words=("SRE", "DevOps")), "open_job_titles", [], ["Cook", "Senior SRE"], "open job titles gained Senior SRE", "MEDIUM"),
    ],
)  # fmt: skip
def test_a_change_is_told(rule, slug, old, new, text, strength):
    assert seen(rule, slug, old, new) == (text, strength)


@pytest.mark.parametrize(
    ("rule", "slug", "old", "new"),
    [
        (FUNDING, "funding_stage", "Series B", "Series A"),
        (FUNDING, "funding_stage", "Series B", "Acquired"),
        (FUNDING, "funding_stage", "Post-IPO Debt", "Series A"),
        (FUNDING, "last_funding_date", "2025-01-10", "2025-01-12"),
        (FUNDING, "last_funding_date", "2025-01-10", "2024-01-10"),
        (FUNDING, "total_funding", 1_000_000, 1_000_100),
        (SURGE, "headcount", 100, 119),
        (SURGE, "headcount", 5, 8),
        (SURGE, "headcount", 100, 50),
        (SURGE, "headcount", None, 500),
        (Rule(When.FALLS, threshold=10), "headcount", 100, 91),
        (Rule(When.FALLS), "headcount", 100, 100),
        (Rule(When.REACHES, threshold=20), "employee_growth_6mo", 20, 35),
        (Rule(When.REACHES, threshold=20), "employee_growth_6mo", 5, 19.9),
        (Rule(When.CHANGED), "ceo_name", "Ada Byron", "ADA  BYRON."),
        (Rule(When.CHANGED), "tech_stack", ["React", "Go"], ["go", "React"]),
        (Rule(When.CHANGED, words=("bank",)), "industry", "Toys", "Banking"),
        (Rule(When.ADDED), "executives", ["Ada Byron, CTO"], ["Ada Byron, CEO"]),
        (Rule(When.ADDED), "industry", "Toys", "Banks"),
        (Rule(When.ADDED, words=("sre",)), "open_job_titles", [], ["Presreader"]),
        (Rule(When.CHANGED), "ceo_name", None, "Ada Byron"),
    ],
)
def test_a_change_is_not_worth_a_signal(rule, slug, old, new):
    assert seen(rule, slug, old, new) is None


def test_first_values_count_where_the_rule_says_so():
    first = Rule(When.CHANGED, first_values=True)
    assert seen(first, "ceo_name", None, "Ada Byron") == ("CEO is Ada Byron", "MEDIUM")
    assert seen(Rule(When.RISES, first_values=True), "funding_stage", None, "Seed")
    assert seen(Rule(When.ADDED, first_values=True), "tech_stack", None, ["Go"])
    assert not seen(Rule(When.FALLS, first_values=True), "headcount", None, 5)
    assert not seen(Rule(When.RISES, threshold=20, first_values=True), "headcount", None, 5)


def test_many_entries_are_counted():
    text, _ = seen(Rule(When.ADDED), "tech_stack", [], list("abcdefgh"))
    assert text == "tech stack gained a, b, c, d, e and 3 more"


START = datetime(2026, 1, 1, tzinfo=UTC)
RANKS = {1: Rank("crunchbase", 10), 2: Rank("clearbit", 20), 9: Rank("user", 1)}


def said(pk, source, run, value, first, superseded=None):
    end = None if superseded is None else START + timedelta(days=superseded)
    return Said(pk, source, run, value, START + timedelta(days=first), end)


def changed(rows, run, policy="rank"):
    """New, earlier and believed claims of the changes, and whether they are news."""
    return [
        (each.new.id, each.earlier and each.earlier.id, each.believed and each.believed.id, each.is_news)
        for each in changes("funding_stage", rows, run, RANKS, policy)
    ]


def test_a_source_that_says_otherwise_than_before_brings_news():
    rows = [said(1, 1, 1, "Seed", 0, 5), said(2, 1, 2, "Series A", 5)]
    assert changed(rows, 2) == [(2, 1, 1, True)]
    assert changed(rows, 1) == [(1, None, None, True)]


def test_a_source_that_is_not_believed_brings_none():
    rows = [said(1, 1, 1, "Seed", 0), said(2, 2, 1, "Seed", 0, 5), said(3, 2, 2, "Series A", 5)]
    assert changed(rows, 2) == []


def test_a_pinned_value_stands_above_the_news():
    rows = [said(1, 1, 1, "Seed", 0, 5), said(2, 9, None, "Series B", 1), said(3, 1, 2, "Series A", 5)]
    assert changed(rows, 2) == []


def test_another_opinion_is_no_event():
    rows = [said(1, 2, 1, "Seed", 0), said(2, 1, 2, "Series A", 5)]
    assert changed(rows, 2) == [(2, None, 1, False)]


def test_what_another_source_said_before_is_no_news():
    rows = [said(1, 1, 1, "Seed", 0, 8), said(2, 2, 1, "Seed", 1, 5), said(3, 2, 2, "Series A", 5), said(4, 1, 3, "Series A", 8)]  # fmt: skip
    assert changed(rows, 2, "newest") == [(3, 2, 2, True)]
    assert changed(rows, 3, "newest") == [(4, 1, 3, False)]


def test_the_past_is_judged_as_it_was():
    """A later run has replaced the value before anyone looked at the first one."""
    rows = [said(1, 1, 1, "Seed", 0, 5), said(2, 1, 2, "Series A", 5, 6), said(3, 1, 3, "Series B", 6)]
    assert changed(rows, 2) == [(2, 1, 1, True)]
    assert changed(rows, 3) == [(3, 2, 2, True)]
