"""Who may ask the reconciliation service, and what its manifest says."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from crm.reconcile import views
from tests.crm.reconcile.world import Refine, check, entity, new_key


def test_the_manifest_names_addresses_that_are_there(refine: Refine, crm: dict[str, Any]):
    told = refine.manifest()
    assert "authentication" not in told
    key = refine.base.rpartition("/")[2]
    assert key not in told["identifierSpace"] + told["schemaSpace"] + told["view"]["url"]
    for what, service in told["suggest"].items():
        address = service["service_url"] + service["service_path"]
        check(f"suggest_{what}", refine.client.get(address, {"prefix": "a"}).json())
    page = refine.client.get(told["preview"]["url"].replace("{{id}}", quote(entity(crm["acme"]), safe="")))
    assert page.status_code == 200


@pytest.mark.django_db
def test_the_manifest_without_a_key_says_how_to_show_one():
    for path in ("/reconcile", "/reconcile/"):
        told = check("manifest", Client().get(path).json())
        assert told["authentication"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}


@pytest.mark.parametrize(
    "path", ["?queries={}", "?extend={}", "/suggest/entity?prefix=a", "/properties", "/preview?id=account-1"]
)
@pytest.mark.django_db
def test_nothing_but_the_manifest_is_told_without_a_key(path: str):
    assert Client().get(f"/reconcile{path}").status_code == 401
    assert Client().get(f"/reconcile/abcdefgh.{'x' * 32}{path}").status_code == 401


@pytest.mark.django_db
def test_a_key_may_come_in_the_header():
    batch = {"queries": json.dumps({"q": {"query": "x"}})}
    assert Client().post("/reconcile", batch, headers={"x-api-key": new_key("write")}).status_code == 403
    assert (
        Client().post("/reconcile", batch, headers={"x-api-key": new_key("read", "enrich")}).status_code
        == 200
    )


@pytest.mark.parametrize("scopes", [("read", "write"), ("read", "enrich"), ("admin",)])
@pytest.mark.django_db
def test_a_key_in_the_address_may_do_nothing_but_read(scopes: tuple[str, ...]):
    answered = Client().get(f"/reconcile/{new_key(*scopes)}")
    assert answered.status_code == 401
    assert "--scope read" in answered.json()["detail"]


@pytest.mark.django_db
def test_staff_who_are_logged_in_may_ask():
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("anna"))
    assert client.post("/reconcile", {"queries": '{"q": {"query": "x"}}'}).json() == {"q": {"result": []}}


@pytest.mark.django_db
def test_a_refusal_does_not_log_the_key(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        for path in ("?queries=x", "/nowhere", "/preview?id=x"):
            assert Client().get(f"/reconcile/abcdefgh.{'s' * 32}{path}").status_code in (401, 404)
    assert "ssss" not in caplog.text


def test_a_bug_does_not_log_the_key(
    refine: Refine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(views, "answer", lambda batch: 1 / 0)
    with caplog.at_level(logging.DEBUG):
        answered = refine.client.post(refine.base, {"queries": "{}"})
    assert (answered.status_code, answered.json()["code"]) == (500, "error")
    assert "ZeroDivisionError" in caplog.text
    assert refine.base.rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize("path", ["", "/suggest/entity?prefix=a", "/properties", "/preview?id=account-1"])
def test_every_origin_may_read_and_ask_with_a_header(refine: Refine, path: str):
    answered = refine.client.get(refine.base + path, headers={"origin": "https://elsewhere.example"})
    assert answered["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answered
    asked = Client().options(f"/reconcile{path}", headers={"origin": "https://elsewhere.example"})
    assert asked.status_code == 204
    assert asked["Access-Control-Allow-Headers"] == "x-api-key"
