"""The OpenAPI description: without warnings, served offline, and kept by the server whatever is sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from enrichment import signals
from enrichment.models import (
    EnrichmentRun,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.undoing import undo
from tests.api.world import make_surge
from tests.factories import make_account, make_run

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
