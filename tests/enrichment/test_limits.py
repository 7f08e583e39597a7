"""One pace for all workers, pauses, the circuit breaker, and items that come back."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import Account
from enrichment import limits, runs
from enrichment.asking import Asker
from enrichment.models import AttributeValue, EnrichmentRun, EnrichmentSource, Lookup, RunItem, Throttle
from sources.attributes import Kind
from sources.contract import Pending, Subject
from sources.errors import RateLimited, SourceRefused, SourceUnavailable
from tests.factories import make_account, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
UNAVAILABLE = SourceUnavailable("no answer within 20 s")


class Vendor(FakeSource):
    """A source with an address of its own; errors are raised in turn before it answers."""

    base_url = "https://vendor.example"

    seconds = 0.02

    def __init__(self, *errors: Exception, **answers) -> None:
        super().__init__(**answers)
        self.errors = list(errors)

    def fetch(self, call, http):
        time.sleep(self.seconds)
        if self.errors:
            self.asked.append(call.subject.domain)
            raise self.errors.pop(0)
        return super().fetch(call, http)


@pytest.fixture(autouse=True)
def no_naps(monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes):
    fakes["fake"] = Vendor()
    return make_source("fake", cadence="monthly")


def start(**wishes) -> EnrichmentRun:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), **wishes)
    runs.work(run.pk, until=lambda: False)
    return run


def go_on(run: EnrichmentRun) -> None:
    """Let time pass until everything parked or paused may go on."""
    past = timezone.now() - timedelta(seconds=1)
    RunItem.objects.exclude(not_before=None).update(not_before=past)
    EnrichmentSource.objects.exclude(paused_until=None).update(paused_until=past)
    runs.work(run.pk, until=lambda: False)


def test_calls_get_evenly_spaced_slots_and_no_more_than_may_start_soon(source):
    first = limits.admit(source, 60, 10)
    assert [round(delay) for delay in first.delays] == [0, 1, 2, 3, 4, 5]
    assert limits.admit(source, 60, 10).delays == ()
    again = limits.admit(source, 60, 10).again_at
    assert again is not None
    assert 5 < (again - timezone.now()).total_seconds() < 6.5


def test_a_source_without_a_limit_waits_for_nothing(source):
    assert limits.admit(source, None, 3).delays == (0, 0, 0)


def test_what_is_beyond_the_pace_is_parked_and_comes_back(fakes, source):
    EnrichmentSource.objects.update(per_minute=6000)
    fakes["fake"] = FakeSource(**{f"a{n}_com": {"headcount": n + 1} for n in range(5)})
    for number in range(5):
        make_account(domain=f"a{number}.com")
    Throttle.objects.create(source=source, next_at=timezone.now() + timedelta(seconds=8))
    run = start()
    assert set(run.items.values_list("state", flat=True)) == {"queued"}
    assert "calls a minute" in run.items.all()[0].reason
    assert not fakes["fake"].asked
    Throttle.objects.update(next_at=None)
    began = time.monotonic()
    go_on(run)
    assert len(fakes["fake"].asked) == 5
    assert time.monotonic() - began < 6
    assert EnrichmentRun.objects.get().status == "COMPLETED"


def test_calls_keep_the_pace_whoever_makes_them(fakes, source):
    EnrichmentSource.objects.update(per_minute=600)
    fakes["fake"] = FakeSource(**{f"a{n}_com": {"headcount": n + 1} for n in range(20)})
    for number in range(20):
        make_account(domain=f"a{number}.com")
    began = time.monotonic()
    start(parallel=1)
    assert len(fakes["fake"].asked) == 20
    assert 1.5 < time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("retry_after", "low", "high"), [(30.0, 29, 31), (0.0, 0.5, 1.5), (None, 1, 3), (10**9, 86_000, 86_401)]
)
def test_a_pause_is_honoured_with_a_floor_and_a_ceiling(source, retry_after, low, high):
    until = limits.note_error(source, RateLimited("slow down", retry_after=retry_after), has_one_address=True)
    assert until is not None
    assert low <= (until - timezone.now()).total_seconds() <= high
    assert limits.admit(source, None, 1).delays == ()


def test_a_rate_limited_question_waits_and_is_asked_again(fakes, source):
    fakes["fake"] = Vendor(RateLimited("slow down", retry_after=30), acme_com={"headcount": 5})
    make_account(domain="acme.com")
    run = start()
    item = run.items.get()
    assert (item.state, item.starts) == ("queued", 0)
    assert Lookup.objects.get().cost == 0
    runs.work(run.pk, until=lambda: False)
    assert len(fakes["fake"].asked) == 1
    go_on(run)
    assert AttributeValue.objects.get(attribute="headcount").value == 5
    assert EnrichmentSource.objects.get().paused_until is None


def test_failures_in_a_row_open_the_breaker_and_one_answer_closes_it(fakes, source):
    fakes["fake"] = Vendor(*[UNAVAILABLE] * 5, **{f"a{n}_com": {"headcount": n + 1} for n in range(30)})
    for number in range(30):
        make_account(domain=f"a{number}.com")
    fakes["fake"].seconds = 0.2
    run = start(parallel=1)
    paused = EnrichmentSource.objects.get()
    assert paused.paused_until is not None
    assert "5 failures in a row" in paused.paused_reason
    assert len(fakes["fake"].asked) <= 8
    fakes["fake"].seconds = 0.02
    go_on(run)
    assert EnrichmentSource.objects.get().paused_until is None
    for _ in range(3):
        go_on(run)
    assert set(run.items.values_list("state", flat=True)) == {"completed"}


def test_a_half_open_source_gets_one_call(source):
    EnrichmentSource.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    source.refresh_from_db()
    assert len(limits.admit(source, None, 50).delays) == 1


def test_nobody_waits_for_a_source_that_fails_for_hours(fakes, source):
    Throttle.objects.create(source=source, failures=9, failing_since=timezone.now() - timedelta(hours=2))
    EnrichmentSource.objects.update(paused_until=timezone.now() + timedelta(minutes=20), paused_reason="down")
    make_account(domain="acme.com")
    run = start()
    assert (run.items.get().state, EnrichmentRun.objects.get().status) == ("skipped", "COMPLETED")
    assert "is paused: down" in run.items.get().reason


def test_a_slow_source_does_not_keep_the_others_back(fakes, source):
    fakes["fake"] = Vendor(RateLimited("slow down", retry_after=60))
    fakes["other"] = FakeSource("other", acme_com={"industry": "Fintech"})
    make_source("other", cadence="monthly", rank=200)
    account = make_account(domain="acme.com")
    run = start()
    account.refresh_from_db()
    assert account.current_values["industry"]["value"] == "Fintech"
    go_on(run)
    item = run.items.get()
    assert item.state == "completed"
    assert {slug: entry["outcome"] for slug, entry in item.outcomes.items()} == {
        "fake": "not_found", "other": "found",
    }  # fmt: skip
    assert len(fakes["other"].asked) == 1


def test_a_source_for_gaps_waits_for_the_better_one(fakes, source):
    fakes["fake"] = Vendor(
        RateLimited("slow down", retry_after=60), acme_com={"headcount": 5, "industry": "X"}
    )
    fakes["backup"] = FakeSource("backup", acme_com={"headcount": 9, "industry": "Y"})
    make_source("backup", cadence="monthly", rank=200, only_when_missing=True, cost=1)
    make_account(domain="acme.com")
    run = start()
    go_on(run)
    assert not fakes["backup"].asked
    assert run.items.get().outcomes["backup"]["reason"].startswith("not needed")


def test_a_refused_key_pauses_the_source_and_fails_without_waiting(fakes, source):
    fakes["fake"] = Vendor(SourceRefused("the key is not valid"))
    make_account(domain="acme.com")
    run = start()
    assert (run.items.get().state, EnrichmentRun.objects.get().status) == ("failed", "COMPLETED")
    assert EnrichmentSource.objects.get().paused_reason == "the key is not valid"


def test_a_run_that_is_stopped_sends_nothing_more_within_two_seconds(fakes, source):
    fakes["fake"] = Vendor()
    fakes["fake"].seconds = 0.2
    run = make_run()
    (step,) = runs.plan_for(Kind.ACCOUNT).steps
    subjects = {str(number): Subject(domain=f"a{number}.com") for number in range(200)}
    began = time.monotonic()
    asker = Asker(
        step, run=run.pk, parallel=2, wanted={}, catalogue={}, alive=lambda: time.monotonic() - began < 1,
        held=lambda: True,
    )  # fmt: skip

    replies = asker.ask(subjects)

    assert time.monotonic() - began < 10  # all of them take 20 s
    assert len(fakes["fake"].asked) < 30
    assert set(replies) == set(subjects)
    assert not Lookup.objects.filter(state="sent").exists()
    assert Lookup.objects.filter(state="released").count() == 200 - len(fakes["fake"].asked)


def test_failures_with_answers_between_them_pause_nothing(fakes, source, monkeypatch):
    monkeypatch.setattr(limits, "retry_at", lambda error: timezone.now() + timedelta(hours=1))
    fakes["fake"] = Vendor(**{f"a{n}_com": {"headcount": n + 1} for n in range(0, 24, 2)})
    for number in range(24):
        make_account(domain=f"a{number}.com")
        if number % 2:
            fakes["fake"].answers[f"a{number}.com"] = UNAVAILABLE
    start(parallel=1)
    assert EnrichmentSource.objects.get().paused_until is None
    assert Throttle.objects.get().failures <= 1


def test_calls_that_fail_together_are_one_failure_and_do_not_shorten_the_pause(source):
    until = limits.note_error(source, RateLimited("slow down", retry_after=60), has_one_address=True)
    for error in (RateLimited("slow down"), RateLimited("slow down", retry_after=1), UNAVAILABLE):
        assert limits.note_error(source, error, has_one_address=True) == until
    assert EnrichmentSource.objects.get().paused_until == until
    assert Throttle.objects.get().failures == 1
    later = limits.note_error(source, RateLimited("slow down", retry_after=90), has_one_address=True)
    assert later is not None and until is not None and later > until


def test_a_breaker_that_opens_again_stays_open_for_twice_as_long(source):
    seconds = []
    for failures in range(1, 9):
        until = limits.note_error(source, UNAVAILABLE, has_one_address=True)
        assert (until is None) == (failures < limits.BREAKS_AFTER)
        if until:
            seconds.append((until - timezone.now()).total_seconds())
        EnrichmentSource.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    assert [round(each / 32 / 2**number, 1) for number, each in enumerate(seconds)] == [
        pytest.approx(1, abs=0.3)
    ] * 4


def test_an_answer_to_an_earlier_question_does_not_end_a_pause(source):
    until = limits.note_error(source, RateLimited("slow down", retry_after=60), has_one_address=True)
    limits.note_answer(source)
    assert EnrichmentSource.objects.get().paused_until == until
    EnrichmentSource.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    limits.note_answer(source)
    assert EnrichmentSource.objects.get().paused_until is None
    assert Throttle.objects.get().failures == 0


def test_a_kept_answer_does_not_end_a_pause(fakes, source):
    fakes["fake"] = Vendor(acme_com={"headcount": 5})
    make_account(domain="acme.com")
    start()
    until = timezone.now() + timedelta(minutes=5)
    EnrichmentSource.objects.update(paused_until=until, paused_reason="slow down")
    make_account(name="Its other entry", domain="acme.com")
    start()
    assert len(fakes["fake"].asked) == 1
    assert EnrichmentSource.objects.get().paused_until == until


def test_a_source_that_answers_later_is_no_longer_paused_once_it_takes_a_question(fakes, source):
    class Later(Vendor):
        def fetch(self, call, http):
            self.asked.append(call.subject.domain)
            return [Pending(token=call.subject.domain)]

    fakes["fake"] = Later()
    EnrichmentSource.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    for number in range(5):
        make_account(domain=f"a{number}.com")
    start()
    assert len(fakes["fake"].asked) == 5
    assert EnrichmentSource.objects.get().paused_until is None


def test_one_site_of_many_that_asks_for_a_pause_holds_back_its_own_question_only(fakes, source):
    busy = RateLimited("slow down", retry_after=600, is_of_one_site=True)
    fakes["fake"] = FakeSource(a0_com=busy, a1_com={"headcount": 2}, a2_com={"headcount": 3})
    accounts = [make_account(domain=f"a{number}.com") for number in range(3)]
    run = start(parallel=1)
    assert EnrichmentSource.objects.get().paused_until is None
    assert sorted(run.items.values_list("state", flat=True)) == ["completed", "completed", "queued"]
    waiting = run.items.get(account=accounts[0])
    assert waiting.not_before is not None
    assert 590 < (waiting.not_before - timezone.now()).total_seconds() < 601
