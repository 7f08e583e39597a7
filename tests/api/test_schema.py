"""The OpenAPI description: without warnings, served offline, and kept by the server whatever is sent."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from enrichment import signals
from enrichment.models import (
    ApiKey,
    ApiSchedule,
    ApiTask,
    EnrichmentRun,
    RunItem,
    UploadedFile,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.registration import sync_sources
from enrichment.undoing import undo
from tests.api.world import list_account, list_contact, make_profile, make_sheet, make_surge
from tests.factories import make_account, make_run, make_source

pytestmark = pytest.mark.django_db
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 4
"""Requests to each operation: about three hundred in all."""


def test_the_description_is_made_without_a_warning(capsys):
    GENERATOR_STATS.reset()
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert capsys.readouterr().err == ""


def test_every_address_is_described_once():
    schema = SchemaGenerator().get_schema(public=True)
    names = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) > 70
    assert schema["openapi"] == "3.1.0"


def test_webhooks_are_described_as_they_are_told():
    WebhookEndpoint.objects.create(
        name="CRM", url="https://crm.example.com/", events=list(WebhookEndpoint.CHOOSABLE), first_values=True
    )
    run = EnrichmentRun.objects.get(pk=make_surge(make_account(name="Bolt")))
    failed = make_run(status="FAILED", error="No rows.", finished_at=timezone.now())
    assert signals.scan(failed.pk)
    undo(run)
    schema = SchemaGenerator().get_schema(public=True)
    told = {delivery.event: json.loads(delivery.body) for delivery in WebhookDelivery.objects.order_by("pk")}
    assert set(told) == set(schema["webhooks"]) == set(WebhookEndpoint.CHOOSABLE)
    for event, body in told.items():
        content = schema["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator(
            content | {"components": schema["components"]}, format_checker=FormatChecker()
        )
        assert not [error.message for error in validator.iter_errors(body)], event
        name = content["$ref"].rpartition("/")[2]
        data = schema["components"]["schemas"][name]["properties"]["data"]
        assert described(schema, data) >= set(body["data"]), event


def described(schema: dict[str, Any], part: dict[str, Any]) -> set[str]:
    """The names of the fields behind a reference."""
    name = part.get("$ref", "").rpartition("/")[2] or part["allOf"][0]["$ref"].rpartition("/")[2]
    return set(schema["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_pages_need_nobody_else(page):
    response = Client().get(f"/v1/{page}")
    assert response.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', response.content.decode())
    assert links
    assert not [link for link in links if "//" in link]
    for link in links:
        assert Client().get(link).status_code == 200, link


@pytest.fixture
def known(api, tmp_path: Path) -> dict[str, Any]:
    """The ids of a small world, by the name of the parameter in a path."""
    sync_sources()
    make_source("fake")
    icp = make_profile(api)
    sheet = make_sheet(api, icp)
    entity, account = list_account(sheet, name="Acme", domain="acme.com", headcount=5)
    list_contact(make_sheet(api, icp, entity_type="person"), name="Ann", email="ann@acme.com")
    profile = sheet.profile
    file = UploadedFile.objects.create(name="a.csv", stored="a.csv", size=1, table={"columns": ["name"]})
    config = {
        "type": "ingest",
        "file_id": f"{file.pk:024x}",
        "primary_column": "name",
        "csv_entity_type": "company",
    }
    task = ApiTask.objects.create(name="T", flow="ingest", deployment="main", profile=profile, config=config)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert profile
    schedule = ApiSchedule.objects.create(name="S", task=task, profile=profile, cron="0 3 * * 1", next_at=at)
    run = make_run(status="COMPLETED", sheet=sheet, finished_at=at)
    item = RunItem.objects.create(
        run=run, position=1, account=account, state="review", evidence=[{"id": account.pk}]
    )
    rows = {
        "sheet_id": sheet,
        "file_id": file,
        "task_id": task,
        "schedule_id": schedule,
        "run_id": run,
        "item_id": item,
        "record_id": account,
    }
    ids = {name: f"{row.pk:024x}" for name, row in rows.items()}
    return ids | {"icp_id": icp, "entity_id": entity, "signal_id": "0" * 24, "slug": "fake"}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests keep the connection of the test, whose transaction they are part of."""
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


def test_whatever_is_sent_is_answered_as_described(api, known, one_connection, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    ApiKey.objects.update(per_minute=10**6)
    schema = schemathesis.openapi.from_wsgi("/v1/schema?format=json", get_wsgi_application())
    counts: Counter[int] = Counter()
    operations: Any = schema.get_all_operations()
    for operation in operations:
        send(operation.ok(), api.key, known, counts)
    assert counts.total() > 250
    assert {200, 201, 204, 404, 422} <= set(counts)


def send(operation: Any, key: str, known: dict[str, Any], counts: Counter[int]) -> None:
    """Some requests to one operation, with known ids in its path but for the first; nothing of them stays."""
    calls = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def examples(case: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        with transaction.atomic(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = case.call(headers={"x-api-key": key})
            transaction.set_rollback(True)
        counts[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    examples()
