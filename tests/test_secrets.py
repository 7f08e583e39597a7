"""F24: secrets are planted, everything fails, and nothing that is written or shown holds one of them."""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client

from config import logs
from crm.models import Account
from enrichment import callbacks, runs, tasks, webhooks
from enrichment.api import runs as run_views
from enrichment.models import ApiKey, EnrichmentSource, Lookup, RunItem, WebhookDelivery
from sources.attributes import Kind
from sources.contract import Call, Http, Payload
from sources.errors import SourceRefused, SourceUnavailable
from tests.enrichment.webhooks.receivers import Receiver, receiving
from tests.enrichment.webhooks.world import ended, make_endpoint
from tests.factories import make_account, make_source
from tests.fakes import FakeSource
from tests.logged import everything_logged
from tests.people import make_olive

pytestmark = pytest.mark.django_db(transaction=True)
PLANTED = {
    "LEAKY_API_KEY": "canary-source-key-7f3a",
    "LEAKY_CALLBACK_SECRET": "whsec_Y2FuYXJ5LWNhbGxiYWNrLXNlY3JldA==",
    "FOOTNOTE_METRICS_TOKEN": "canary-metrics-token-91bc",
    "DATABASE_URL": "postgres://footnote:canary-database-4d2e@127.0.0.1:5432/footnote",
    "REDIS_URL": "redis://:canary-redis-0c5a@127.0.0.1:6379/0",
}
PASSWORDS = {"canary-database-4d2e", "canary-redis-0c5a"}


class Leaky(FakeSource):
    """Says its key wherever it can: in errors, addresses, headers, bodies and its log."""

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        key, domain = call.key, call.subject.domain
        logging.getLogger("tests.leaky").warning("asked with %s", key)
        if domain == "crash.com":
            raise ValueError(f"no number in https://vendor/?key={key}")
        if domain == "refused.com":
            raise SourceRefused(f"Invalid key {key}.")
        if domain == "down.com":
            raise SourceUnavailable(f"GET https://vendor/?api_key={key} timed out")
        return super().fetch(call, http)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The secrets of the environment."""
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    return PASSWORDS | {value for name, value in PLANTED.items() if not name.endswith("_URL")}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as the console shows it."""
    with everything_logged(logs.PlainFormatter(), logging.INFO) as stream:
        yield stream


def enrich(fakes: dict[str, FakeSource]) -> int:
    """A run that fails in every way, one answer apart."""
    fakes["leaky"] = Leaky("leaky", fine_com={"headcount": 5})
    make_source("leaky", cadence="monthly")
    for domain in ("crash.com", "down.com", "fine.com", "refused.com"):
        make_account(name=domain, domain=domain)
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.order_by("pk"))
    tasks.work(run.pk)
    return run.pk


def database() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        told = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            told += [f"{table}: {[_text(value) for value in row]}" for row in cursor.fetchall()]
    return "\n".join(told)


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)


def pages(run: int, key: str) -> Iterator[tuple[str, str]]:
    """What people, programs and monitors are shown."""
    olive, program = Client(), Client(headers={"x-api-key": key}, raise_request_exception=False)
    olive.force_login(make_olive())
    source = EnrichmentSource.objects.get(slug="leaky").pk
    for name in (
        "lookup",
        "runitem",
        "webhookdelivery",
        "webhookendpoint",
        "apikey",
        "enrichmentsource",
        "check",
    ):
        yield name, olive.get(f"/admin/enrichment/{name}/").content.decode()
    some = [
        ("enrichmentrun", run),
        ("enrichmentsource", source),
        ("webhookendpoint", 1),
        ("webhookdelivery", WebhookDelivery.objects.values_list("pk", flat=True)[0]),
    ]
    for name, pk in [*some, *(("lookup", each.pk) for each in Lookup.objects.all())]:
        yield f"{name} {pk}", olive.get(f"/admin/enrichment/{name}/{pk}/change/").content.decode()
    yield "metrics", olive.get("/metrics").content.decode()
    yield "health", Client().get("/healthz").content.decode()
    for address in (
        f"run/{run:024x}",
        f"run/{run:024x}/queue?include_history=true",
        "source",
        "source/leaky",
        "key",
    ):
        yield address, program.get(f"/v1/{address}").content.decode()


def commands(folder: Any) -> Iterator[tuple[str, str]]:
    """What commands print, and a backup."""
    for command in (
        ["doctor"],
        ["sources"],
        ["plan", "--attributes", "headcount"],
        ["worker_health"],
        ["sync_sources"],
    ):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*command, stdout=out, stderr=err)
        except (SystemExit, Exception) as error:
            err.write(str(error))
        yield command[0], out.getvalue() + err.getvalue()
    call_command("backup", str(folder / "all.jsonl.gz"), stdout=io.StringIO())
    yield "backup", gzip.decompress((folder / "all.jsonl.gz").read_bytes()).decode()


def test_no_secret_is_written_or_shown_whatever_fails(planted, fakes, log, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    settings.METRICS_TOKEN = PLANTED["FOOTNOTE_METRICS_TOKEN"]
    _, key = ApiKey.objects.create_key(name="Script", scopes=["admin"])
    with receiving(Receiver(status=lambda message: 500)) as receiver:
        settings.EGRESS_ALLOW = [receiver.netloc]
        _, secret = make_endpoint(receiver.url)
        run = enrich(fakes)
        ended()
        webhooks.send()
    tokens = [_answer_badly(lookup) for lookup in Lookup.objects.all()]
    crash = _crash(monkeypatch, key, run)
    secrets = planted | {key, secret, settings.SECRET_KEY, *tokens}
    shown = {"error page": crash, **dict(pages(run, key)), **dict(commands(tmp_path)), "database": database()}
    shown["log"] = log.getvalue()
    leaks = [(place, each) for place, text in shown.items() for each in secrets if each in text]
    assert not leaks
    assert "asked with ***" in shown["log"], "the log was looked at"
    assert "Traceback" in shown["log"]
    assert RunItem.objects.filter(state="failed").count() >= 2
    assert WebhookDelivery.objects.exclude(status=None).exists(), "messages were sent, and refused"


def _answer_badly(lookup: Lookup) -> str:
    """Post what is no answer to a lookup's address; the token that stands in it."""
    address = callbacks.url_of(lookup.pk)
    path = address[address.index("/callbacks") :]
    client = Client(raise_request_exception=False)
    assert client.post(path, b"[", content_type="application/json").status_code in (400, 401)
    assert client.post(path + "0", b"[", content_type="application/json").status_code == 404
    assert client.get(path).status_code == 405
    return path.rpartition("/")[2]


def _crash(monkeypatch: pytest.MonkeyPatch, key: str, run: int) -> str:
    """The page of an error that nobody expected, whose text holds secrets."""

    def broken(*args: object, **more: object) -> None:
        raise RuntimeError(json.dumps(PLANTED))

    def down(*args: object, **more: object) -> None:
        raise OperationalError(f"connection to {PLANTED['DATABASE_URL']} failed")

    program = Client(headers={"x-api-key": key}, raise_request_exception=False)
    told = ""
    for failing in (broken, down):
        monkeypatch.setattr(run_views.RunOne, "get", failing)
        answer = program.get(f"/v1/run/{run:024x}")
        assert answer.status_code in (500, 503)
        told += answer.content.decode()
    monkeypatch.undo()
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    return told
