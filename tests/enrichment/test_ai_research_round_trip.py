"""AI research from end to end: the site's pages and the model's server over the wire, quoted values in the record."""

from __future__ import annotations

import json

import pytest

from crm.models import Account
from enrichment import runs
from enrichment.models import AttributeValue
from sources import http, http_connection
from sources.adapters.ai_research import AiResearch
from sources.attributes import Kind
from tests.factories import make_account, make_source
from tests.sources.servers import reply, serving

pytestmark = pytest.mark.django_db

HOME = b"<title>Acme</title><p>Since 2015 our 1,200 people build robots.</p><a href='/about'>About us</a>"
ABOUT = b"<title>About</title><p>Jane Roe is our chief executive.</p>"
FACTS = [
    {"attribute": "headcount", "value": "1200", "quote": "our 1,200 people build robots"},
    {"attribute": "founded_year", "value": "1999", "quote": "Since 2015 our 1,200 people"},
    {"attribute": "ceo_name", "value": "Jane Roe", "quote": "Jane Roe is our chief executive"},
    {"attribute": "industry", "value": "Robotics", "quote": "We lead the robotics industry"},
]


def site(connection, head: bytes) -> None:
    """A site that moved to www, on one connection."""
    while head:
        path, host = head.split()[1], b"Host: www." in head
        if path == b"/robots.txt":
            connection.sendall(reply(b"", "404 Not Found"))
        elif not host:
            connection.sendall(reply(b"", "301 Moved Permanently", Location="http://www.acme.com/"))
        else:
            connection.sendall(reply(ABOUT if path == b"/about" else HOME, Content_Type="text/html"))
        head = connection.recv(65_536)


def test_only_quoted_values_reach_the_record(fakes, settings, monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["ai_research"] = AiResearch()
    make_source("ai_research")
    make_account(name="Acme", domain="acme.com")
    answer = {"choices": [{"message": {"content": json.dumps({"facts": FACTS})}, "finish_reason": "stop"}]}
    connect = http_connection.connect
    with serving(site) as pages, serving(reply(json.dumps(answer).encode())) as model:
        ports = {80: pages.port, 443: 9, model.port: model.port}
        monkeypatch.setattr(
            http_connection, "connect", lambda sock, to, port: connect(sock, to, ports.get(port, 9))
        )
        monkeypatch.setattr(http, "_resolve", lambda host, seconds: ("127.0.0.1",))
        monkeypatch.setenv("AI_RESEARCH_API_KEY", "model-key")
        monkeypatch.setenv("AI_RESEARCH_BASE_URL", f"{model.url}/v1")
        hosts = [f"{name}:{port}" for name in ("acme.com", "www.acme.com") for port in (80, 443)]
        settings.EGRESS_ALLOW = [model.netloc, *hosts]
        run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
        while runs.work(run.pk, until=lambda: False):
            pass
    assert model.heads[0].startswith(b"POST /v1/chat/completions")
    assert b"model-key" in model.heads[0]
    assert not any(b"model-key" in head for head in pages.heads)
    rows = AttributeValue.objects.values_list("attribute", "value", "references")
    assert {(slug, value, tuple(pages)) for slug, value, pages in rows} == {
        ("headcount", 1200, ("http://www.acme.com/#:~:text=our%201%2C200%20people%20build%20robots",)),
        (
            "ceo_name",
            "Jane Roe",
            ("http://www.acme.com/about#:~:text=Jane%20Roe%20is%20our%20chief%20executive",),
        ),
    }
