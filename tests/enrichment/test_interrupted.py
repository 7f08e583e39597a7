"""Workers that end in the middle: what their items, questions and budgets become."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ

from crm.models import Account
from crm.spreadsheets import import_file
from enrichment import asking, heartbeats, leases, ledger, retrying, runs, suspects, tasks
from enrichment.engine import Chunk
from enrichment.leases import Hold
from enrichment.models import Budget, EnrichmentRun, EnrichmentSource, Heartbeat, Lookup, RunItem
from sources import registry
from sources.attributes import Kind
from sources.contract import Payload
from sources.errors import PayloadChanged
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


def begin(
    fakes: dict[str, FakeSource], domains: list[str], *, cost: int = 0, source: FakeSource | None = None
):
    """A run over accounts that waits for its workers."""
    answers = {domain.replace(".", "_"): {"headcount": 5} for domain in domains}
    fakes["fake"] = source or FakeSource("fake", **answers)
    make_source("fake", cost=cost, charges_miss=False)
    for domain in domains:
        make_account(name=domain, domain=domain)
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    EnrichmentRun.objects.update(status="RUNNING")
    return run


def ask_one(run: EnrichmentRun, domain: str) -> int:
    """Write a question down as sent, as a worker does just before it leaves; the lookup's id."""
    source = EnrichmentSource.objects.get()
    asked = {"kind": "account", "domain": domain}
    key = ledger.key_of(source, asked)
    opened = ledger.open_questions(source, registry.adapters()["fake"], run=run.pk, asked={key: asked})
    return opened.lookups[key]


def die(run: EnrichmentRun, count: int) -> int:
    """A worker takes `count` items and ends; how many it got."""
    claimed = len(Hold(run, count).items)
    runs.sweep(timezone.now() + HOUR)
    return claimed


def work(run: EnrichmentRun, **options) -> None:
    while runs.work(run.pk, until=lambda: False, **options):
        pass


def states() -> set[str]:
    return set(RunItem.objects.values_list("state", flat=True))


def test_an_item_whose_workers_end_again_and_again_is_given_up(fakes) -> None:
    run = begin(fakes, ["a.com"])
    for _ in range(suspects.MOST_STARTS):
        assert states() == {"queued"}
        assert die(run, 1) == 1
    assert states() == {"failed"}
    assert EnrichmentRun.objects.get().status == "COMPLETED"


class Deadly(FakeSource):
    """Ends the worker that reads what it says of one company."""

    def parse(self, payload, wanted):
        if b"666" in payload.body:
            raise KeyboardInterrupt
        return super().parse(payload, wanted)


def test_of_items_that_died_together_only_the_one_that_ends_its_workers_is_given_up(fakes) -> None:
    domains = [f"a{n}.com" for n in range(60)]
    answers = {domain.replace(".", "_"): {"headcount": 5} for domain in domains}
    run = begin(fakes, domains, source=Deadly(**answers | {"a40_com": {"headcount": 666}}))
    for _ in range(suspects.MOST_STARTS):
        with pytest.raises(KeyboardInterrupt):
            work(run)
        runs.sweep(timezone.now() + HOUR)
    work(run)
    assert RunItem.objects.filter(state="completed").count() == 59
    assert RunItem.objects.values_list("account__domain", flat=True).get(state="failed") == "a40.com"
    assert sorted(fakes["fake"].asked) == sorted(domains)


def test_who_was_not_there_when_a_worker_ended_does_not_go_with_who_was(fakes) -> None:
    run = begin(fakes, ["a.com", "b.com", "c.com"])
    RunItem.objects.filter(account__domain="b.com").update(starts=3)
    assert [len(Hold(run, 10).items) for _ in range(2)] == [2, 1]
    assert dict(RunItem.objects.values_list("account__domain", "starts")) == {
        "a.com": 1,
        "b.com": 4,
        "c.com": 1,
    }


def test_items_that_died_together_often_still_go_several_together(fakes) -> None:
    run = begin(fakes, [f"a{n}.com" for n in range(40)])
    assert [die(run, 100) for _ in range(5)] == [40, 40, 32, 16, 8]


def test_a_question_is_in_doubt_as_soon_as_nobody_works_on_its_run(fakes) -> None:
    run = begin(fakes, ["a.com", "b.com"], cost=2)
    Hold(run, 10)
    lookup = ask_one(run, "a.com")
    soon = timezone.now() + timedelta(seconds=5)
    runs.sweep(soon)
    assert Lookup.objects.get(pk=lookup).state == "sent"

    RunItem.objects.update(lease_until=timezone.now() - HOUR)
    runs.sweep(soon)
    assert Lookup.objects.get(pk=lookup).state == "uncertain"
    assert set(Budget.objects.values_list("reserved", flat=True)) == {0}
    work(run)
    assert fakes["fake"].asked == ["b.com"]


def test_an_answer_after_its_worker_was_taken_for_dead_settles_what_it_cost(fakes) -> None:
    run = begin(fakes, ["a.com"], cost=2)
    source = EnrichmentSource.objects.get()
    lookup = ask_one(run, "a.com")
    ledger.sweep(timezone.now() + HOUR, {}, worked_on=())
    spent = Budget.objects.filter(scope__startswith="run:")
    assert spent.values_list("reserved", "spent").get() == (0, 2)

    ledger.store([(lookup, Payload(status=404, body=b"null"))])
    ledger.close(source, [(lookup, Lookup.State.APPLIED, 0, "")])
    assert spent.values_list("reserved", "spent").get() == (0, 0)
    assert Lookup.objects.get().cost == 0


def test_a_chunk_that_is_given_up_goes_on_elsewhere_and_asks_nothing_twice(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LOOKS_APART", 0)
    domains = [f"a{n}.com" for n in range(40)]
    run = begin(fakes, domains, cost=1)
    looks = iter([False] * 3)
    runs.work(run.pk, until=lambda: bool(fakes["fake"].asked), gives_up=lambda: next(looks, True))
    assert set(RunItem.objects.values_list("state", "starts")) == {("queued", 0)}
    assert 0 < len(fakes["fake"].asked) < len(domains)
    work(run)
    assert states() == {"completed"}
    assert sorted(fakes["fake"].asked) == sorted(domains)


def test_a_long_chunk_gives_signs_of_life(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWS_EVERY", 0)
    run = begin(fakes, ["a.com"])
    signs: list[int] = []
    work(run, on_chunk=lambda: signs.append(1))
    assert len(signs) > 1


class Refusing(FakeSource):
    """Charges for an answer that nobody understands."""

    def parse(self, payload, wanted):
        raise PayloadChanged("it says something else")


def test_what_was_refused_before_a_worker_ended_is_not_asked_and_paid_again(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(fakes, ["a.com"], cost=3, source=Refusing(a_com={"headcount": 5}))

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Chunk, "_close", end)
        work(run)
    runs.sweep(timezone.now() + HOUR)
    work(run)
    assert fakes["fake"].asked == ["a.com"]
    assert RunItem.objects.values_list("state", "reason").get() == ("failed", "it says something else")

    assert retrying.retry(run) == 1
    work(run)
    assert fakes["fake"].asked == ["a.com", "a.com"]


def test_an_item_closed_in_doubt_goes_on_when_the_answer_comes_home_after_all(fakes) -> None:
    run = begin(fakes, ["a.com", "b.com"], cost=2)
    late = Hold(run, 1)
    lookup = ask_one(run, "a.com")
    RunItem.objects.update(lease_until=timezone.now() - HOUR)
    runs.sweep(timezone.now() + timedelta(seconds=5))
    work(run)
    assert EnrichmentRun.objects.get().summary["sources"] == {"fake": {"skipped": 1, "found": 1}}

    ledger.store(
        [(lookup, fakes["fake"].answer("a.com"))]
    )  # who was taken for dead goes on where it stood still
    runs._work_on(run, late, lambda: None, lambda: False)
    assert EnrichmentRun.objects.get().status == "RUNNING"
    work(run)
    told = EnrichmentRun.objects.get().summary
    assert (told["sources"], told["credits"], told["values"]) == ({"fake": {"found": 2}}, {"fake": 4}, 2)
    assert fakes["fake"].asked == ["b.com", "a.com"]
    assert Lookup.objects.filter(state="applied").count() == 2


def test_a_worker_that_comes_home_late_speaks_against_no_item(fakes) -> None:
    run = begin(fakes, ["a.com"])
    late = Hold(run, 1)
    runs.sweep(timezone.now() + HOUR)
    Hold(run, 1)
    assert RunItem.objects.get().starts == 2
    runs._work_on(run, late, lambda: None, lambda: False)
    assert RunItem.objects.values_list("state", "starts").get() == ("processing", 1)


def test_what_was_refused_while_it_was_in_doubt_is_not_asked_and_paid_again(fakes) -> None:
    run = begin(fakes, ["a.com"], cost=3, source=Refusing(a_com={"headcount": 5}))
    lookup = ask_one(run, "a.com")
    ledger.sweep(timezone.now() + HOUR, {}, worked_on=())
    work(run)  # the item learns that its question is in doubt, and comes back for another source
    RunItem.objects.update(state="queued", not_before=timezone.now() - HOUR)
    EnrichmentRun.objects.update(status="RUNNING")
    source = EnrichmentSource.objects.get()
    ledger.store([(lookup, Payload(status=200, body=b"{}"))])  # who was taken for dead brings the answer home
    ledger.close(source, [(lookup, Lookup.State.FAILED, 3, "it says something else")])
    work(run)
    assert fakes["fake"].asked == []
    assert RunItem.objects.values_list("state", "reason").get() == ("failed", "it says something else")
    assert EnrichmentRun.objects.get().summary["credits"] == {"fake": 3}


@pytest.mark.django_db(transaction=True)
def test_a_run_calls_for_help_while_there_is_more_to_do(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_SMALLEST", 2)
    run = begin(fakes, ["a.com", "b.com", "c.com"])
    OrmQ.objects.all().delete()
    work(run)
    assert OrmQ.objects.count() == 1


def test_workers_are_told_when_the_rows_are_there(django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True) as told:
        runs.wake(7)
        assert not OrmQ.objects.exists()
    assert len(told) == OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_sweep_does_not_fill_the_queue_with_calls_to_the_same_run(fakes) -> None:
    begin(fakes, ["a.com"])
    for _ in range(20):
        runs.sweep(timezone.now())
    assert OrmQ.objects.count() == runs.MOST_WAITING


def test_who_works_sweeps_when_the_sweep_is_late(fakes) -> None:
    run = begin(fakes, ["a.com", "b.com"])
    Hold(run, 1)
    RunItem.objects.filter(state="processing").update(lease_until=timezone.now() - HOUR)
    heartbeats.mark(heartbeats.SWEEPER)
    tasks.work(run.pk)
    assert states() == {"processing", "completed"}

    Heartbeat.objects.update(at=timezone.now() - HOUR)
    tasks.work(run.pk)
    assert states() == {"completed"}


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_left_over_calls_help_unless_the_queue_is_full(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(fakes, ["a.com"])
    monkeypatch.setattr(tasks, "SHIFT", -1)
    for _ in range(3 * runs.MOST_WAITING):
        tasks.work(run.pk)
    assert OrmQ.objects.count() == runs.MOST_WAITING + 1


def test_what_was_recorded_before_a_worker_ended_is_settled_by_the_next(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(fakes, ["a.com", "b.com"], cost=2)
    del fakes["fake"].answers["b.com"]

    def end(source: EnrichmentSource, closed: list[object]) -> None:
        if closed:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ledger, "close", end)
        work(run)
    assert set(Lookup.objects.values_list("state", flat=True)) == {"answered"}
    runs.sweep(timezone.now() + HOUR)
    work(run)
    assert sorted(Lookup.objects.values_list("state", "cost")) == [("applied", 0), ("applied", 2)]
    assert set(Budget.objects.exclude(scope__startswith="money").values_list("reserved", "spent")) == {(0, 2)}


def test_an_answer_that_another_run_asked_for_is_settled_with_that_run(fakes) -> None:
    first = begin(fakes, ["a.com"], cost=2)
    lookup = ask_one(first, "a.com")
    ledger.store([(lookup, Payload(status=404, body=b"null"))])
    runs.cancel(first)
    second = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    Budget.objects.create(scope=f"run:{second.pk}", limit=None)
    work(second)
    assert fakes["fake"].asked == []
    assert set(Budget.objects.values_list("reserved", "spent")) == {(0, 0)}


def test_what_a_canceled_run_kept_and_never_applied_counts_as_spent(fakes) -> None:
    run = begin(fakes, ["a.com"], cost=2)
    lookup = ask_one(run, "a.com")
    ledger.store([(lookup, Payload(status=404, body=b"null"))])
    runs.cancel(run)
    runs.sweep(timezone.now() + timedelta(seconds=10))
    assert Lookup.objects.values_list("state", "cost", "reserved").get() == ("answered", 2, 0)
    assert Budget.objects.get(scope=f"run:{run.pk}").spent == 2


def test_a_worker_that_is_done_wakes_a_run_whose_message_was_lost(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(fakes, ["a.com"])
    second = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    paused = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.pause(paused)
    OrmQ.objects.all().delete()
    heartbeats.mark(heartbeats.SWEEPER)
    woken: list[int] = []
    monkeypatch.setattr(runs, "wake", woken.append)
    tasks.work(first.pk)
    assert woken == [second.pk]
    tasks.work(second.pk)
    assert woken == [second.pk]


class TakenOver(FakeSource):
    """Others take the items over while its answer is being read."""

    def parse(self, payload, wanted):
        RunItem.objects.update(fence=F("fence") + 1)
        return super().parse(payload, wanted)


def test_a_row_that_others_took_over_is_made_a_record_by_them_alone(fakes, tmp_path) -> None:
    fakes["fake"] = TakenOver(acme_com={"headcount": 5})
    make_source("fake", rank=10)
    file = tmp_path / "leads.csv"
    file.write_text("Company,Domain\nAcme,acme.com\n")
    run = import_file(file, name="leads.csv", unmatched="discard", enrich=True)
    over = iter((False, True))
    runs.work(run.pk, until=lambda: next(over))
    assert not Account.objects.exists()

    fakes["fake"] = FakeSource(acme_com={"headcount": 5})
    runs.sweep(timezone.now() + HOUR)
    work(run)
    assert Account.objects.get().domain == "acme.com"
