"""Endpoints, and runs that have ended, for the tests of webhooks."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from enrichment import signals, webhooks
from enrichment.claims import record
from enrichment.models import (
    EnrichmentRun,
    WebhookDelivery,
    WebhookEndpoint,
)
from sources.attributes import Kind
from tests import factories as make

ALL = ["run.finished", "run.failed", "run.undone", "signal", "value"]


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
