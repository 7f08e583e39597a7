"""Messages are sent until they are taken, each endpoint by itself."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from enrichment import webhooks
from enrichment.models import (
    Heartbeat,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.webhooks import sending
from enrichment.webhooks.results import backoff
from tests.enrichment.webhooks.receivers import Receiver, receiving
from tests.enrichment.webhooks.world import ended, later, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


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
