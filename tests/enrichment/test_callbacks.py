"""Answers that come later: through the door for callbacks, by asking again, or not in time."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.utils import timezone

from crm.models import Account
from enrichment import callbacks, late, ledger, runs
from enrichment.models import AttributeValue, Budget, EnrichmentRun, EnrichmentSource, Lookup, RunItem
from sources.attributes import Kind
from sources.contract import Limits, Pending
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
ANSWER = {"domain": "acme.com", "headcount": 120}


class Slow(FakeSource):
    """Says that the answer comes later; when polled it answers from its table."""

    limits = Limits(late=3600)
    poll_in: float | None = None

    def fetch(self, call, http):
        (question,) = call.questions
        if question.token:
            return super().fetch(call, http)
        self.asked.append(question.callback_url)
        return [Pending(token="job-7", poll_in=self.poll_in)]


@pytest.fixture(autouse=True)
def no_naps(monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes) -> EnrichmentSource:
    fakes["fake"] = Slow(acme_com={"headcount": 120})
    return make_source("fake", cadence="monthly", cost=3)


@pytest.fixture
def account(source) -> Account:
    return make_account(name="Acme", domain="acme.com")


@pytest.fixture
def run(account) -> EnrichmentRun:
    """A run whose only item waits for a late answer."""
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    work(run)
    assert run.items.get().state == "waiting"
    return run


def work(run: EnrichmentRun) -> None:
    while runs.work(run.pk, until=lambda: False):
        pass
    run.refresh_from_db()


def deliver(client, fakes, body=ANSWER, **headers):
    path = urlsplit(fakes["fake"].asked[0]).path
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(path, text, content_type="application/json", **headers)


def headcounts() -> list[object]:
    return list(AttributeValue.objects.filter(attribute="headcount").values_list("value", flat=True))


def test_a_late_answer_completes_its_item(client, fakes, run, account):
    assert Lookup.objects.get().state == "waiting"
    assert deliver(client, fakes).status_code == 202
    work(run)
    account.refresh_from_db()
    assert account.current_values["headcount"]["value"] == 120
    assert (run.items.get().state, run.status) == ("completed", "COMPLETED")
    assert (Lookup.objects.get().state, Lookup.objects.get().cost) == ("applied", 3)


def test_a_run_stays_open_while_an_item_waits(run):
    assert run.status == "RUNNING"
    runs.sweep(timezone.now())
    late.sweep(timezone.now())
    run.refresh_from_db()
    assert (run.status, run.items.get().state) == ("RUNNING", "waiting")


def test_a_doubled_answer_is_written_once(client, fakes, run):
    codes = [deliver(client, fakes).status_code for _ in range(5)]
    work(run)
    again = deliver(client, fakes, {"domain": "acme.com", "headcount": 999})
    work(run)
    assert codes == [202, 200, 200, 200, 200]
    assert again.status_code == 200
    assert headcounts() == [120]


def test_an_answer_that_is_faster_than_our_note_of_it_is_kept(client, fakes, run):
    Lookup.objects.update(state="sent")
    item = run.items.get()
    assert deliver(client, fakes).status_code == 202
    ledger.wait_for([(Lookup.objects.get().pk, Pending(token="job-7"))])
    RunItem.objects.update(state="waiting", waits_for=item.waits_for)
    late.sweep(timezone.now())
    work(run)
    assert headcounts() == [120]
    assert run.status == "COMPLETED"


def test_no_answer_in_time_is_a_clear_outcome_and_counts_as_spent(run):
    late.sweep(timezone.now() + timedelta(hours=2))
    work(run)
    item = run.items.get()
    assert (item.state, run.status) == ("failed", "COMPLETED")
    assert item.reason == "no answer within 1 hours; it may still come"
    assert Lookup.objects.get().state == "uncertain"
    assert Budget.objects.get(scope__startswith="source:").spent == 3


def test_an_answer_after_its_time_is_not_lost(client, fakes, run):
    late.sweep(timezone.now() + timedelta(hours=2))
    work(run)
    assert deliver(client, fakes).status_code == 202
    work(run)
    assert headcounts() == [120]
    assert (run.items.get().state, Lookup.objects.get().state) == ("completed", "applied")
    assert Budget.objects.get(scope__startswith="source:").spent == 3


def test_the_answer_to_a_question_whose_worker_died_is_not_lost(client, fakes, run, account):
    RunItem.objects.update(
        state="processing", lease_until=timezone.now() - timedelta(hours=1), waits_for=None
    )
    Lookup.objects.update(state="sent", token="", sent_at=timezone.now() - timedelta(hours=1))
    RunItem.objects.update(outcomes={}, not_before=None)
    runs.sweep(timezone.now())
    work(run)
    assert (run.items.get().state, Lookup.objects.get().state) == ("skipped", "uncertain")
    assert deliver(client, fakes).status_code == 202
    work(run)
    assert headcounts() == [120]
    assert (run.items.get().state, Lookup.objects.get().state) == ("completed", "applied")
    assert run.summary["credits"] == {"fake": 3}


def test_an_answer_after_a_newer_one_is_history(client, fakes, run, account):
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
        late.sweep(timezone.now())
        work(run)
        Lookup.objects.update(state="failed")
        fakes["fake"] = FakeSource(acme_com={"headcount": 130})
        second = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
        work(second)
        path = callbacks.url_of(Lookup.objects.earliest("pk").pk)
        client.post(urlsplit(path).path, json.dumps(ANSWER), content_type="application/json")
        work(run)
    account.refresh_from_db()
    assert account.current_values["headcount"]["value"] == 130
    assert set(headcounts()) == {120, 130}


def test_an_answer_after_the_run_was_canceled_is_kept_for_the_next_run(client, fakes, run):
    runs.cancel(run)
    assert deliver(client, fakes).status_code == 202
    run.refresh_from_db()
    assert (run.status, run.items.get().state, headcounts()) == ("CANCELED", "canceled", [])
    second = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    work(second)
    assert headcounts() == [120]
    assert len(fakes["fake"].asked) == 1


def test_an_answer_about_a_deleted_account_makes_nothing_new(client, fakes, run, account):
    account.delete()
    assert deliver(client, fakes).status_code == 202
    work(run)
    assert not Account.objects.exists()
    assert run.items.get().state == "discarded"
    assert Lookup.objects.get().state == "answered"


@pytest.mark.parametrize(
    "body", ["hello", "[]", "", "[" * 100_000, '"text"', "1" * 5000], ids=lambda body: body[:5] or "empty"
)
def test_a_body_that_is_no_object_is_refused(client, fakes, run, body):
    assert deliver(client, fakes, body).status_code == 400
    assert Lookup.objects.get().state == "waiting"


def test_only_the_token_opens_the_door(client, fakes, run):
    path = urlsplit(fakes["fake"].asked[0]).path
    forged = path[:-1] + ("0" if path[-1] != "0" else "1")
    assert client.post(forged, "{}", content_type="application/json").status_code == 404
    other = path.replace(f"/{Lookup.objects.get().pk}/", "/999999/")
    assert client.post(other, "{}", content_type="application/json").status_code == 404
    assert client.get(path).status_code == 405
    assert deliver(client, fakes, "{" + " " * 1_000_001).status_code == 413
    assert Lookup.objects.get().state == "waiting"


def test_a_refused_answer_leaves_its_token_in_no_log(client, fakes, run, caplog):
    path = urlsplit(fakes["fake"].asked[0]).path
    assert client.post(path, b"[", content_type="application/json").status_code == 400
    refused = client.get(path)
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert path.rpartition("/")[2] not in caplog.text


def test_a_replaced_secret_key_still_opens_the_door(client, fakes, run, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-one"
    assert deliver(client, fakes).status_code == 202


def test_signed_messages_of_the_corpus(client, fakes, run, shared, monkeypatch):
    path = urlsplit(fakes["fake"].asked[0]).path
    lines = (shared / "corpora" / "callbacks" / "messages.jsonl").read_text().splitlines()
    wrong = []
    for line in lines:
        case = json.loads(line)
        if "lookup" in case["name"]:
            continue  # whom an answer is for is told by the address here, not by the body
        Lookup.objects.update(state="waiting", body=None)
        monkeypatch.setenv("FAKE_CALLBACK_SECRET", f"{case['secret']},{case['old_secret']}")
        coding = "utf-16" if "UTF-16" in case["expect"] else "utf-8"
        with time_machine.travel(case["clock"], tick=False):
            sent = {
                f"HTTP_{name.upper().replace('-', '_')}": value for name, value in case["headers"].items()
            }
            code = client.post(
                path, case["body"].encode(coding), content_type="application/json", **sent
            ).status_code
        expected = case["expect"][0]
        is_taken = Lookup.objects.get().state == "answered"
        if str(code)[0] != expected or is_taken != (expected == "2"):
            wrong.append((case["name"], case["expect"], code, case["note"]))
    assert not wrong
    assert len(lines) > 10


def test_an_answer_that_has_to_be_fetched_is_asked_for_when_it_is_due(fakes, source, account):
    fakes["fake"].poll_in = 300.0
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    work(run)
    late.sweep(timezone.now())
    work(run)
    assert run.items.get().state == "waiting"
    Lookup.objects.update(poll_at=timezone.now() - timedelta(seconds=1))
    late.sweep(timezone.now())
    work(run)
    assert headcounts() == [120]
    assert Lookup.objects.count() == 1
    assert Lookup.objects.get().state == "applied"
    assert RunItem.objects.get().state == "completed"
