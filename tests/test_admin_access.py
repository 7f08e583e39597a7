"""Who may do what in the admin: every page, button and action, for everybody who may come to its door (F19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from enrichment.models import ApiKey, WebhookEndpoint
from enrichment.registration import sync_sources
from tests.api.conftest import Api
from tests.api.world import make_one_of_each
from tests.people import make_nora, make_olive

pytestmark = pytest.mark.django_db
DOORS = {"login", "logout", "jsi18n"}
"""Open to everybody: they show nothing of anybody."""
OF_ONESELF = {"index", "password_change", "password_change_done", "search", "logout", "login", "jsi18n"}
"""Pages of every member of staff; the index and the search list what one may look at."""
READING_ACTIONS = {"export_admin_action"}
NOTED = ("django_session", "django_admin_log", "auth_user")


def pages() -> Iterator[tuple[str, str]]:
    """Name and address of every page of the admin, with the ids of the first rows."""
    for address, name in _patterns(admin.site.urls[0]):
        yield name or address, "/admin/" + address


def _patterns(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield filled(route), pattern.name or ""
        else:
            yield from _patterns(pattern.url_patterns, route)


def filled(route: str) -> str:
    """A route as an address: row 1, and the first of the words it takes."""
    route = route.replace("<slug:act>", "pause").replace("<path:content_type_id>", "1")
    route = re.sub(r"\^\(\?P<app_label>(\w+).*\)/\$", r"\1/", route)
    route = route.replace("(?P<url>.*)$", "no-such-page")
    return re.sub(r"<[^>]*>", "1", route)


@pytest.fixture
def world() -> None:
    """A row of most models."""
    sync_sources()
    _, key = ApiKey.objects.create_key(name="Test", scopes=["read", "write", "enrich"])
    make_one_of_each(Api(key))
    WebhookEndpoint.objects.create(name="CRM", url="https://crm.example.com/", events=["run.finished"])


def client_of(user: User) -> Client:
    """A browser in which somebody is logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def make_viewer() -> User:
    """Staff who may look at everything there is."""
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def changes(queries: CaptureQueriesContext) -> list[str]:
    """What was written, without who was here."""
    found = [each["sql"] for each in queries if re.match(r"INSERT|UPDATE|DELETE", each["sql"])]
    return [sql for sql in found if not any(f'"{table}' in sql.split("SET")[0] for table in NOTED)]


def test_the_door_is_closed_to_all_but_staff(world):
    customer = client_of(User.objects.create_user("carl"))
    for name, address in pages():
        for client in (Client(raise_request_exception=False), customer):
            for method in ("GET", "POST"):
                answer = client.generic(method, address)
                if name not in DOORS:
                    assert answer.status_code == 302, (method, address, answer.status_code)
                    assert "/admin/login/" in answer["Location"], address


def test_staff_without_rights_see_nothing(world):
    nora = client_of(make_nora())
    for name, address in pages():
        for method in ("GET", "POST"):
            with CaptureQueriesContext(connection) as queries:
                status = nora.generic(method, address).status_code
            if name not in OF_ONESELF:
                assert status in (302, 403, 404, 405), (method, address, status)
            assert not changes(queries), address


def test_who_may_look_changes_nothing(world):
    vera = client_of(make_viewer())
    wrong: list[tuple[str, str, int, list[str]]] = []
    for _, address in pages():
        status = vera.get(address).status_code
        if status >= 500:
            wrong.append(("GET", address, status, []))
        for body in (
            {},
            {"post": "yes", "confirm": "1", "_confirm": "1", "action": "confirm", "_save": "Save"},
        ):
            with CaptureQueriesContext(connection) as queries:
                status = vera.post(address, body).status_code
            if status >= 500 or changes(queries):
                wrong.append(("POST", address, status, changes(queries)))
    assert not wrong


def test_who_may_look_has_no_action_that_changes(world):
    viewer, olive = make_viewer(), make_olive()
    vera = client_of(viewer)
    for model, site in admin.site._registry.items():
        theirs, all_of_them = (_actions(site, user) for user in (viewer, olive))
        assert theirs <= READING_ACTIONS, site
        first = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        for action in all_of_them - READING_ACTIONS:
            address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            with CaptureQueriesContext(connection) as queries:
                answer = vera.post(
                    address,
                    {"action": action, ACTION_CHECKBOX_NAME: first or 1, "post": "yes", "select_across": "1"},
                )
            assert answer.status_code < 500, (address, action)
            assert not changes(queries), (address, action)


def _actions(site: Any, user: User) -> set[str]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return set(site.get_actions(request))


def test_the_owner_meets_no_error(world):
    olive = client_of(make_olive())
    asked = [(method, address) for name, address in pages() if name != "logout" for method in ("GET", "POST")]
    statuses = {each: olive.generic(*each).status_code for each in asked}
    assert not {each: status for each, status in statuses.items() if status >= 500}
