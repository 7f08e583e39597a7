"""Webhook endpoints and their log in the admin."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook

from enrichment import signals, webhooks
from enrichment.models import EnrichmentRun, WebhookDelivery, WebhookEndpoint
from tests import factories as make
from tests import people
from tests.enrichment.webhooks.receivers import Receiver, receiving

pytestmark = pytest.mark.django_db
LIST, LOG = (
    reverse(f"admin:enrichment_{name}_changelist") for name in ("webhookendpoint", "webhookdelivery")
)
NEW = {
    "name": "CRM", "url": "https://crm.example.com/hook", "events": ["run.finished", "value"], "attributes": "Employees",
    "is_enabled": "on",
}  # fmt: skip


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def endpoint():
    row = WebhookEndpoint(name="CRM", url="https://crm.example.com/hook", events=["run.finished"])
    webhooks.new_secret(row)
    row.save()
    return row


def end_a_run() -> EnrichmentRun:
    run = make.make_run(status="COMPLETED", finished_at=timezone.now())
    assert signals.scan(run.pk)
    return run


def secret_on(page: str) -> str:
    (secret,) = set(re.findall(r"whsec_[\w+/=]+", unescape(page)))
    return str(secret)


def act(client, endpoint, what):
    return client.post(reverse("admin:enrichment_webhookendpoint_act", args=[endpoint.pk, what]), follow=True)


def test_a_new_endpoint_shows_its_secret_once(olive):
    page = olive.post(reverse("admin:enrichment_webhookendpoint_add"), NEW, follow=True).content.decode()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.events, endpoint.attributes) == (["run.finished", "value"], ["headcount"])
    secret = secret_on(page)
    assert Webhook(secret)
    assert (
        "whsec_"
        not in olive.get(
            reverse("admin:enrichment_webhookendpoint_change", args=[endpoint.pk])
        ).content.decode()
    )

    second = secret_on(act(olive, endpoint, "rotate").content.decode())
    assert second != secret
    endpoint.refresh_from_db()
    assert endpoint.previous_until and endpoint.previous_until > timezone.now()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "http://crm.example.com/"}, "webhooks go over https only"),
        ({"url": "https://localhost/hook"}, "localhost"),
        ({"url": "https://192.168.1.7/hook"}, "192.168.1.7"),
        ({"attributes": "shoe size"}, "There is no attribute shoe size."),
        ({"events": ["test"]}, "Select a valid choice"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(olive, changes, sentence):
    page = olive.post(reverse("admin:enrichment_webhookendpoint_add"), NEW | changes).content.decode()
    assert sentence in unescape(page)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_is_tested_logged_and_sent_again(olive, settings):
    with receiving(Receiver(status=lambda message: 500)) as receiver:
        settings.EGRESS_ALLOW = [receiver.netloc]
        olive.post(reverse("admin:enrichment_webhookendpoint_add"), NEW | {"url": receiver.url})
        page = act(olive, WebhookEndpoint.objects.get(), "test").content.decode()
        assert "It was not sent yet." in page
        webhooks.send()
        delivery = WebhookDelivery.objects.get()
        url = reverse("admin:enrichment_webhookdelivery_change", args=[delivery.pk])
        page = unescape(olive.get(url).content.decode())
        assert "UTC: it answered 500" in page
        assert '"event_type": "test"' in page
        assert "it answered 500" in olive.get(LOG).content.decode()

        receiver.status = lambda message: 200
        replay = reverse("admin:enrichment_webhookdelivery_replay", args=[delivery.pk])
        assert olive.get(replay).status_code == 405
        assert "sent again" in olive.post(replay, follow=True).content.decode()
        webhooks.send()
        olive.post(LOG, {"action": "send_again", "_selected_action": [delivery.pk]})
        webhooks.send()
    delivery.refresh_from_db()
    assert [each["status"] for each in delivery.tries] == [500, 200, 200]
    assert len({each.id for each in receiver.messages}) == 1


def test_lists_cost_the_same_for_any_number_of_rows(olive, endpoint, django_assert_max_num_queries):
    for _ in range(15):
        end_a_run()
    assert WebhookDelivery.objects.count() == 15
    for url in (LIST, LOG):
        with django_assert_max_num_queries(8) as queries:
            assert olive.get(url).status_code == 200
        assert not [query for query in queries.captured_queries if '"body"' in query["sql"]]


def test_an_endpoint_says_how_it_is(olive, endpoint):
    page = reverse("admin:enrichment_webhookendpoint_change", args=[endpoint.pk])
    for fields, text in (
        ({}, "well"), ({"failures": 2}, "failing: 2 failures in a row"),
        ({"failures": 7, "paused_until": timezone.now()}, "resting: 7 failures in a row"),
    ):  # fmt: skip
        WebhookEndpoint.objects.update(**fields)
        assert text in olive.get(page).content.decode()
        assert text.split(":")[0] in olive.get(LIST).content.decode()


def test_turning_an_endpoint_on_again_begins_afresh(olive, endpoint):
    WebhookEndpoint.objects.update(is_enabled=False, disabled_reason="It answered 410.", failures=9)
    url = reverse("admin:enrichment_webhookendpoint_change", args=[endpoint.pk])
    assert "off. It answered 410." in olive.get(url).content.decode()
    assert olive.post(url, NEW).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason, endpoint.failures) == (True, "", 0)


def test_an_endpoint_of_tasks_can_be_turned_off_only(olive, endpoint):
    WebhookEndpoint.objects.update(is_of_tasks=True)
    url = reverse("admin:enrichment_webhookendpoint_change", args=[endpoint.pk])
    assert 'name="url"' not in olive.get(url).content.decode()
    assert olive.post(url, {"name": "CRM"}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.url) == (False, "https://crm.example.com/hook")
    assert "runs of its tasks" in olive.get(LIST).content.decode()


def test_empty_lists_say_what_to_do(olive):
    assert "Nobody is told of anything yet." in olive.get(LIST).content.decode()
    assert "Nothing was told to anybody yet." in olive.get(LOG).content.decode()


def test_who_may_only_look_cannot_send_or_see_secrets(client, endpoint):
    end_a_run()
    client.force_login(people.make_victor())
    delivery = WebhookDelivery.objects.get()
    page = client.get(reverse("admin:enrichment_webhookendpoint_change", args=[endpoint.pk])).content.decode()
    assert "Make a new secret" not in page
    assert endpoint.secret not in page
    assert act(client, endpoint, "rotate").status_code == 403
    assert (
        client.post(reverse("admin:enrichment_webhookdelivery_replay", args=[delivery.pk])).status_code == 403
    )
    client.force_login(people.make_nora())
    assert client.get(LOG).status_code == 403
