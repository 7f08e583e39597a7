"""Budgets over months: what one month cannot pay the next one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from crm.models import Account
from enrichment import budget, bulk, ledger, runs, schedule
from enrichment.models import Budget, EnrichmentRun, EnrichmentSource, Preferences
from sources.attributes import Kind
from tests.factories import make_account, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
JANUARY, FEBRUARY = datetime(2026, 1, 15, 9, tzinfo=UTC), datetime(2026, 2, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Months go by the database's clock, which a test can only move as its own; nobody naps."""
    monkeypatch.setattr(bulk, "clock", timezone.now)
    monkeypatch.setattr(runs, "NAP", 0)


def install(fakes: dict[str, FakeSource], accounts: int, **fields: object) -> EnrichmentSource:
    """A source of 3 credits a question that is asked about new records by people only."""
    fakes["fake"] = FakeSource(**{f"a{n}_com": {"headcount": n + 1} for n in range(accounts)})
    for n in range(accounts):
        make_account(name=f"A{n}", domain=f"a{n}.com")
    return make_source("fake", cost=3, cadence="quarterly", asks_new=False, **fields)


def enrich(**wishes: object) -> EnrichmentRun:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), **wishes)  # type: ignore[arg-type]
    return work(run)


def work(run: EnrichmentRun) -> EnrichmentRun:
    while runs.work(run.pk, until=lambda: False):
        pass
    return run


def refresh(source: EnrichmentSource, at: datetime) -> list[EnrichmentRun]:
    """One firing of the schedule, and the runs it made, worked on to their end."""
    before = set(EnrichmentRun.objects.values_list("pk", flat=True))
    schedule.tick(source.pk, at, at)
    return [work(run) for run in EnrichmentRun.objects.exclude(pk__in=before)]


def refused(run: EnrichmentRun) -> list[str]:
    return [item.reason for item in run.items.filter(state="skipped")]


def test_what_a_month_cannot_pay_says_so_and_is_picked_up_in_the_next(fakes) -> None:
    source = install(fakes, 5, monthly_limit=10)
    with time_machine.travel(JANUARY, tick=False):
        assert refused(enrich()) == [budget.NOT_THIS_MONTH] * 2
        assert refresh(source, JANUARY + timedelta(hours=1)) == []
        assert len(fakes["fake"].asked) == 3
    with time_machine.travel(FEBRUARY, tick=False):
        (run,) = refresh(source, FEBRUARY)
        assert refused(run) == []
        assert sorted(fakes["fake"].asked) == [f"a{n}.com" for n in range(5)]
    spent = Budget.objects.filter(scope__startswith="source:").order_by("scope")
    assert list(spent.values_list("spent", flat=True)) == [9, 6]


def test_what_a_run_was_not_allowed_to_pay_says_so_and_is_not_picked_up(fakes) -> None:
    source = install(fakes, 5)
    with time_machine.travel(JANUARY, tick=False):
        assert refused(enrich(credit_limit=8)) == [budget.NOT_IN_THIS_RUN] * 3
    with time_machine.travel(FEBRUARY, tick=False):
        assert refresh(source, FEBRUARY) == []


@pytest.mark.parametrize(
    ("zone", "begins"),  # the last three after the clocks were set
    [
        ("Pacific/Auckland", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 4, 30, 12, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 4, 1, 7, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 31, 22, tzinfo=UTC)),
    ],
)
def test_a_month_begins_in_the_time_zone_of_the_source(fakes, zone: str, begins: datetime) -> None:
    source = install(fakes, 2, monthly_limit=3, time_zone=zone)
    with time_machine.travel(begins - timedelta(minutes=1), tick=False):
        assert refused(enrich()) == [budget.NOT_THIS_MONTH]
        assert refresh(source, begins - timedelta(seconds=30)) == []
    with time_machine.travel(begins + timedelta(minutes=1), tick=False):
        (run,) = refresh(source, begins + timedelta(minutes=1))
        assert (refused(run), run.items.count()) == ([], 1)
    assert sorted(fakes["fake"].asked) == ["a0.com", "a1.com"]
    spent = (
        Budget.objects.filter(scope__startswith="source:").order_by("scope").values_list("spent", flat=True)
    )
    assert list(spent) == [3, 3]


def test_money_of_all_sources_that_a_month_cannot_pay_is_spent_in_the_next(fakes) -> None:
    first = install(fakes, 3, credit_price=Decimal("0.10"))
    fakes["other"] = FakeSource("other", **{f"a{n}_com": {"industry": "Steel"} for n in range(3)})
    second = make_source("other", cost=2, credit_price=Decimal("0.25"), rank=200, asks_new=False)
    Preferences.objects.update_or_create(pk=1, defaults={"monthly_limit_usd": Decimal("2.39")})
    with time_machine.travel(JANUARY, tick=False):
        run = enrich()  # three questions of 0.30 USD and two of 0.50: another would be one cent too much
        assert (len(fakes["fake"].asked), len(fakes["other"].asked)) == (3, 2)
        told = [item.outcomes["other"] for item in run.items.all()]
        assert [each["reason"] for each in told if each["outcome"] == "skipped"] == [budget.NOT_THIS_MONTH]
    with time_machine.travel(FEBRUARY, tick=False):
        refresh(second, FEBRUARY)
        refresh(first, FEBRUARY)
    assert (len(fakes["fake"].asked), len(fakes["other"].asked)) == (3, 3)
    money = Budget.objects.filter(scope__startswith="money:").order_by("scope")
    assert [(row.scope, row.spent, row.reserved) for row in money] == [
        ("money:2026-01", 1_900_000, 0), ("money:2026-02", 500_000, 0),
    ]  # fmt: skip


def test_misses_that_cost_nothing_leave_their_credits_to_the_next_question(fakes) -> None:
    install(fakes, 20, monthly_limit=6, charges_miss=False)
    for n in range(15):
        del fakes["fake"].answers[f"a{n}.com"]
    run = enrich(parallel=1)
    assert len(fakes["fake"].asked) == 17  # fifteen misses, and the two that the month can pay
    assert refused(run) == [budget.NOT_THIS_MONTH] * 3


def test_what_cannot_be_paid_is_found_out_once_not_question_by_question(fakes, monkeypatch) -> None:
    opened: list[int] = []
    as_ever = ledger.open_questions

    def counted(*args: Any, **named: Any) -> ledger.Opened:
        opened.append(len(named["asked"]))
        return as_ever(*args, **named)

    monkeypatch.setattr(ledger, "open_questions", counted)
    install(fakes, 40, monthly_limit=6)
    run = enrich(parallel=2)
    assert refused(run) == [budget.NOT_THIS_MONTH] * 38
    assert len(opened) == 3  # two that are paid, two that are not, and these once more


def test_setting_aside_and_settling_take_a_few_queries_however_many_questions(
    fakes, django_assert_max_num_queries
) -> None:
    source = install(fakes, 0, monthly_limit=1000)
    first, other = make_run(credit_limit=100), make_run()
    follower = make_run(follows=first)
    spends = [budget.Spend(source, run.pk, "2026-01") for run in (first, follower, other)]
    for spend in spends:
        budget.reserve(spend, 1)
    with (
        transaction.atomic(),
        django_assert_max_num_queries(4),
    ):  # limits of two kinds, the rows, their new state
        assert budget.reserve(spends[1], 40) == (31, budget.NOT_IN_THIS_RUN)  # of 100 credits 6 are set aside
    with transaction.atomic(), django_assert_max_num_queries(3):  # who pays, the rows, their new state
        budget.settle({spends[0]: (3, 3), spends[1]: (96, 60), spends[2]: (3, 0)})
    kept = Budget.objects.exclude(scope__startswith="money:").values_list("scope", "reserved", "spent")
    assert set(kept) == {
        (f"run:{first.pk}", 0, 63), (f"run:{other.pk}", 0, 0), (f"source:{source.pk}:2026-01", 0, 63),
    }  # fmt: skip


def test_a_price_changed_while_questions_are_open_stops_nobody(fakes) -> None:
    source = install(fakes, 0, credit_price=Decimal("0.10"))
    spend = budget.Spend(source, None, "2026-01")
    budget.reserve(spend, 2)
    source.credit_price = Decimal("0.40")
    budget.settle({spend: (6, 3)})
    money = Budget.objects.get(scope="money:2026-01")
    assert (money.reserved, money.spent) == (0, 1_200_000)
