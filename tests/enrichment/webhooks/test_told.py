"""What is told to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from crm.models import IdealCustomerProfile, Sheet, SheetEntry
from enrichment import signals, webhooks
from enrichment.claims import pin, record, release
from enrichment.models import (
    ApiTask,
    EnrichmentRun,
    RunOrigin,
    Signal,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.undoing import undo
from enrichment.webhooks.bodies import spoken
from sources.attributes import Kind
from tests import factories as make
from tests.enrichment.webhooks.world import ended, grow, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_that_finished_is_told_as_v1_tells_it(receiver, source, account):
    profile = IdealCustomerProfile.objects.create(name="Enterprise")
    entry = SheetEntry.objects.create(sheet=Sheet.objects.create(name="T", profile=profile), account=account)
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    make_endpoint(receiver.url, events=["run.finished"])
    run = make.make_run(sheet=entry.sheet, summary={"credits": {"crunchbase": 3}}, started_at=timezone.now())
    run.items.create(position=1, account=account, state="completed")
    record(run=run.pk, kind=Kind.ACCOUNT, answers=[make.make_answer(account.pk, source.pk, 7, headcount=200)])
    assert run.started_at
    run.status, run.finished_at = "COMPLETED", run.started_at + timedelta(seconds=125)
    run.save()
    signals.sweep()
    assert webhooks.send() == 1

    (message,) = receiver.messages
    body = message.json
    assert set(body) == {"event_type", "timestamp", "data"}
    assert body["event_type"] == "run.enrich.completed"
    data = body["data"]
    assert (data["run_id"], data["icp_id"], data["icp_name"]) == (
        f"{run.pk:024x}",
        f"{profile.pk:024x}",
        "Enterprise",
    )
    assert (data["duration_seconds"], data["duration_formatted"], data["credits_used"]) == (125, "2m 5s", 3)
    assert data["resources"] == {
        "entities_created": [], "entities_updated": [f"{entry.pk:024x}"],
        "signals_created": [f"{Signal.objects.get().pk:024x}"],
    }  # fmt: skip
    assert (data["total_signals"], data["signal_breakdown"]) == (1, {"hiring_surge": 1})
    assert (data["error_message"], data["user_email"]) == (None, None)
    assert WebhookDelivery.objects.get().state == "delivered"


def test_a_failed_run_is_told_to_those_who_want_to_know(receiver):
    make_endpoint(receiver.url, events=["run.failed"])
    ended()
    ended(status="FAILED", error="The file has no rows.")
    webhooks.send()
    (message,) = receiver.messages
    assert message.json["event_type"] == "run.enrich.failed"
    assert message.json["data"]["error_message"] == "The file has no rows."


def test_a_signal_is_told_once(receiver, source, account):
    make_endpoint(receiver.url, events=["signal"])
    run = grow(account, source)
    EnrichmentRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    signals.sweep()
    webhooks.send()

    (message,) = receiver.messages
    signal = Signal.objects.get()
    data = message.json["data"]
    assert message.json["event_type"] == "signal.created"
    assert (data["id"], data["signal_type"], data["strength"]) == (
        f"{signal.pk:024x}",
        "hiring_surge",
        "HIGH",
    )
    assert data["summary"] == "Acme: headcount rose by 100 % from 100 to 200."
    assert data["references"] == ["https://example.com/7", "https://example.com/0"]
    told = data["metadata"]
    assert (told["external_id"], told["record_type"], told["record_id"]) == (
        "001",
        "account",
        f"{account.pk:024x}",
    )
    assert (data["icp_id"], data["entity_ids"]) == ("", [])
    assert (told["old"]["value"], told["new"]["value"], told["new"]["at"]) == (
        100,
        200,
        "2026-01-12T10:00:00Z",
    )


def test_an_event_has_one_id_at_all_endpoints(receiver, source, account):
    for name in ("CRM", "Warehouse"):
        make_endpoint(receiver.url, name=name, events=["run.finished", "signal"])
    grow(account, source)
    webhooks.send()
    ids = [each.id for each in receiver.messages]
    assert (len(ids), len(set(ids))) == (6, 3), "two runs and a signal, for each of two endpoints"


def test_changed_values_are_told_by_attribute(receiver, source, account):
    make_endpoint(receiver.url, events=["value"], attributes=["headcount"])
    make_endpoint(receiver.url, name="All", events=["value"], first_values=True)
    grow(account, source)
    webhooks.send()

    told = [
        (each.json["data"]["attribute"], each.json["data"]["old"], each.json["data"]["new"])
        for each in receiver.messages
    ]
    assert sorted(told, key=str) == [
        ("headcount", 100, 200), ("headcount", 100, 200), ("headcount", None, 100), ("industry", None, "Toys"),
    ]  # fmt: skip
    of_change = [each for each in receiver.messages if each.json["data"]["old"] == 100]
    assert len({each.id for each in of_change}) == 1
    assert of_change[0].json["data"]["external_id"] == "001"


def test_what_a_person_pins_and_releases_is_told(receiver, source, account):
    make.make_writer("user", rank=1)
    grow(account, source)
    make_endpoint(receiver.url, events=["value"], attributes=["headcount"])
    for value in ("250", "250"):
        with webhooks.telling(account, "headcount"):
            pin(account, "headcount", value, user="olive")
    with webhooks.telling(account, "industry"):
        pin(account, "industry", "Games", user="olive")
    with webhooks.telling(account, "headcount"):
        release(account, "headcount")
    with pytest.raises(ValueError), webhooks.telling(account, "headcount"):
        pin(account, "headcount", "many", user="olive")
    webhooks.send()

    told = [
        (each.json["data"]["old"], each.json["data"]["new"], each.json["data"]["source"])
        for each in receiver.messages
    ]
    assert sorted(told) == [(200, 250, "user"), (250, 200, "crunchbase")]
    assert {each.json["data"]["run_id"] for each in receiver.messages} == {None}


def test_an_undo_is_told_once_when_the_values_are_back(receiver, source, account):
    make_endpoint(receiver.url, events=["run.undone"])
    make_endpoint(receiver.url, name="Others", events=["run.finished", "run.failed", "value"])
    run = grow(account, source)
    for _ in range(2):
        undo(run)
    webhooks.send()
    (message,) = [each for each in receiver.messages if each.json["event_type"] == "run.enrich.undone"]
    account.refresh_from_db()
    assert account.value("headcount") == 100
    data = message.json["data"]
    assert (data["run_id"], data["status"], data["undone_at"]) == (
        f"{run.pk:024x}", "COMPLETED", message.json["timestamp"],
    )  # fmt: skip
    assert (data["total_signals"], data["resources"]["signals_created"]) == (0, [])

    WebhookDelivery.objects.all().delete()
    EnrichmentRun.objects.update(undone_at=timezone.now() - timedelta(days=31))
    undo(run)
    assert not WebhookDelivery.objects.exists(), "what was told a month ago is forgotten, and not told again"


def test_an_endpoint_hears_of_nothing_before_it_and_nothing_while_it_is_off(receiver):
    run = ended()
    make_endpoint(receiver.url, name="off", is_enabled=False)
    make_endpoint(receiver.url)
    EnrichmentRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    signals.sweep()
    assert not WebhookDelivery.objects.exists()
    ended(asks=False)
    assert not WebhookDelivery.objects.exists(), "a single value written over the API is no run to tell of"


def test_a_task_hears_of_its_own_runs(receiver, settings):
    task = ApiTask.objects.create(name="T", flow="ingest", deployment="main")
    before = timezone.now() - timedelta(minutes=2)
    run = make.make_run(status="COMPLETED", finished_at=before)
    RunOrigin.objects.create(run=run, task=task, config={"webhook_url": receiver.url})
    inner = make.make_run(status="COMPLETED", finished_at=before)
    RunOrigin.objects.create(run=inner, task=task, config={"webhook_url": "https://10.0.0.1/hook"})
    ended()
    signals.sweep()
    webhooks.send()
    (message,) = receiver.messages
    assert message.json["event_type"] == "run.ingest.completed"
    assert message.json["data"]["run_id"] == f"{run.pk:024x}"
    assert WebhookEndpoint.objects.get().is_of_tasks


def test_what_an_undone_run_changed_is_not_told(receiver, source, account):
    make_endpoint(receiver.url, events=["signal", "value"])
    run = grow(account, source)
    undo(run)
    webhooks.send()
    assert receiver.messages == []
    assert set(WebhookDelivery.objects.values_list("state", "error")) == {("dropped", "its run was undone")}


@pytest.mark.parametrize(("seconds", "text"), [(45.4, "45s"), (125, "2m 5s"), (3601, "1h 0m")])
def test_durations_are_spoken(seconds, text):
    assert spoken(seconds) == text


@time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False)
def test_a_test_message_says_so(receiver):
    endpoint, _ = make_endpoint(receiver.url)
    delivery = webhooks.test_message(endpoint)
    assert delivery.event == "test"
    assert '"event_type":"test"' in delivery.body
