"""Calls at once: the limit of a source holds for all workers together, and for no longer than they live."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from benchmarks import databases
from crm.models import Account
from enrichment import limits, runs, seats
from enrichment.models import EnrichmentSource, Throttle
from enrichment.seats import Seated, Seats, share
from sources.attributes import Kind
from tests.factories import make_account, make_source
from tests.fakes import FakeSource
from tests.torture.house import ROOT, query, settings_for
from tests.torture.vendor import FREE, PAID, routed

ACCOUNTS, MOST, WORKERS = 40, 3, 3


class Counting(BaseHTTPRequestHandler):
    """A vendor that takes its time and counts the calls that are made of it at once."""

    protocol_version = "HTTP/1.1"
    lock, now, most = threading.Lock(), Counter[str](), Counter[str]()

    def do_GET(self) -> None:
        source, domain, answer, _, _ = routed(self.path)
        with self.lock:
            self.now[source] += 1
            self.most[source] = max(self.most[source], self.now[source])
        time.sleep(0.05)
        with self.lock:
            self.now[source] -= 1
        status, body = answer(domain)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@contextmanager
def counting() -> Iterator[int]:
    Counting.now.clear()
    Counting.most.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_three_workers_together_make_no_more_calls_at_once_than_a_source_takes() -> None:
    with databases.scratch(os.environ.get("DATABASE_URL", "sqlite")) as scratch, counting() as port:
        told = settings_for(scratch, port)
        prepare = ("tests.torture.prepare", ACCOUNTS, MOST, 1_000_000, MOST)
        command = [sys.executable, "-m", *map(str, prepare)]
        subprocess.run(command, cwd=ROOT, env=told, check=True, stdout=subprocess.DEVNULL)
        work = [sys.executable, "-m", "tests.torture.payer", "work"]
        workers = [subprocess.Popen(work, cwd=ROOT, env=told) for _ in range(WORKERS)]
        for worker in workers:
            assert worker.wait(timeout=240) == 0
        answered = query(told, "SELECT count(*) FROM enrichment_lookup WHERE state = 'applied'")
    assert answered[0][0] > ACCOUNTS
    assert Counting.most == {PAID: MOST, FREE: MOST}


@pytest.mark.parametrize(
    ("line", "wish", "mine"),
    [
        ([], 5, 5),
        ([], 20, 10),
        ([("a", 10, 10)], 5, 0),  # all are taken: it waits
        ([("a", 5, 10)], 8, 5),
        ([("a", 2, 2)], 20, 8),  # what the other does not wish for
        ([("me", 10, 10), ("b", 0, 10)], 10, 5),  # one waits: half is for it
        ([("me", 10, 10), ("b", 0, 2)], 10, 8),
        ([("a", 8, 8), ("b", 0, 4), ("me", 0, 4)], 4, 1),  # what is left is first for who came first
        ([("a", 9, 9), ("b", 0, 4), ("me", 0, 4)], 4, 0),
        ([("a", 4, 10), ("b", 4, 10), ("me", 0, 10)], 10, 2),
    ],
)
def test_seats_are_shared_fairly(line, wish, mine) -> None:
    assert share([Seated(worker, held, wishes, 0.0) for worker, held, wishes in line], "me", wish, 10) == mine


class Vendor(FakeSource):
    """A source with one address."""

    base_url = "https://vendor.example"


@pytest.fixture
def source(fakes) -> EnrichmentSource:
    fakes["fake"] = Vendor(**{f"a{n}_com": {"headcount": n + 1} for n in range(6)})
    for number in range(6):
        make_account(domain=f"a{number}.com")
    return make_source("fake", cadence="monthly")


def others(source: EnrichmentSource, held: int, seconds: float) -> None:
    until = timezone.now().timestamp() + seconds
    Throttle.objects.create(source=source, seats=[["elsewhere:1", held, held, until]])


def enrich() -> set[tuple[str, str]]:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    rounds = iter((False, True))
    runs.work(run.pk, until=lambda: next(rounds))
    return set(run.items.values_list("state", "reason"))


@pytest.mark.django_db
def test_who_finds_no_seat_waits_a_while_and_puts_its_items_back(fakes, source, monkeypatch) -> None:
    monkeypatch.setattr(limits, "HORIZON", limits.HORIZON / 10)
    others(source, held=4, seconds=60)
    assert enrich() == {("queued", "Fake takes 4 calls at once, and others make them")}
    assert not fakes["fake"].asked
    assert [each[1] for each in Throttle.objects.get().seats] == [4, 0]  # it keeps its place in line


@pytest.mark.django_db
def test_the_seats_of_a_worker_that_was_killed_are_free_when_its_lease_is_over(fakes, source) -> None:
    others(source, held=4, seconds=1.5)
    assert {state for state, _ in enrich()} == {"completed"}
    assert len(fakes["fake"].asked) == 6
    assert Throttle.objects.get().seats == []  # given back


@pytest.mark.django_db
def test_a_lease_is_prolonged_while_calls_are_made_without_more_or_fewer_seats(source, monkeypatch) -> None:
    (step,) = runs.plan_for(Kind.ACCOUNT).steps
    with Seats(step, 4) as ours:
        assert ours.take(lambda: True) == 4
        row = Throttle.objects.get()
        Throttle.objects.update(seats=[*row.seats, ["elsewhere:1", 0, 4, row.seats[0][-1]]])
        monkeypatch.setattr(seats, "_RENEWS_EVERY", 0.0)
        ours.keep()
        first, waiting = Throttle.objects.get().seats
        assert first[1] == 4 and first[-1] > row.seats[0][-1] and waiting[0] == "elsewhere:1"
        assert ours.take(lambda: True) == 2  # with the next calls, for another waits
    assert [each[0] for each in Throttle.objects.get().seats] == ["elsewhere:1"]


@pytest.mark.django_db
def test_a_source_of_many_addresses_is_limited_for_each_worker_unless_somebody_says_otherwise(
    fakes, source
) -> None:
    fakes["fake"] = FakeSource()
    (step,) = runs.plan_for(Kind.ACCOUNT).steps
    others(source, held=4, seconds=60)
    assert Seats(step, 20).take(lambda: False) == 4
    step.source.in_flight = 6
    assert Seats(step, 20).take(lambda: False) == 2
