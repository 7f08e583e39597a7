"""Machines whose clocks are wrong or that stood still: the database says what time it is and whose items are whose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ

from crm.models import Account
from enrichment import bulk, heartbeats, leases, ledger, runs, tasks
from enrichment.leases import Hold
from enrichment.models import Lookup, RunItem
from sources.attributes import Kind
from sources.contract import Call, Http, Payload, Pending
from tests.factories import make_account, make_run, make_source
from tests.fakes import FakeSource
from tests.sources.servers import Server, reply, serving

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[timedelta], None]]:
    """Sets this machine's clock, which says nothing of the database's."""
    yield lambda by: monkeypatch.setattr(timezone, "now", lambda: bulk.clock() + by)


def test_a_message_of_a_machine_that_is_fast_is_seen_by_all(clock):
    clock(HOUR)
    queue = get_broker()
    queue.enqueue("told")
    clock(-HOUR)
    assert (queue.queue_size(), queue.lock_size()) == (1, 0)
    assert [text for _, text in queue.dequeue()] == ["told"]


def test_a_message_that_a_slow_machine_took_is_left_to_it(clock):
    queue = get_broker()
    queue.enqueue("told")
    clock(-HOUR)
    assert queue.dequeue()
    clock(HOUR)
    assert queue.dequeue() == []
    assert (queue.queue_size(), queue.lock_size(), OrmQ.objects.count()) == (0, 1, 1)


def test_the_sweep_of_a_fast_machine_leaves_alone_what_others_work_on(clock):
    source, run = make_source("fake"), make_run(status="RUNNING")
    RunItem.objects.create(run=run, position=1, account=make_account())
    (item,) = Hold(run, 1).items
    lookup = Lookup.objects.create(
        source=source, run=run, key="k", question={}, state="sent", version=1, sent_at=bulk.clock()
    )
    clock(HOUR)
    tasks.sweep()
    item.refresh_from_db()
    lookup.refresh_from_db()
    assert (item.state, lookup.state) == (RunItem.State.PROCESSING, Lookup.State.SENT)


def test_runs_records_and_late_answers_of_a_fast_machine_are_dated_by_the_database(clock):
    clock(HOUR)
    run, account = make_run(), make_account()
    lookup = Lookup.objects.create(
        source=make_source("fake"), run=run, key="k", question={}, state="sent", version=1
    )
    ledger.wait_for([(lookup.pk, Pending(token="job", poll_in=300.0))])
    lookup.refresh_from_db()
    assert lookup.poll_at
    for at in (run.created_at, account.created_at, lookup.poll_at - timedelta(seconds=300)):
        assert abs(bulk.clock() - at) < timedelta(minutes=10)


def test_a_slow_machine_gives_signs_of_life_and_sees_those_of_others(clock):
    clock(-HOUR)
    heartbeats.mark()
    heartbeats.ask_to_stop()
    clock(HOUR)
    assert heartbeats.is_asked_to_stop()
    assert bulk.clock() - heartbeats.last([heartbeats.QUEUE])[heartbeats.QUEUE] < timedelta(minutes=1)


class Slow(FakeSource):
    """Takes its time."""

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        time.sleep(0.1)
        return super().fetch(call, http)


def test_a_worker_that_stood_still_asks_nothing_about_items_that_others_took_over(fakes, monkeypatch):
    fakes["fake"] = source = Slow("fake")
    make_source("fake", rank=10)
    for number in range(80):
        make_account(name=f"Acme {number}", domain=f"acme{number}.com")
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    monkeypatch.setattr(leases, "RENEWS_EVERY", 0)

    def stand_still() -> None:
        if len(source.asked) > 3:
            RunItem.objects.update(fence=F("fence") + 1)

    over = iter((False, True))
    runs.work(run.pk, until=lambda: next(over), on_chunk=stand_still)
    assert 3 < len(source.asked) < 60
    assert set(RunItem.objects.values_list("state", flat=True)) == {RunItem.State.PROCESSING}


class Frozen(FakeSource):
    """Asks its server, standing still for longer than a lease right before the request of `stops_at` leaves."""

    stops_at = "acme1.com"
    between = False  # stands still between the first and the second request of a call

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.server, self.monkeypatch, self.stood = server, monkeypatch, 0.0

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        stops = call.subject.domain == self.stops_at and not self.stood
        if stops and self.between:
            http.get(f"{self.server.url}/first")
        if stops:
            self.stand_still()
        http.get(f"{self.server.url}/{call.subject.domain}")
        return super().fetch(call, http)

    def stand_still(self) -> None:
        before = leases._since_boot
        self.stood = 2 * settings.LEASE
        self.monkeypatch.setattr(leases, "_since_boot", lambda: before() + self.stood)


@pytest.fixture
def frozen(fakes, monkeypatch) -> Iterator[Frozen]:
    with serving(reply(b"{}")) as server:
        monkeypatch.setattr(settings, "EGRESS_ALLOW", [server.netloc])
        fakes["fake"] = Frozen(server, monkeypatch)
        make_source("fake", in_flight=1)
        for number in range(3):
            make_account(name=f"Acme {number}", domain=f"acme{number}.com")
        yield fakes["fake"]


def asked(source: Frozen) -> list[str]:
    """The paths that arrived at the server."""
    return [head.split()[1].decode() for head in source.server.heads]


def run_once(source: Frozen, take_over: Callable[[], object] = lambda: None) -> None:
    """Work on a run over all accounts for a chunk; `take_over` once the worker is back."""

    def back() -> None:
        if source.stood:
            take_over()

    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    over = iter((False, True))
    runs.work(run.pk, until=lambda: next(over), on_chunk=back)


def test_a_call_does_not_leave_after_its_worker_stood_still_and_others_took_over(frozen):
    run_once(frozen, lambda: RunItem.objects.update(fence=F("fence") + 1))
    assert asked(frozen) == ["/acme0.com"]
    assert set(Lookup.objects.values_list("state", flat=True)) == {"applied", "released"}


def test_a_worker_that_stood_still_while_nobody_took_over_goes_on_and_asks_all_once(frozen):
    run_once(frozen)
    assert sorted(asked(frozen)) == ["/acme0.com", "/acme1.com", "/acme2.com"]
    assert set(RunItem.objects.values_list("state", flat=True)) == {"completed"}
    assert Lookup.objects.filter(state="applied").count() == 3


def test_a_call_that_had_left_before_its_worker_stood_still_is_ended_and_its_answer_kept(frozen):
    frozen.between = True
    run_once(frozen, lambda: RunItem.objects.update(fence=F("fence") + 1))
    assert asked(frozen) == ["/acme0.com", "/first", "/acme1.com"]
    assert Lookup.objects.exclude(state="released").count() == 2
