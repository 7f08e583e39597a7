"""A short torture on the database that the tests run on; `make torture` is the long one."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.torture.budget import Race, race
from tests.torture.facts import Facts, judge
from tests.torture.house import FROZEN, FROZEN_FOR
from tests.torture.schedules import Days, keep_time
from tests.torture.soak import Soak, soak
from tests.torture.steering import steer
from tests.torture.torment import Plan, Still, Torment, torture
from tests.torture.vendor import FREE, PAID

ACCOUNTS = 120  # of both runs with kills: what they are compared with is run once


def test_a_run_survives_killed_processes_without_losing_or_paying_twice() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    roles = ("busy worker", "guard", "main", "all")
    report = torture(
        Plan(database=database, accounts=ACCOUNTS, kills=3, seed=5, gap=1.5, roles=roles, longest=240)
    )
    assert sum(report.kills.values()) > 0
    assert not report.verdict.broken
    assert report.verdict.counts["items"] == ACCOUNTS


def test_a_worker_that_stood_still_for_longer_than_its_lease_writes_nothing_stale() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    report = torture(
        Plan(
            database=database,
            accounts=ACCOUNTS,
            kills=3,
            seed=7,
            gap=1.0,
            roles=(FROZEN,),
            workers=3,
            longest=240,
        )
    )
    assert report.kills[FROZEN] > 0
    assert not report.verdict.broken


def test_each_planned_moment_makes_one_run_though_clocks_are_wrong_and_days_are_missed() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    kept = keep_time(Days(database=database, sources=2, tasks=1, days=0.3, after=0.3))
    assert not kept.broken
    assert kept.counts["planned"] > kept.counts["runs"] > 3
    assert kept.counts["looks"] > 20


def test_a_run_is_paused_resumed_after_a_kill_and_canceled_soon_after_the_click() -> None:
    came = steer(
        os.environ.get("DATABASE_URL", "sqlite"), soon=8.0
    )  # two seconds where nothing else is going on
    assert not came.broken, came
    assert came.counts["asked after the resume"] > 0 == came.counts["asked twice"]


def test_nothing_is_left_behind_under_a_steady_load_with_kills() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    outcome = soak(Soak(database=database, minutes=0.4, seed=4, gap=10))
    assert set(outcome.broken) <= {"memory grows"}, outcome  # processes that have only just begun grow
    assert outcome.counts["kills"] > 0
    assert outcome.counts["items"] >= 40  # a run of them at least, on a machine however busy


def facts_of(**changes: object) -> Facts:
    """What an undisturbed run of one account leaves behind."""
    facts = Facts()
    facts.asked.update([(PAID, "company0.com"), (FREE, "company0.com")])
    facts.lookups = {
        (source, "company0.com"): [("applied", cost, "")] for source, cost in ((PAID, 1), (FREE, 0))
    }
    facts.items = [("completed", "{}")]
    facts.values.update([("company0.com", "headcount", PAID, "10")])
    facts.budgets = {"source:1:2026-01": (0, 1), "run:1": (0, 1), "money:2026-01": (0, 250_000)}
    facts.runs = [("COMPLETED", "{}")]
    for name, value in changes.items():
        setattr(facts, name, value)
    return facts


def broken(**changes: object) -> str:
    """What the checker says of such facts."""
    return "; ".join(judge(facts_of(**changes), facts_of(), in_flight=1).broken)


def test_the_checker_is_content_with_an_undisturbed_run() -> None:
    assert broken() == ""


def test_the_checker_sees_what_is_lost_doubled_open_or_paid_twice() -> None:
    question = (PAID, "company0.com")
    value = ("company0.com", "headcount", PAID, "10")
    plain = facts_of()
    assert "items lost: 1" in broken(items=[])
    assert "items lost: 1" in broken(items=[("processing", "{}")])
    assert "items worse: 1" in broken(items=[("failed", "{}")])
    assert "values lost: 1" in broken(values=type(plain.values)())
    assert "values doubled: 1" in broken(values=plain.values + type(plain.values)([value]))
    assert "asked twice, paid: 1" in broken(asked=plain.asked + type(plain.asked)([question]))
    assert "at the vendor, 1 in the ledger" in broken(asked=plain.asked - type(plain.asked)([question]))
    assert "reserved" in broken(budgets=plain.budgets | {"run:1": (1, 1)})
    assert "the ledger 1" in broken(budgets=plain.budgets | {"run:1": (0, 2)})
    assert "is still sent" in broken(lookups=plain.lookups | {question: [("sent", 1, "")]})
    assert "shown: run 1 shows" in broken(shown=("run 1 shows 3 values",))
    assert "run is RUNNING" in broken(runs=[("RUNNING", "{}")])


def test_the_checker_allows_a_repeat_only_of_what_was_on_the_wire_when_its_worker_froze(
    tmp_path: Path,
) -> None:
    question = (FREE, "company0.com")
    plain = facts_of()
    again = facts_of(
        asked=plain.asked + Counter([question]), lookups=plain.lookups | {question: [("applied", 0, "")] * 2}
    )
    assert "asked 1 times too often" in "; ".join(judge(again, facts_of(), in_flight=1).broken)
    again.on_the_wire[question] = 1
    assert not judge(again, facts_of(), in_flight=1).broken

    log = tmp_path / "vendor.log"
    thawed = 100 + FROZEN_FOR + 1
    lines = [
        f"asked {FREE} company0.com 4001 99.0", f"asked {FREE} company1.com 4001 90.0", f"told {FREE} company1.com 4001 91.0",
        f"asked {FREE} company2.com 4001 {thawed}", f"asked {FREE} company3.com 4002 99.0",
    ]  # fmt: skip
    log.write_text("\n".join(lines))
    torment = Torment(random.Random(1), log, stills=[Still(100.0, {4001})])
    assert torment.on_the_wire() == Counter([question])


@pytest.mark.parametrize("scope", ["source", "money"])
def test_a_budget_holds_while_workers_race_and_die(scope: str) -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    outcome = race(
        Race(
            database=database,
            scope=scope,
            accounts=40,
            cap=30,
            kills=2,
            seed=3,
            workers=4,
            longest=240,
            answers_in=0.05,
        )
    )
    assert not outcome.broken, outcome
    assert outcome.counts["kills"] > 0
    assert 23 < outcome.counts["most spent"] <= 30
