"""Messages are signed, and go to no inner address."""

from __future__ import annotations

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from enrichment import webhooks
from enrichment.models import (
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.enrichment.webhooks.world import ended, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


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
