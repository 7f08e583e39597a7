"""Webhooks: what is told to whom, signed how, sent again when, and never to inner addresses."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from crm.models import IdealCustomerProfile, Sheet, SheetEntry
from enrichment import signals, webhooks
from enrichment.claims import pin, record, release, undo
from enrichment.models import (
    ApiTask,
    EnrichmentRun,
    Heartbeat,
    RunOrigin,
    Signal,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.webhooks import sending
from enrichment.webhooks.bodies import spoken
from enrichment.webhooks.results import backoff
from sources.attributes import Kind
from tests import factories as make
from tests.enrichment.receivers import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)
ALL = ["run.finished", "run.failed", "signal", "value"]


@pytest.fixture
def receiver(settings):
    with receiving(Receiver()) as found:
        settings.EGRESS_ALLOW = [found.netloc]
        yield found


@pytest.fixture
def source():
    signals.sync_rules()
    return make.make_source("crunchbase", rank=10)


@pytest.fixture
def account():
    return make.make_account(name="Acme", external_id="001", external_source="salesforce")


def make_endpoint(url: str, **fields) -> tuple[WebhookEndpoint, str]:
    """A saved endpoint and its secret."""
    endpoint = WebhookEndpoint(**({"name": "CRM", "url": url, "events": ALL} | fields))
    secret = webhooks.new_secret(endpoint)
    endpoint.save()
    return endpoint, secret


def ended(answers=(), status="COMPLETED", **fields) -> EnrichmentRun:
    """A run that got these answers, ended just now, and was looked at."""
    run = make.make_run(**({"started_at": timezone.now() - timedelta(seconds=125)} | fields))
    record(run=run.pk, kind=Kind.ACCOUNT, answers=list(answers))
    EnrichmentRun.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now())
    assert signals.scan(run.pk)
    return EnrichmentRun.objects.get(pk=run.pk)


def grow(account, source) -> EnrichmentRun:
    """Two runs: the second sees twice the headcount."""
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100, industry="Toys")])
    return ended([make.make_answer(account.pk, source.pk, 7, headcount=200, industry="Toys")])


def later(**time) -> None:
    """Let time pass for what waits."""
    delta = timedelta(**time)
    for row in WebhookDelivery.objects.all():
        assert row.next_at
        row.next_at -= delta
        row.since -= delta
        row.save()
    for endpoint in WebhookEndpoint.objects.exclude(paused_until=None):
        assert endpoint.paused_until
        endpoint.paused_until -= delta
        endpoint.save()


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


def test_messages_are_signed_with_the_secret(receiver):
    _, secret = make_endpoint(receiver.url)
    ended()
    webhooks.send()
    (message,) = receiver.messages
    assert Webhook(secret).verify(message.body, message.headers) == message.json
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(message.body + b" ", message.headers)
    assert secret not in WebhookEndpoint.objects.get().secret


def test_a_rotated_secret_and_the_one_before_are_valid_for_a_day(receiver):
    endpoint, first = make_endpoint(receiver.url)
    second = webhooks.rotate(endpoint)
    ended()
    webhooks.send()
    for secret in (first, second):
        Webhook(secret).verify(receiver.messages[0].body, receiver.messages[0].headers)

    WebhookEndpoint.objects.update(previous_until=timezone.now())
    ended()
    webhooks.send()
    Webhook(second).verify(receiver.messages[1].body, receiver.messages[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(receiver.messages[1].body, receiver.messages[1].headers)


def test_a_secret_outlives_a_replaced_secret_key(receiver, settings):
    _, secret = make_endpoint(receiver.url)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    ended()
    webhooks.send()
    Webhook(secret).verify(receiver.messages[0].body, receiver.messages[0].headers)

    settings.SECRET_KEY_FALLBACKS = []
    ended()
    webhooks.send()
    assert len(receiver.messages) == 1
    assert "rotate it" in WebhookDelivery.objects.get(state="pending").error


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


def test_a_message_comes_again_with_its_id_until_it_is_taken(receiver):
    statuses = iter([500, 404, 200])
    receiver.status = lambda message: next(statuses)
    make_endpoint(receiver.url)
    ended()
    assert webhooks.send() == 1
    assert webhooks.send() == 0, "it waits before the next try"
    for _ in range(2):
        later(hours=7)
        webhooks.send()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status) == ("delivered", 3, 200)
    assert [each["status"] for each in delivery.tries] == [500, 404, 200]
    assert len({each.id for each in receiver.messages}) == 1
    assert len({each.body for each in receiver.messages}) == 1


def test_tries_end_after_three_days(receiver):
    receiver.status = lambda message: 503
    make_endpoint(receiver.url)
    ended()
    tries = 0
    while WebhookDelivery.objects.get().state == "pending":
        tries += webhooks.send()
        later(hours=7)
        assert tries < 40
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.error) == ("failed", "it answered 503")
    assert 8 <= tries <= 20

    assert webhooks.replay(WebhookDelivery.objects.all()) == 1
    receiver.status = lambda message: 200
    later(hours=1)
    webhooks.send()
    assert WebhookDelivery.objects.get().state == "delivered"
    assert len({each.id for each in receiver.messages}) == 1


def test_waits_grow_and_differ():
    dice = random.Random(1)
    waits = [backoff(attempt, dice) for attempt in range(1, 20)]
    assert 4 <= waits[0] <= 6
    assert max(waits) <= 6 * 3600 * 1.2
    assert sum(waits) > 2 * 86_400, "about twenty tries reach over three days"
    assert len(set(waits[-5:])) == 5


def test_an_endpoint_is_asked_when_it_says_so(receiver):
    receiver.status, receiver.headers = lambda message: 429, {"Retry-After": "3600"}
    make_endpoint(receiver.url)
    ended()
    webhooks.send()
    assert WebhookDelivery.objects.get().next_at > timezone.now() + timedelta(minutes=59)


def test_an_endpoint_that_is_gone_is_turned_off(receiver):
    receiver.status = lambda message: 410
    make_endpoint(receiver.url)
    ended()
    ended()
    webhooks.send()
    ended()
    endpoint = WebhookEndpoint.objects.get()
    assert not endpoint.is_enabled
    assert "410" in endpoint.disabled_reason
    assert not WebhookDelivery.objects.filter(state="pending").exists()
    assert WebhookDelivery.objects.count() == 2


def test_redirects_are_not_followed(receiver):
    receiver.status, receiver.headers = lambda message: 307, {"Location": "http://127.0.0.1/"}
    make_endpoint(receiver.url)
    ended()
    webhooks.send()
    assert len(receiver.messages) == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status) == ("pending", 307)
    assert "redirects are not followed" in delivery.error


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{other}/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/latest"],
)  # fmt: skip
def test_inner_addresses_are_told_nothing(receiver, settings, url):
    settings.EGRESS_ALLOW = []
    address = url.format(other=receiver.port)
    make_endpoint(address)
    ended()
    webhooks.send()
    assert receiver.messages == []
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status) == ("pending", None)
    assert delivery.error
    with pytest.raises(webhooks.TargetRefused):
        webhooks.check_target(address)


def test_an_address_is_written_with_https():
    assert webhooks.check_target("https://Example.com/a?b=c") == "https://example.com/a?b=c"
    with pytest.raises(webhooks.TargetRefused, match="https only"):
        webhooks.check_target("http://example.com/")
    with pytest.raises(webhooks.TargetRefused, match="web address"):
        webhooks.check_target("example.com")


def test_one_endpoint_that_hangs_does_not_hold_up_the_others(receiver, settings, monkeypatch):
    monkeypatch.setattr(sending, "DEADLINE", 5.0)
    with receiving(Receiver(seconds=60)) as slow:
        settings.EGRESS_ALLOW = [receiver.netloc, slow.netloc]
        make_endpoint(slow.url, name="slow")
        for _ in range(6):
            ended()
        make_endpoint(receiver.url)
        for _ in range(6):
            ended()
        webhooks.send(until=lambda: len(receiver.messages) == 6)
        assert len(receiver.messages) == 6
        assert len(slow.messages) == sending.OF_ONE, "the others arrived while its first ones hang"
    of_slow = WebhookDelivery.objects.filter(endpoint__name="slow")
    assert of_slow.filter(state="pending").count() == 12
    assert "did not finish its answer within 5 s" in of_slow.exclude(error="")[0].error


def test_an_endpoint_that_fails_again_and_again_rests(receiver):
    receiver.status = lambda message: 500
    make_endpoint(receiver.url)
    for _ in range(20):
        ended()
    webhooks.send()
    endpoint = WebhookEndpoint.objects.get()
    assert 5 <= len(receiver.messages) <= 5 + sending.OF_ONE
    assert endpoint.paused_until and endpoint.paused_until > timezone.now()
    assert not webhooks.is_due()

    receiver.status = lambda message: 200
    later(minutes=1)
    assert webhooks.is_due()
    webhooks.send()
    assert list(WebhookEndpoint.objects.values_list("failures", "paused_until")) == [(0, None)]
    assert WebhookDelivery.objects.filter(state="delivered").count() == 20


def test_what_an_undone_run_changed_is_not_told(receiver, source, account):
    make_endpoint(receiver.url, events=["signal", "value"])
    run = grow(account, source)
    undo(run.pk)
    webhooks.send()
    assert receiver.messages == []
    assert set(WebhookDelivery.objects.values_list("state", "error")) == {("dropped", "its run was undone")}


def test_one_sender_works_at_a_time(receiver):
    make_endpoint(receiver.url)
    ended()
    Heartbeat.objects.create(name=sending.SENDER, at=timezone.now())
    assert webhooks.send() == 0
    assert webhooks.is_due()
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=1))
    assert webhooks.send() == 1


def test_what_is_old_is_given_up_and_forgotten(receiver):
    make_endpoint(receiver.url, is_enabled=True)
    ended()
    ended()
    first, second = WebhookDelivery.objects.order_by("pk")
    WebhookDelivery.objects.filter(pk=first.pk).update(since=timezone.now() - timedelta(days=4))
    WebhookDelivery.objects.filter(pk=second.pk).update(
        state="delivered", ended_at=timezone.now() - timedelta(days=31)
    )
    webhooks.tidy()
    (left,) = WebhookDelivery.objects.all()
    assert (left.pk, left.state, left.error) == (first.pk, "failed", "nobody took it within three days")


@pytest.mark.parametrize(("seconds", "text"), [(45.4, "45s"), (125, "2m 5s"), (3601, "1h 0m")])
def test_durations_are_spoken(seconds, text):
    assert spoken(seconds) == text


@time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False)
def test_a_test_message_says_so(receiver):
    endpoint, _ = make_endpoint(receiver.url)
    delivery = webhooks.test_message(endpoint)
    assert delivery.event == "test"
    assert '"event_type":"test"' in delivery.body
