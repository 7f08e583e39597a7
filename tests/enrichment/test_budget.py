"""Budgets over months: what one month cannot pay the next one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from crm.models import Account
from enrichment import budget, bulk, ledger, runs, schedule
from enrichment.models import Budget, EnrichmentRun, EnrichmentSource
from sources.attributes import Kind
from tests.factories import make_account, make_source
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


def test_a_month_begins_in_the_time_zone_of_the_source(fakes) -> None:
    install(fakes, 2, monthly_limit=3, time_zone="Pacific/Auckland")
    with time_machine.travel(datetime(2026, 1, 31, 10, 59, tzinfo=UTC), tick=False):
        assert len(refused(enrich())) == 1
    with time_machine.travel(datetime(2026, 1, 31, 11, 1, tzinfo=UTC), tick=False):
        assert refused(enrich()) == []
    scopes = Budget.objects.filter(scope__startswith="source:").values_list("scope", flat=True)
    assert {scope.rpartition(":")[2] for scope in scopes} == {"2026-01", "2026-02"}


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
