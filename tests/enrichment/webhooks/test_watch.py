"""What monitors and the doctor say of webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from enrichment import signals
from enrichment.models import WebhookEndpoint
from enrichment.operations import doctor
from tests import factories as make

pytestmark = pytest.mark.django_db


def make_endpoint(name: str, **fields) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        name=name, url="https://crm.example.com/", events=["run.finished"], secret="x", **fields
    )


def advice() -> dict[str, str]:
    """What the doctor says of each endpoint."""
    return {each.about: each.text for each in doctor.examine() if each.about.startswith("webhook")}


def test_the_doctor_names_endpoints_that_take_nothing():
    make_endpoint("Well")
    make_endpoint("Turned off by a person", is_enabled=False)
    assert advice() == {}

    make_endpoint("Gone", is_enabled=False, disabled_reason="It answered 410.")
    make_endpoint("Down", failures=8, paused_until=timezone.now() + timedelta(minutes=1))
    told = advice()
    assert told["webhook Gone"] == "is off. It answered 410."
    assert told["webhook Down"].startswith("took nothing 8 times in a row")
    assert len(told) == 2


def test_monitors_see_how_many_messages_wait(client, settings):
    settings.METRICS_TOKEN = "token"
    make_endpoint("CRM")
    assert signals.scan(make.make_run(status="COMPLETED", finished_at=timezone.now()).pk)
    page = client.get("/metrics", headers={"Authorization": "Bearer token"}).content.decode()
    assert 'footnote_webhook_deliveries{state="pending"} 1.0' in page
    assert 'footnote_webhook_deliveries{state="failed"} 0.0' in page
