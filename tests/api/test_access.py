"""Who may do what outside the admin: every address and method, for every kind of caller (F19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from crm.reconcile.views import nowhere
from enrichment.agents.calling import TOOLS, call
from enrichment.agents.tools import Agent, ToolRefused
from enrichment.api.errors import no_such_address
from enrichment.models import ApiKey
from tests.people import make_nora, make_olive, make_victor

pytestmark = pytest.mark.django_db
ANYBODY = "anybody"
"""Open to the whole world; `any` is any key, other words are the scope that is needed."""
RULES = """
                                        GET anybody
v1/schema                               GET anybody
v1/docs                                 GET anybody
v1/redoc                                GET anybody
v1/key                                  GET any
v1/icp                                  GET read POST write
v1/icp/ID                               GET read PUT write DELETE write
v1/icp/ID/active_runs                   GET read
v1/sheet                                GET read POST write
v1/sheet/schema/default                 GET read
v1/sheet/schema/field                   GET any
v1/sheet/schema/ID                      GET read PUT write DELETE write
v1/sheet/ID                             GET read PUT write DELETE write
v1/sheet/ID/entities                    GET read
v1/sheet/ID/entity/ID                   GET read
v1/sheet/ID/entity/ID/comments          PUT write
v1/sheet/ID/entity/ID/status            PUT write
v1/sheet/ID/export-csv                  GET read
v1/entity                               GET read
v1/entity/status/bulk                   PATCH write
v1/entity/counts                        GET read
v1/entity/search                        GET read
v1/entity/export                        GET read
v1/entity/ID                            GET read PUT write PATCH write DELETE write
v1/files                                GET read
v1/files/upload                         POST write
v1/files/ID                             GET read
v1/task                                 GET read POST write
v1/task/ID                              GET read PUT write DELETE write
v1/task/ID/execute                      POST enrich
v1/run                                  GET read POST enrich
v1/run/ID                               GET read DELETE enrich
v1/run/ID/queue                         GET read
v1/run/ID/queue/ID                      POST write
v1/run/ID/cancel                        POST enrich
v1/run/ID/pause                         POST enrich
v1/run/ID/resume                        POST enrich
v1/run/ID/undo                          POST enrich
v1/plan                                 POST read
v1/schedule                             GET read POST enrich
v1/schedule/ID                          GET read PATCH enrich DELETE enrich
v1/signal                               GET read
v1/signal/ID                            GET read
v1/account                              GET read POST write
v1/account/bulk                         POST write
v1/account/ID                           GET read PUT write PATCH write DELETE write
v1/contact                              GET read POST write
v1/contact/bulk                         POST write
v1/contact/ID                           GET read PUT write PATCH write DELETE write
v1/source                               GET read
v1/source/ID                            GET read
v1/value                                GET read
v1/value/pin                            POST write
v1/value/release                        POST write
reconcile/                              GET anybody POST read
reconcile/suggest/ID                    GET read
reconcile/properties                    GET read
reconcile/preview                       GET read
"""
ELSEWHERE = {"healthz", "metrics", "mcp", "callbacks/ID/ID", "reconcile/view/ID"}
"""Addresses with rules of their own: below, in test_operations, test_callbacks and reconcile/."""
COUNTED = ("enrichment_callerpace", "enrichment_apikey", "django_session")
"""Where a request is noted, also one that is refused."""


def rules() -> dict[str, dict[str, str]]:
    """Address → method → who may."""
    found: dict[str, dict[str, str]] = {}
    for line in RULES.strip("\n").splitlines():
        words = line[40:].split()
        found[line[:40].strip()] = dict(zip(words[::2], words[1::2], strict=True))
    return found


def views(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every address outside the admin, with its view; an id is written ID."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from views(pattern, address)
        else:
            yield plain(address), getattr(pattern.callback, "view_class", pattern.callback)


def plain(address: str) -> str:
    """An address as RULES writes it; the key that may stand behind /reconcile is left out."""
    return re.sub(r"<[^>]*>", "ID", simplify_regex(address)[1:]).replace("reconcile/ID", "reconcile", 1)


def methods(view: Any) -> set[str]:
    """The methods that a view knows, without those that only ask."""
    names = [name for name in getattr(view, "http_method_names", ()) if hasattr(view, name)]
    return {name.upper() for name in names} - {"HEAD", "OPTIONS"}


def test_every_address_has_a_rule_for_every_method():
    there = {
        address: methods(view)
        for address, view in views()
        if address not in ELSEWHERE and view not in (no_such_address, nowhere)
    }
    there[""] = {"GET"}  # leads to the admin
    assert there == {address: set(each) for address, each in rules().items()}


@pytest.fixture
def callers(new_key) -> dict[str, tuple[Client, set[str]]]:
    """Everybody who may come, and the scopes that each has; none at all is nobody."""
    late = timezone.now() - timedelta(seconds=1)
    gone = User.objects.create_user("gone", is_active=False)
    keys: dict[str, tuple[str, set[str]]] = {
        "a wrong key": ("abcdefgh.wrong", set()),
        "an expired key": (new_key("read", expiry_date=late), set()),
        "a revoked key": (new_key("admin", revoked=True), set()),
        "a key of somebody who left": (new_key("admin", owner=gone), set()),
        "a key for reading": (new_key("read"), {"any", "read"}),
        "a key for writing": (new_key("write"), {"any", "write"}),
        "a key for enriching": (new_key("enrich"), {"any", "enrich"}),
        "a key for everything": (new_key("admin"), {"any", "read", "write", "enrich"}),
    }
    ApiKey.objects.update(per_minute=10**6)
    found = {name: (Client(headers={"x-api-key": key}), scopes) for name, (key, scopes) in keys.items()}
    people: dict[str, tuple[Any, set[str]]] = {
        "a customer": (User.objects.create_user("carl"), set()),
        "staff without rights": (make_nora(), {"any"}),
        "staff who may look": (make_victor(), {"any", "read"}),
        "the owner": (make_olive(), {"any", "read", "write", "enrich"}),
    }
    for name, (user, scopes) in people.items():
        client = Client()
        client.force_login(user)
        found[name] = (client, scopes)
    return found | {"nobody": (Client(), set())}


def asked() -> Iterator[tuple[str, str, str]]:
    """Method, address and who may."""
    for address, each in rules().items():
        for method, scope in each.items():
            yield method, address, scope


def test_nobody_does_more_than_the_role_allows(callers, known, settings):
    wrong = []
    for method, address, scope in asked():
        path = path_of(address, known)
        for name, (client, scopes) in callers.items():
            client.raise_request_exception = False
            with CaptureQueriesContext(connection) as queries:
                status = client.generic(method, path, b"{}", "application/json").status_code
            if not is_right(status, scope, scopes, name) or (status in (401, 403) and written(queries)):
                wrong.append((method, path, name, status, written(queries)))
    assert not wrong


def is_right(status: int, scope: str, scopes: set[str], name: str) -> bool:
    """Whether a status is what a caller with these scopes must get."""
    if scope == ANYBODY and (scopes or "key" not in name):
        return status not in (401, 403) and status < 500
    if not scopes:
        return status == 401 or (scope == ANYBODY and status < 400)
    if scope not in scopes:
        return status == 403
    return status not in (401, 403) and status < 500


def path_of(address: str, known: dict[str, str]) -> str:
    """The address with ids of the world."""
    names = {
        "icp": "icp_id", "sheet": "sheet_id", "schema": "sheet_id", "entity": "entity_id", "files": "file_id", "task": "task_id",
        "run": "run_id", "queue": "item_id", "schedule": "schedule_id", "signal": "signal_id", "source": "slug",
        "account": "record_id", "contact": "record_id", "suggest": "what",
    }  # fmt: skip
    known, words = known | {"what": "entity"}, address.split("/")
    return "/" + "/".join(
        known[names[words[place - 1]]] if word == "ID" else word for place, word in enumerate(words)
    )


def written(queries: CaptureQueriesContext) -> list[str]:
    """What was written, without the notes of a request."""
    changes = [each["sql"] for each in queries if re.match(r"INSERT|UPDATE|DELETE", each["sql"])]
    return [sql for sql in changes if not any(table in sql for table in COUNTED)]


def test_methods_that_are_not_there_change_nothing(callers, known):
    owner, _ = callers["the owner"]
    owner.raise_request_exception = False
    for address, each in rules().items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"} - set(each):
            with CaptureQueriesContext(connection) as queries:
                status = owner.generic(method, path_of(address, known), b"{}", "application/json").status_code
            assert status in ((405, 200, 302) if not address else (405,)), (method, address, status)
            assert not written(queries)


def test_figures_are_for_superusers_alone(callers):
    statuses = {name: client.get("/metrics").status_code for name, (client, _) in callers.items()}
    assert {name for name, status in statuses.items() if status == 200} == {"the owner"}
    assert set(statuses.values()) == {200, 404}


def test_agents_come_with_a_key(callers):
    for name, (client, scopes) in callers.items():
        client.raise_request_exception = False
        status = client.post("/mcp", b"{}", content_type="application/json").status_code
        assert (status == 401) == ("key" not in name or not scopes), name
        assert status < 500


CHANGING_TOOLS = {"start_run", "cancel_run", "undo_run"}


@pytest.mark.parametrize("scopes", [(), ("read",), ("write",), ("enrich",)])
def test_agents_do_not_more_than_their_key_allows(scopes, known):
    agent = Agent("an agent", frozenset(scopes))
    for name in TOOLS:
        needed = "enrich" if name in CHANGING_TOOLS else "read"
        if needed in scopes:
            continue
        with CaptureQueriesContext(connection) as queries, pytest.raises(ToolRefused):
            call(agent, name, proper(name))
        assert not written(queries)


def proper(name: str) -> dict[str, Any]:
    """Arguments that a tool takes."""
    some = {"id": "account-1", "attributes": ["headcount"], "run": 1, "max_credits": 1}
    return {key: some[key] for key in TOOLS[name].schema["required"]}
