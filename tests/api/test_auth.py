from __future__ import annotations

import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from enrichment import bulk
from enrichment.api import pace
from enrichment.models import ApiKey, CallerPace
from enrichment.spending import capped, left_of_key, note_origin
from tests.api.conftest import Api
from tests.factories import make_run

pytestmark = pytest.mark.django_db


def refusal(answer) -> tuple[int, str]:
    status, body = answer
    assert set(body) == {"detail", "code", "errors"}
    return status, body["code"]


def test_a_key_opens_the_api_and_notes_its_use(api):
    status, body = api.get("/v1/key")
    assert (status, body["name"], body["scopes"]) == (200, "Test", ["read", "write", "enrich"])
    assert ApiKey.objects.get().last_used_at is not None


@pytest.mark.django_db(transaction=True)
def test_noting_the_use_leaves_the_patience_of_sqlite_as_it_was(api):
    before = patience()
    assert api.get("/v1/key")[0] == 200
    assert patience() == before
    assert ApiKey.objects.get().last_used_at is not None


def patience() -> object:
    """How long SQLite waits for its only pen; None for a database with more than one."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        return cursor.execute("PRAGMA busy_timeout").fetchone()


@pytest.mark.parametrize("key", ["", "nothing", "a.b", "é", "x" * 300])
def test_a_wrong_key_is_refused(db, key):
    api = Api(key)
    assert refusal(api.get("/v1/key")) == (401, "unauthorized")
    assert api.response["WWW-Authenticate"] == "x-api-key"


def test_without_a_key_nothing_opens(db):
    response = Client().get("/v1/key")
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_a_key_that_expired_or_was_revoked_is_refused(new_key):
    old = Api(new_key(expiry_date=timezone.now() - timedelta(seconds=1)))
    assert refusal(old.get("/v1/key"))[0] == 401
    revoked = Api(new_key(revoked=True))
    assert refusal(revoked.get("/v1/key"))[0] == 401


def test_a_key_dies_with_its_owner(new_key):
    owner = User.objects.create(username="anna")
    api = Api(new_key(owner=owner))
    assert api.get("/v1/key")[0] == 200
    User.objects.update(is_active=False)
    assert refusal(api.get("/v1/key")) == (401, "unauthorized")


def test_a_scope_that_is_missing_is_named(new_key):
    api = Api(new_key("read"))
    status, body = api.post("/v1/icp", {})
    assert (status, body["code"]) == (403, "forbidden")
    assert "'write'" in body["detail"]


def test_admin_covers_every_scope(new_key):
    assert Api(new_key("admin")).get("/v1/key")[1]["scopes"] == ["read", "write", "enrich", "admin"]


def test_the_pace_of_a_key_is_kept_and_told(new_key):
    api = Api(new_key(per_minute=2))
    assert api.get("/v1/key")[0] == 200
    assert (api.response["RateLimit-Limit"], api.response["RateLimit-Remaining"]) == ("2", "1")
    answers = [api.get("/v1/key") for _ in range(4)]  # a minute may begin between two of them
    refused = [answer for answer in answers if answer[0] == 429]
    assert refusal(refused[0]) == (429, "rate_limit_exceeded")
    assert 0 < int(api.response["RateLimit-Reset"]) <= 60
    CallerPace.objects.update(minute=F("minute") - 1)
    assert api.get("/v1/key")[0] == 200, "a new minute"
    assert api.response["RateLimit-Remaining"] == "1"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database that threads can share")
@pytest.mark.django_db(transaction=True)
def test_requests_at_once_are_all_counted(monkeypatch):
    monkeypatch.setitem(pace._SECOND, True, "120::bigint")  # no minute begins meanwhile

    def ask() -> None:
        for _ in range(25):
            pace._count("key:abc")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert CallerPace.objects.get().requests == 100


@pytest.mark.skipif(connection.vendor != "sqlite", reason="for SQLite only")
@pytest.mark.django_db(transaction=True)
def test_while_somebody_writes_requests_are_neither_counted_nor_kept_waiting(api, monkeypatch):
    def locked(*args: Any) -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(bulk, "select", locked)
    assert api.get("/v1/key")[0] == 200
    assert api.response["RateLimit-Remaining"] == api.response["RateLimit-Limit"]


def test_staff_may_use_the_api_within_their_rights(client):
    user = User.objects.create_user("anna", is_staff=True, password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_account", "view_contact"]))
    client.force_login(user)
    assert client.get("/v1/key").json()["scopes"] == ["read"]
    assert client.post("/v1/icp", {}, content_type="application/json").status_code == 403


def test_users_who_are_not_staff_may_not(client):
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/v1/key").status_code == 401


def test_a_session_needs_its_token_for_changes():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.get("/v1/key").status_code == 200
    answer = strict.post("/v1/icp", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_command_prints_the_key_alone_on_the_last_line(db):
    out, err = StringIO(), StringIO()
    call_command("create_api_key", "Script", "--scope", "read", "--scope", "enrich", stdout=out, stderr=err)
    key = out.getvalue().splitlines()[-1]
    assert Api(key).get("/v1/key")[1]["scopes"] == ["read", "enrich"]
    assert key not in err.getvalue()
    assert key not in str(ApiKey.objects.values())


def test_the_command_refuses_what_makes_no_sense(db):
    for words in (["X", "--owner", "nobody"], ["X", "--days", "0"], ["X", "--per-minute", "0"], [""]):
        with pytest.raises(CommandError):
            call_command("create_api_key", *words, stderr=StringIO())
    assert not ApiKey.objects.exists()


def test_runs_of_a_key_share_its_monthly_limit(new_key):
    new_key(monthly_limit=100)
    key = ApiKey.objects.get()
    assert capped(key, None) == 100
    going = make_run(credit_limit=60)
    note_origin(going, key)
    assert (left_of_key(key), capped(key, 10), capped(key, 70)) == (40, 10, 40)
    going.status = "COMPLETED"  # it spent nothing
    going.save()
    assert left_of_key(key) == 100
    assert capped(ApiKey(monthly_limit=None), 7) == 7
