"""Scheduled refreshes: what is due, one run of it, and schedules that follow the sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from django_q.models import Schedule

from crm.models import Account
from enrichment import runs, schedule
from enrichment.claims import rebuild, undo
from enrichment.models import (
    AttributeValue,
    Budget,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    ScheduleFiring,
)
from sources.attributes import Kind
from tests.enrichment.cadences import MONDAY, WEEK, asked, end, install, known, notes, taken, tick
from tests.factories import make_account, make_contact
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_naps(monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes):
    return install(fakes)


# What is taken


def test_a_tick_makes_one_run_of_what_is_due(source):
    known(source, 2)
    fresh = make_account(name="Fresh", domain="fresh.com")
    asked(source, fresh, at=8)

    (run,) = tick(source)

    assert taken(run) == ["Acme 0", "Acme 1"]
    assert run.sources == ["fake"]
    firing = ScheduleFiring.objects.get()
    assert (firing.run, firing.planned_at, firing.kind) == (run, MONDAY, "account")


def test_the_run_asks_again_and_moves_the_due_date(source, fakes):
    known(source)
    Freshness.objects.update(
        due_at=timezone.now() - timedelta(days=1)
    )  # by today's clock, which workers go by
    (run,) = tick(source, timezone.now())

    runs.work(run.pk, until=lambda: False)

    assert fakes["fake"].asked == ["acme0.com"]
    assert not Freshness.objects.filter(due_at__lte=timezone.now()).exists()


def test_nothing_is_asked_before_it_is_due(source):
    known(source)
    assert tick(source, MONDAY - timedelta(hours=1)) == []
    assert notes() == ["Nothing was due."]


def test_what_better_sources_answered_is_not_needed(source, fakes):
    (account,) = known(source)
    second = install(fakes, "second", rank=20, cadence="weekly monday", only_when_missing=True)
    asked(source, account, headcount=7, industry="Toys")
    (run,) = tick(second)

    runs.work(run.pk, until=lambda: False)

    assert fakes["second"].asked == []
    assert "not needed" in run.items.get().reason


def test_new_records_are_taken_where_the_source_wants_them(source):
    make_account(name="New", domain="new.com")
    make_account(name="No domain")
    EnrichmentSource.objects.update(asks_new=False)
    assert tick(source) == []

    EnrichmentSource.objects.update(asks_new=True)
    (run,) = tick(source, MONDAY + timedelta(hours=2))

    assert taken(run) == ["New"]


def test_a_paid_source_asks_about_new_records_only_when_told_to(fakes):
    from enrichment.registration import row_of
    from sources.contract import Cost

    class Paid(FakeSource):
        cost = Cost(credits=2)

    assert (row_of(FakeSource("free")).asks_new, row_of(Paid("paid")).asks_new) == (True, False)


def test_records_outside_the_segments_are_left_alone(source):
    EnrichmentSource.objects.update(segments=["Enterprise", "Mid  market"])
    known(source, segment="Small")
    make_account(name="Big", domain="big.com", segment="enterprise")
    make_account(name="Middle", domain="middle.com", segment="Mid Market")

    (run,) = tick(source)

    assert taken(run) == ["Big", "Middle"]


def test_a_source_of_companies_and_people_makes_a_run_of_each(source, fakes):
    fakes["fake"].kinds = frozenset(Kind)
    make_account(name="Acme", domain="acme.com")
    make_contact(name="Ada", domain="acme.com")

    made = tick(source)

    assert sorted(run.kind for run in made) == ["account", "contact"]


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"cadence": "never"}, {"adapter": "gone"}])
def test_a_source_that_is_off_is_not_asked_and_has_no_schedule(source, change):
    known(source)
    schedule.source_saved(source)
    assert Schedule.objects.count() == 1

    EnrichmentSource.objects.update(**change)

    assert tick(source) == []
    assert not Schedule.objects.exists()


def test_a_source_without_its_key_says_so(source, fakes, monkeypatch):
    from sources.contract import Secret

    fakes["fake"].secret = Secret(env="FAKE_API_KEY")
    monkeypatch.delenv("FAKE_API_KEY", raising=False)
    known(source)

    assert tick(source) == []
    assert "has no key" in notes()[0]


# Cadences by priority


def test_records_come_due_by_their_priority(source):
    EnrichmentSource.objects.update(cadence="monthly", priority_cadences={"High": "daily", "P1": "never"})
    for name, priority in (("High", "high"), ("Low", "low"), ("P1", "p1")):
        asked(source, make_account(name=name, domain=f"{name}.com", priority=priority))

    dues = dict(Freshness.objects.values_list("account__name", "due_at"))

    assert dues == {
        "High": datetime(2026, 1, 6, tzinfo=UTC),
        "Low": datetime(2026, 2, 5, tzinfo=UTC),
        "P1": None,
    }
    assert taken(tick(source, datetime(2026, 1, 6, tzinfo=UTC))[0]) == ["High"]


def test_due_dates_follow_a_change_of_cadence_time_zone_or_priority(source):
    (account,) = known(source)
    source.refresh_from_db()
    assert Freshness.objects.get().due_at == MONDAY

    def change(**fields) -> datetime | None:
        EnrichmentSource.objects.update(**fields)
        source.refresh_from_db()
        schedule.source_saved(source)
        return Freshness.objects.get().due_at

    assert change(cadence="every 3 days") == datetime(2026, 1, 8, tzinfo=UTC)
    assert change(time_zone="Europe/Berlin") == datetime(2026, 1, 7, 23, tzinfo=UTC)
    assert change(priority_cadences={"high": "never"}) == datetime(2026, 1, 7, 23, tzinfo=UTC)
    Account.objects.update(priority="High")
    schedule.priority_saved(Kind.ACCOUNT, [account.pk])
    assert Freshness.objects.get().due_at is None
    assert change(priority_cadences={}) == datetime(2026, 1, 7, 23, tzinfo=UTC)


def test_settling_agrees_with_what_was_noted(source):
    EnrichmentSource.objects.update(cadence="monthly", priority_cadences={"high": "daily"})
    account = make_account(name="A", domain="a.com", priority="high")
    asked(source, account)
    noted = list(Freshness.objects.values())

    rebuild()
    assert list(Freshness.objects.values()) == noted

    asked(source, account, at=1)
    undo(EnrichmentRun.objects.order_by("-pk")[0].pk)
    assert [row["due_at"] for row in Freshness.objects.values()] == [noted[0]["due_at"]]


def test_a_priority_written_anywhere_counts_at_the_next_tick(source):
    EnrichmentSource.objects.update(cadence="monthly", priority_cadences={"high": "daily"})
    known(source)
    Account.objects.update(priority="high")

    assert len(tick(source)) == 1


def test_a_kept_answer_is_as_fresh_as_the_record_that_asks_wants_it(source, fakes):
    EnrichmentSource.objects.update(cadence="quarterly", priority_cadences={"high": "daily"})
    fakes["fake"].answers["acme.com"] = {"headcount": 5}
    low = make_account(name="Acme", domain="acme.com")
    first = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.work(first.pk, until=lambda: False)
    from enrichment.models import Lookup

    Lookup.objects.update(sent_at=timezone.now() - timedelta(days=3))
    high = make_account(name="Acme", domain="acme.com", priority="high")
    other = make_account(name="Acme", domain="acme.com", priority="low")
    for account in (other, high):
        run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.filter(pk=account.pk))
        runs.work(run.pk, until=lambda: False)

    assert fakes["fake"].asked == ["acme.com", "acme.com"]
    assert AttributeValue.objects.filter(account__in=[low, high, other]).count() == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"priority_cadences": {"high": "sometimes"}}, "high: 'sometimes' is not a cadence: write"),
        ({"priority_cadences": {" ": "daily"}}, "is no priority"),
        ({"priority_cadences": {"High": "daily", "high ": "weekly"}}, "stands there twice"),
        ({"priority_cadences": ["daily"]}, "a cadence for each priority"),
        ({"segments": ["x" * 101]}, "too long for a segment"),
        ({"segments": "Enterprise"}, "one segment a line"),
        ({"time_zone": "Berlin"}, "Unknown time zone"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(fields, sentence):
    source = EnrichmentSource(slug="x", label="X", **fields)
    with pytest.raises(ValidationError) as refused:
        source.clean()
    (message,) = refused.value.messages
    assert sentence in message


def test_cadences_and_segments_are_kept_in_their_normal_form():
    source = EnrichmentSource(
        slug="x",
        label="X",
        priority_cadences={" P1 ": "Weekly on Monday"},
        segments=["Big", " big", "", "Small  one"],
    )
    source.clean()
    assert source.priority_cadences == {"P1": "weekly monday"}
    assert source.segments == ["Big", "Small one"]


# Load, overlap, downtime


def test_a_tick_takes_the_oldest_and_goes_on_soon(source, settings):
    settings.REFRESH_RECORDS = 2
    known(source, 3)
    asked(source, make_account(name="Older", domain="older.com"), at=-7)
    make_account(name="New", domain="new.com")

    (first,) = tick(source)
    end(first)
    assert taken(first) == ["Acme 0", "Older"]
    assert schedule.next_firing(source) == MONDAY + schedule.SOON

    (second,) = tick(source, MONDAY + schedule.SOON)
    end(second)
    assert taken(second) == ["Acme 1", "Acme 2"]

    (third,) = tick(source, MONDAY + 2 * schedule.SOON)
    end(third)
    assert taken(third) == ["New"]
    assert schedule.next_firing(source) == MONDAY + WEEK


def test_who_got_no_answer_waits_for_the_next_round(source, settings):
    settings.REFRESH_RECORDS = 1
    known(source, 2)
    fired = []
    for hour in range(4):
        made = tick(source, MONDAY + timedelta(hours=hour))
        end(*made)
        fired += [taken(run) for run in made]
    assert fired == [["Acme 0"], ["Acme 1"]]

    (run,) = tick(source, MONDAY + WEEK)
    assert taken(run) == ["Acme 0"]


def test_with_a_long_cadence_who_got_no_answer_is_tried_again_after_a_week(source):
    EnrichmentSource.objects.update(cadence="quarterly")
    known(source)
    start = datetime(2026, 4, 5, tzinfo=UTC)
    made = [tick(source, start + timedelta(days=day)) for day in range(9)]
    assert [len(each) for each in made] == [1, 0, 0, 0, 0, 0, 0, 0, 0]  # its run is open all the while

    end(*EnrichmentRun.objects.all())
    assert len(tick(source, start + timedelta(days=9))) == 1
    end(*EnrichmentRun.objects.all())
    assert [len(tick(source, start + timedelta(days=day))) for day in range(10, 17)] == [0, 0, 0, 0, 0, 0, 1]


def test_a_tick_is_skipped_while_the_last_run_is_open(source):
    known(source)
    (run,) = tick(source)

    assert tick(source, MONDAY + WEEK) == []
    assert f"run {run.pk} of the last refresh is still pending" in notes()[-1]
    assert schedule.next_firing(source) == MONDAY + WEEK + schedule.SOON

    end(run)
    assert len(tick(source, MONDAY + WEEK + schedule.SOON)) == 1


def test_a_paused_source_waits(source):
    known(source)
    EnrichmentSource.objects.update(
        paused_until=MONDAY + timedelta(minutes=5), paused_reason="It refused the key."
    )
    assert tick(source) == []
    assert notes() == ["Skipped: the source is paused. It refused the key."]


def test_no_more_is_taken_than_the_budget_pays(source):
    known(source, 3)
    EnrichmentSource.objects.update(cost=2, monthly_limit=5)
    (run,) = tick(source)
    assert len(taken(run)) == 2
    end(run)

    Budget.objects.create(scope=f"source:{source.pk}:2026-01", limit=5, spent=4)
    assert tick(source, MONDAY + schedule.SOON) == []
    assert "no budget is left" in notes()[-1]
