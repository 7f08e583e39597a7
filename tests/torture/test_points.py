"""A few of the points at which an item's life is cut; `make torture TORTURE=points` visits all."""

from __future__ import annotations

import os

import pytest

from tests.torture.fault import Fault
from tests.torture.house import inside
from tests.torture.overlap import Overlap, overlap
from tests.torture.trouble import Trouble, kinds, trouble
from tests.torture.upgrade import KEY, Upgrade, upgrade


def test_a_fault_is_met_before_and_after_what_is_done() -> None:
    met: list[str] = []
    fault = Fault(1, met.append)
    with fault.around("UPDATE a"):
        assert met == []
    assert met == ["after UPDATE a"]
    with fault.around("commit"):
        pass
    assert fault.names == ["before UPDATE a", "after UPDATE a", "before commit", "after commit"]
    assert met == ["after UPDATE a"]


def test_a_cut_life_ends_as_the_crash_table_says() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    few = ("--every", "24", "--first", "5", "--case", "paid", "callback")
    assert inside(database, "tests.torture.points", *few) == 0


@pytest.mark.parametrize("how", ["lasting", "once"])
def test_a_database_that_refuses_loses_no_answer(how: str) -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    few = ("--refuse", how, "--every", "16", "--first", "32", "--case", "paid")
    assert inside(database, "tests.torture.points", *few) == 0


def test_a_run_survives_a_database_in_trouble() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    kind = kinds(database)[-1]
    outcome = trouble(Trouble(database=database, kind=kind, seed=4, accounts=30, times=2, hold=2, gap=1))
    assert not outcome.broken
    assert outcome.counts["troubles"] > 0
    assert outcome.counts["questions at the vendor"] == 60


def test_runs_end_though_an_upgrade_lost_all_messages_about_them() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    outcome = upgrade(Upgrade(database=database, kind=KEY, runs=20))
    assert not outcome.broken
    assert outcome.counts["messages"] == outcome.counts["items done"] == 20


def test_runs_and_people_at_the_same_records_pay_once_and_lose_no_edit() -> None:
    database = os.environ.get("DATABASE_URL", "sqlite")
    outcome = overlap(Overlap(database=database, seed=3, accounts=40, runs=3, edits=20, seconds=3, workers=2))
    assert not outcome.broken
    assert outcome.counts["paid questions"] == outcome.counts["of them different"] == 40
    assert outcome.counts["edits"] == 20
