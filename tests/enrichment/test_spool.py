"""A database that takes nothing for a while: no answer that was paid is lost by it, and nothing is asked twice."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from crm.models import Account
from enrichment import asking, engine, late, ledger, runs, spool, suspects, tasks
from enrichment.models import Budget, EnrichmentRun, Lookup, RunItem
from sources.attributes import Kind
from sources.contract import Payload, Pending
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)
DOMAINS = ["a.com", "b.com", "c.com", "d.com"]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spool of its own, and nobody waits long."""
    settings.HOME = tmp_path
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setattr(spool, "_FIRST_WAIT", 0.001)
    return tmp_path / "spool"


class Slow(FakeSource):
    """Answers one question at once and the others later."""

    def fetch(self, call, http):
        if call.subject.domain != DOMAINS[0]:
            time.sleep(0.5)
        return super().fetch(call, http)


@pytest.fixture
def run(fakes) -> EnrichmentRun:
    fakes["fake"] = FakeSource("fake", **{domain.replace(".", "_"): {"headcount": 5} for domain in DOMAINS})
    make_source("fake", cost=2)
    for domain in DOMAINS:
        make_account(name=domain, domain=domain)
    return runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())


def refuse(monkeypatch: pytest.MonkeyPatch, module, name: str, times: int) -> None:
    """Let a writer fail as often as it is said."""
    real, left = getattr(module, name), iter(range(times))

    def write(*arguments, **named):
        if next(left, None) is not None:
            raise OperationalError("database or disk is full")
        return real(*arguments, **named)

    monkeypatch.setattr(module, name, write)


def work_without_database(run: EnrichmentRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask, and keep nothing of what comes."""
    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(spool, "PATIENCE", 0)
        refuse(patch, ledger, "store", 100)
        tasks.work(run.pk)


def go_on() -> None:
    """An hour later the sweep comes, and a worker."""
    past = timezone.now() - timedelta(hours=1)
    RunItem.objects.exclude(lease_until=None).update(lease_until=past)
    RunItem.objects.exclude(not_before=None).update(not_before=past)
    tasks.sweep()
    for run in EnrichmentRun.objects.all():
        tasks.work(run.pk)


def check_all_is_well(fakes, home: Path) -> None:
    assert sorted(fakes["fake"].asked) == DOMAINS
    assert set(RunItem.objects.values_list("state", flat=True)) == {"completed"}
    assert set(Lookup.objects.values_list("state", "cost")) == {("applied", 2)}
    assert Budget.objects.filter(scope__startswith="run:").values_list("reserved", "spent").get() == (0, 8)
    assert not list(home.iterdir())


def test_a_write_that_fails_is_tried_again_and_not_the_call(run, fakes, home, monkeypatch) -> None:
    refuse(monkeypatch, ledger, "store", 3)
    runs.work(run.pk, until=lambda: False)
    check_all_is_well(fakes, home)


def test_answers_that_cannot_be_stored_wait_in_a_file_for_the_sweep(run, fakes, home, monkeypatch) -> None:
    work_without_database(run, monkeypatch)
    assert [path.suffix for path in home.iterdir()] == [".answers"]
    asked = list(fakes["fake"].asked)
    go_on()
    go_on()
    assert asked == fakes["fake"].asked[: len(asked)]
    check_all_is_well(fakes, home)


def test_answers_in_flight_are_kept_where_recording_fails(run, fakes, home, monkeypatch) -> None:
    fakes["fake"] = Slow("fake", **fakes["fake"].answers)
    monkeypatch.setattr(asking, "HANDED_APART", 0)
    refuse(monkeypatch, engine, "record", 1)
    with pytest.raises(OperationalError):
        tasks.work(run.pk)
    assert set(Lookup.objects.values_list("state", flat=True)) == {"answered"}
    go_on()
    check_all_is_well(fakes, home)


def test_an_answer_from_the_spool_is_applied_where_its_question_was_in_doubt(
    run, fakes, home, monkeypatch
) -> None:
    work_without_database(run, monkeypatch)
    away = home.rename(home.with_name("elsewhere"))
    Lookup.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    go_on()
    assert Lookup.objects.filter(state="uncertain").exists()
    for path in away.iterdir():
        path.rename(home / path.name)
    go_on()
    check_all_is_well(fakes, home)


def test_nothing_is_asked_while_the_disk_is_nearly_full(run, fakes, home, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 10**12, 10**8))
        runs.work(run.pk, until=iter([False, True]).__next__)
    assert fakes["fake"].asked == []
    assert not Lookup.objects.exists()
    (reason,) = set(RunItem.objects.values_list("reason", flat=True))
    assert reason == f"only 100 MB are free in {home.parent}: make room, nothing is asked until then"
    go_on()
    check_all_is_well(fakes, home)


def test_items_wait_as_long_as_no_answer_could_be_kept(run, fakes, home, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            os, "posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        for _ in range(suspects.MOST_STARTS + 1):
            go_on()
    assert fakes["fake"].asked == []
    (told,) = set(RunItem.objects.values_list("state", "reason"))
    assert told == (
        "queued",
        f"answers cannot be kept in {home.parent}: No space left on device; nothing is asked until then",
    )
    go_on()
    check_all_is_well(fakes, home)


def test_a_file_that_a_sweep_took_for_one_left_behind_is_made_again(home, monkeypatch) -> None:
    real, sweeps = fcntl.flock, iter([late.take_spooled])

    def lock(*arguments) -> None:
        if sweep := next(sweeps, None):
            sweep()
        real(*arguments)

    monkeypatch.setattr(fcntl, "flock", lock)
    with spool.opened(is_paid=True):
        assert len(list(home.iterdir())) == 1


def test_the_file_of_a_worker_that_lives_is_left_alone(home) -> None:
    with spool.opened(is_paid=True):
        assert late.take_spooled() == 0
        assert len(list(home.iterdir())) == 1
    assert not list(home.iterdir())


def test_what_a_killed_worker_wrote_is_read_up_to_where_it_was_cut(home) -> None:
    answers: list[spool.Answer] = [
        (7, Payload(status=200, body=b"\0\xff{}", url="https://x/\N{SNOWMAN}", headers={"a": "b"})),
        (8, Pending(token="job", poll_in=30.0)),
    ]
    text = b"".join(map(spool._dumped, answers))
    home.mkdir()
    (home / "x.answers").write_bytes(text + text[:20] + b"\0" * 100)
    assert list(spool.left_behind()) == [answers]
    assert not list(home.iterdir())


def test_inside_a_transaction_nothing_is_tried_again(monkeypatch) -> None:
    refuse(monkeypatch, ledger, "store", 1)
    with spool.opened(is_paid=False) as each:
        from django.db import transaction

        with pytest.raises(OperationalError), transaction.atomic():
            each.store([(1, Payload(status=200, body=b"", url="x"))])
    assert connection.is_usable()
