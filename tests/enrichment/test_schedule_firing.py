"""When schedules fire: once for each moment, after downtime, with several schedulers at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from enrichment import runs, schedule, tasks
from enrichment.models import (
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    RunItem,
    ScheduleFiring,
)
from sources.errors import SourceUnavailable
from tests.enrichment.cadences import MONDAY, WEEK, end, install, known, tick

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_naps(monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes):
    return install(fakes)


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
