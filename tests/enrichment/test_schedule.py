"""Scheduled refreshes: what is due, one run of it, and schedules that follow the sources."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from crm.models import Account
from enrichment import runs, schedule, tasks
from enrichment.claims import rebuild, record, undo
from enrichment.models import (
    AttributeValue,
    Budget,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    RunItem,
    ScheduleFiring,
)
from sources.attributes import Kind
from sources.errors import SourceUnavailable
from tests.factories import make_account, make_answer, make_contact, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 1, 12, tzinfo=UTC)  # a week after factories.START, a Monday
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def no_naps(monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes):
    return install(fakes)


def install(fakes, slug="fake", *, adapter=None, **fields) -> EnrichmentSource:
    fakes[slug] = adapter or FakeSource(slug)
    return make_source(slug, **({"cadence": "weekly monday", "rank": 10} | fields))


def asked(source, *records, at=0, **values) -> None:
    """The source answered about the records, `at` days after Monday the 5th."""
    answers = [make_answer(each.pk, source.pk, at, **(values or {"headcount": 5})) for each in records]
    record(run=make_run(status="COMPLETED").pk, kind=Kind.ACCOUNT, answers=answers)


def known(source, number=1, **fields) -> list[Account]:
    """Accounts the source answered about a week before MONDAY."""
    accounts = [make_account(name=f"Acme {n}", domain=f"acme{n}.com", **fields) for n in range(number)]
    asked(source, *accounts)
    return accounts


def tick(source, at=MONDAY, planned=None) -> list[EnrichmentRun]:
    """One firing of the schedule; the runs it made."""
    last = EnrichmentRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    schedule.tick(source.pk, planned or at, at)
    return list(EnrichmentRun.objects.filter(pk__gt=last))


def end(*ended: EnrichmentRun) -> None:
    EnrichmentRun.objects.filter(pk__in=[run.pk for run in ended]).update(status="COMPLETED")


def taken(run) -> list[str]:
    return sorted(item.account.name for item in run.items.select_related("account"))


def notes() -> list[str]:
    return [firing.note for firing in ScheduleFiring.objects.order_by("planned_at", "kind")]


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


@pytest.mark.django_db(transaction=True)  # django-q2 closes connections
def test_a_long_downtime_is_caught_up_once(source):
    EnrichmentSource.objects.update(cadence="daily")
    known(source)
    source.refresh_from_db()
    schedule.source_saved(source)
    Schedule.objects.update(next_run=timezone.now() - timedelta(days=5))

    for _ in range(3):
        scheduler()
        deliver()

    assert EnrichmentRun.objects.filter(firings__isnull=False).count() == 1
    assert Schedule.objects.get().next_run > timezone.now()


# Schedules that follow, and are delivered too often


def deliver() -> None:
    """Do what the queue holds, as a worker would; only what is ours."""
    for row in OrmQ.objects.all():
        task = row.task
        if task["func"] == schedule.TASK:
            tasks.refresh(*task["args"], **task["kwargs"])
            row.delete()


def test_the_schedule_follows_the_source(source):
    schedule.source_saved(source)
    row = Schedule.objects.get()
    assert (row.name, row.func, row.args) == ("Refresh fake", "enrichment.tasks.refresh", str(source.pk))
    assert row.next_run == source.next_moment(timezone.now())

    EnrichmentSource.objects.update(time_zone="Asia/Tokyo", priority_cadences={"high": "cron 30 6 * * *"})
    source.refresh_from_db()
    schedule.source_saved(source)

    local = Schedule.objects.get().next_run.astimezone(source.zone)
    assert (local.hour, local.minute) in {(6, 30), (0, 0)}
    assert local - timezone.now() <= timedelta(days=1)


def test_a_sweep_makes_moves_and_removes_schedules(source):
    now = timezone.now()
    Schedule.objects.create(name="Refresh gone", func=schedule.TASK, args="999999")
    Schedule.objects.create(name="somebody's own", func="time.time")

    schedule.follow_all(now)
    assert sorted(Schedule.objects.values_list("name", flat=True)) == ["Refresh fake", "somebody's own"]

    late = Schedule.objects.filter(func=schedule.TASK)
    late.update(next_run=now + timedelta(days=99))
    schedule.follow_all(now)
    assert late.get().next_run == source.next_moment(now)

    late.update(next_run=now - timedelta(days=2))  # missed: it is still to be caught up
    schedule.source_saved(source)
    assert late.get().next_run == now - timedelta(days=2)


def test_the_same_moment_delivered_twice_makes_one_run(source):
    known(source)
    (run,) = tick(source)
    end(run)
    Freshness.objects.update(due_at=MONDAY)

    assert tick(source, MONDAY + timedelta(minutes=20), planned=MONDAY) == []
    assert ScheduleFiring.objects.count() == 1


def test_a_clock_that_is_fast_fires_nothing_and_loses_nothing(source):
    known(source)
    schedule.source_saved(source)
    Schedule.objects.update(next_run=MONDAY + timedelta(days=1))  # as django-q2 leaves it

    assert tick(source, MONDAY - timedelta(hours=1), planned=MONDAY) == []
    assert not ScheduleFiring.objects.exists()
    assert Schedule.objects.get().next_run == MONDAY

    assert len(tick(source)) == 1


def test_a_missed_moment_is_not_lost_when_an_older_one_arrives_late(source):
    known(source)
    Schedule.objects.create(name="Refresh fake", func=schedule.TASK, next_run=MONDAY + WEEK)
    tick(source, MONDAY + WEEK + timedelta(seconds=5), planned=MONDAY)
    assert Schedule.objects.get().next_run == MONDAY + WEEK


needs_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs a database that threads can share"
)


def together(count, act) -> None:
    """Do something in several threads at the same moment."""
    gate, errors = threading.Barrier(count), []

    def one() -> None:
        try:
            gate.wait()
            act()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_four_schedulers_at_once_make_one_run(source):
    for round_ in range(5):
        known(source)
        Freshness.objects.update(due_at=timezone.now() - timedelta(hours=1))
        schedule.follow_all(timezone.now())
        Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))

        together(4, scheduler)
        together(4, deliver)

        assert EnrichmentRun.objects.filter(firings__isnull=False).count() == round_ + 1
        RunItem.objects.all().delete()
        end(*EnrichmentRun.objects.all())


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_one_moment_delivered_four_times_at_once_makes_one_run(source):
    known(source, 20)
    for number in range(5):
        at = MONDAY + number * WEEK

        together(4, lambda at=at: schedule.tick(source.pk, at, at))

        assert EnrichmentRun.objects.filter(firings__isnull=False).count() == number + 1
        assert RunItem.objects.count() == 20 * (number + 1)
        end(*EnrichmentRun.objects.all())
    assert Schedule.objects.count() == 1


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_four_different_moments_at_once_make_one_run(source):
    known(source, 20)
    late = iter(range(4))

    together(4, lambda: schedule.tick(source.pk, MONDAY + next(late) * timedelta(days=1), MONDAY + WEEK))

    assert RunItem.objects.count() == 20


def test_an_outage_of_the_vendor_fails_the_items_not_the_schedule(source, fakes):
    known(source)
    fakes["fake"].answers["acme0.com"] = SourceUnavailable("down")
    (run,) = tick(source)
    while runs.work(run.pk, until=lambda: False):
        RunItem.objects.exclude(not_before=None).update(not_before=timezone.now() - timedelta(seconds=1))
        EnrichmentSource.objects.update(paused_until=None)
    run.refresh_from_db()
    assert run.status == "COMPLETED"
    assert len(tick(source, MONDAY + WEEK)) == 1
