"""Clay from end to end: a row goes to the webhook over the wire, and comes back through the door for callbacks."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from crm.models import Account
from enrichment import callbacks, runs
from enrichment.models import AttributeValue, Lookup
from sources.adapters.clay import Clay
from sources.attributes import Kind
from tests.factories import make_account, make_source
from tests.sources.servers import reply, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def posted(fakes, settings, monkeypatch):
    """A run that asked Clay about Acme: the run, and the row as it arrived at the webhook."""
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setenv("CLAY_API_KEY", "webhook-token")
    fakes["clay"] = Clay()
    rows: list[bytes] = []

    def webhook(connection, head: bytes) -> None:
        rows.append(head)
        connection.sendall(reply(b'{"success": true}'))

    with serving(webhook) as server:
        settings.EGRESS_ALLOW = [server.netloc]
        make_source("clay", settings={"webhook_url": f"{server.url}/hook"})
        make_account(name="Acme", domain="acme.com")
        run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
        work(run)
    return run, rows[0]


def work(run) -> None:
    while runs.work(run.pk, until=lambda: False):
        pass
    run.refresh_from_db()


def test_the_row_waits_until_the_table_sends_it_back(client, posted):
    run, request = posted
    assert b"x-clay-webhook-auth: webhook-token" in request
    assert run.items.get().state == "waiting"
    lookup = Lookup.objects.get()
    path = urlsplit(callbacks.url_of(lookup.pk)).path
    body = {
        "request_id": str(lookup.pk),
        "kind": "account",
        "domain": "acme.com",
        "Headcount": {"value": 120, "provider": "Apollo"},
    }
    assert client.post(path, json.dumps(body), content_type="application/json").status_code == 202
    work(run)
    assert run.items.get().state == "completed"
    value = AttributeValue.objects.get(attribute="headcount")
    assert (value.value, value.references) == (120, [f"clay:{lookup.pk}/apollo"])


def test_a_row_of_another_lookup_is_kept_and_not_believed(client, posted):
    run, _ = posted
    path = urlsplit(callbacks.url_of(Lookup.objects.get().pk)).path
    body = {"request_id": "999999", "kind": "account", "Headcount": 7}
    assert client.post(path, json.dumps(body), content_type="application/json").status_code == 202
    work(run)
    assert run.items.get().state == "failed"
    assert not AttributeValue.objects.filter(attribute="headcount").exists()
