"""BuiltWith's bulk jobs in whole runs: each result is read once, stored for all of its job, and in doubt where it is lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from crm.models import Account
from enrichment import late, ledger, runs
from enrichment.models import Lookup, RunItem
from sources.attributes import Kind
from tests.factories import make_run, make_source
from tests.torture.bulk import UNKNOWN, Answer, Counted, asked_at, builtwith_results, run_over

pytestmark = pytest.mark.django_db

JOB = "0b5e1d1c-6f0e-4a52-9c0a-3f1f9d7c2a11"
NAMES = [f"company{number}.com" for number in range(300)]


class Jobs:
    """A vendor of jobs: each is done when it is asked about for the second time, and its result is gone once read."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[str]] = {}
        self.looked: Counter[str] = Counter()

    def __call__(self, method: str, url: str, body: bytes, counted: Counted) -> Answer:
        if method == "POST":
            asked = json.loads(body)["lookups"]
            counted.sizes.append(len(asked))
            job = f"{JOB[:-4]}{len(counted.sizes):04}"
            self.jobs[job] = asked
            return 202, {"job_id": job, "status": "queued", "count": len(asked), "sync_max": 16}
        job = url.split("/")[4]
        if not url.endswith("/result"):
            self.looked[job] += 1
            return 200, {"status": "queued" if self.looked[job] < 2 else "complete"}
        names = self.jobs.pop(job, None)
        return (404, {"error": "not found"}) if names is None else (200, builtwith_results(names))


def pass_time() -> None:
    """The sweep finds every announced answer due."""
    past = timezone.now() - timedelta(seconds=1)
    Lookup.objects.exclude(poll_at=None).update(poll_at=past)
    late.sweep(timezone.now())


def results_read(counted: Counted) -> Counter[str]:
    return Counter(path for path in counted.paths if path.endswith("/result"))


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


def test_a_run_hands_in_jobs_and_reads_each_result_once(monkeypatch):
    vendor = Jobs()
    with asked_at("builtwith", vendor, settings={"batch": 200}) as (_, counted):
        run = run_over("builtwith", NAMES)
        assert set(run.items.values_list("state", flat=True)) == {"waiting"}
        assert sum(counted.sizes) == len(NAMES) and len(counted.sizes) <= 3
        monkeypatch.setattr(runs, "_SMALLEST", 30)  # from now on no chunk holds all of a job
        monkeypatch.setattr(runs, "_LARGEST", 30)
        for _ in range(3):
            pass_time()
            runs.work(run.pk, until=lambda: False)
        again = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), sources=["builtwith"])
        runs.work(again.pk, until=lambda: False)
    run.refresh_from_db()
    assert run.status == "COMPLETED"
    read = results_read(counted)
    assert len(read) == len(counted.sizes) and set(read.values()) == {1}
    assert set(vendor.looked.values()) == {2}
    told = Counter(item.outcomes["builtwith"]["outcome"] for item in RunItem.objects.filter(run=run))
    assert told == {"found": len(NAMES) - len(UNKNOWN), "not_found": len(UNKNOWN)}
    lookups = Lookup.objects.filter(run=run)
    assert lookups.count() == len(NAMES)
    assert set(lookups.values_list("state", "cost", "reserved")) == {("applied", 1, 0)}
    assert max(len(bytes(body or b"")) for body in lookups.values_list("body", flat=True)) < 500
    assert {item.outcomes["builtwith"]["outcome"] for item in again.items.all()} == {"skipped"}


def test_a_worker_that_ends_between_reading_and_storing_leaves_doubt_and_asks_nothing_twice(monkeypatch):
    class Killed(BaseException):
        pass

    def killed(answers: Any) -> None:
        if answers:
            raise Killed

    vendor, store = Jobs(), ledger.store
    with asked_at("builtwith", vendor, settings={"batch": 200}) as (_, counted):
        run = run_over("builtwith", NAMES[:50])
        pass_time()
        runs.work(run.pk, until=lambda: False)
        pass_time()
        monkeypatch.setattr(ledger, "store", killed)
        with pytest.raises(Killed):
            runs.work(run.pk, until=lambda: False)
        monkeypatch.setattr(ledger, "store", store)
        assert results_read(counted).total() == 1
        assert Lookup.objects.filter(state="waiting", poll_at__gt=timezone.now()).count() == 50
        RunItem.objects.update(lease_until=timezone.now() - timedelta(minutes=5))
        runs.sweep(timezone.now())
        runs.work(run.pk, until=lambda: False)  # the one who reads has the job to itself for a while
        assert results_read(counted).total() == 1
        pass_time()
        runs.work(run.pk, until=lambda: False)
    assert counted.sizes == [50]
    assert set(Lookup.objects.values_list("state", "cost")) == {("uncertain", 1)}
    run.refresh_from_db()
    assert run.status == "COMPLETED"
    reasons = {item.outcomes["builtwith"]["reason"] for item in run.items.all()}
    assert reasons == {"BuiltWith has the job's result no longer: it was read before and not kept"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database that threads can share")
@pytest.mark.django_db(transaction=True)
def test_of_four_workers_with_parts_of_a_job_one_asks_for_all_of_it():
    source, run = make_source("jobs"), make_run()
    for number in range(40):
        Lookup.objects.create(
            source=source, run=run, key=f"key-{number}", question={"kind": "account"}, state="waiting", period="2026-01",
            token="job", poll_at=timezone.now() - timedelta(seconds=1),
        )  # fmt: skip
    gate, taken = threading.Barrier(4), []

    def take(worker: int) -> None:
        try:
            keys = [f"key-{number}" for number in range(worker, 40, 4)]
            gate.wait()
            lease = timedelta(minutes=3)
            taken.append(len(ledger.take_polls(source, keys, lease=lease, together=True)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [0, 0, 0, 40]
