"""What monitors read: /healthz for anybody, /metrics for those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from enrichment import bulk, claims, heartbeats
from enrichment.broker import Queue
from enrichment.models import Budget, Heartbeat, Lookup, RunItem
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_run, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client()


def healthz(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/healthz")
    return response.status_code, response.json()


def metrics(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    """The figures: (name, label values in order of the labels' names …) → value."""
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value for each in families for sample in each.samples
    }


def make_item(state: str = "queued", *, run: Any = None, **fields: Any) -> RunItem:
    run = run or make_run()
    return RunItem.objects.create(run=run, position=run.items.count(), state=state, **fields)


def test_a_working_installation_is_well_and_says_so_to_anybody(client):
    heartbeats.mark()
    status, told = healthz(client)
    assert status == 200
    assert (told["status"], told["database"], told["broker"], told["workers"]) == ("ok", "ok", "ok", "ok")
    assert told["worker_heartbeat_age_seconds"] < 5
    assert told["oldest_runnable_item_age_seconds"] is None


def test_silent_workers_are_unhealthy(client):
    heartbeats.mark()
    Heartbeat.objects.update(at=F("at") - timedelta(seconds=75))
    status, told = healthz(client)
    assert (status, told["workers"], told["database"]) == (503, "down", "ok")
    assert told["worker_heartbeat_age_seconds"] > 70


def test_workers_that_never_lived_are_unhealthy(client):
    assert healthz(client)[0] == 503


def test_a_database_that_does_not_answer_is_unhealthy_and_nothing_leaks(client):
    heartbeats.mark()

    def fail(*args: Any) -> None:
        raise OperationalError("connection to db.internal failed for user footnote, password hunter2")

    with connection.execute_wrapper(fail):
        status, told = healthz(client)
    assert (status, told["database"]) == (503, "down")
    assert "hunter2" not in str(told)
    assert "db.internal" not in str(told)


def test_a_broker_that_does_not_answer_is_unhealthy(client, monkeypatch):
    heartbeats.mark()

    def fail(self: Queue) -> int:
        raise ConnectionError("refused")

    monkeypatch.setattr(Queue, "queue_size", fail)
    status, told = healthz(client)
    assert (status, told["broker"], told["database"]) == (503, "down", "ok")


def test_health_is_cheap(client, django_assert_max_num_queries):
    for _ in range(3):
        make_item()
    with django_assert_max_num_queries(6):
        healthz(client)


def age_of_queue(client: Client) -> float | None:
    age: float | None = healthz(client)[1]["oldest_runnable_item_age_seconds"]
    return age


def test_the_queue_is_as_old_as_its_oldest_run(client):
    now = bulk.clock()
    for minutes in (10, 3):
        make_item(run=make_run(started_at=now - timedelta(minutes=minutes)))
    assert age_of_queue(client) == pytest.approx(600, abs=10)


def test_a_parked_item_waits_from_its_date_on(client):
    now = bulk.clock()
    run = make_run(started_at=now - timedelta(hours=3))
    make_item(run=run, not_before=now + timedelta(hours=1))
    assert age_of_queue(client) is None
    make_item(run=run, not_before=now - timedelta(minutes=2))
    assert age_of_queue(client) == pytest.approx(120, abs=10)


@pytest.mark.parametrize("fields", [{"status": "PAUSED"}, {"undone_at": timezone.now()}])
def test_items_that_nobody_may_take_are_not_waiting(client, fields):
    make_item(run=make_run(started_at=bulk.clock() - timedelta(hours=1), **fields))
    assert age_of_queue(client) is None


def test_a_long_queue_alone_is_no_illness(client):
    heartbeats.mark()
    make_item(run=make_run(started_at=bulk.clock() - timedelta(hours=5)))
    assert healthz(client)[0] == 200


def test_health_may_only_be_read(client):
    assert client.post("/healthz").status_code == 405


def test_figures_are_hidden_from_strangers(client, settings):
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "right"}).status_code == 404


def test_without_a_configured_token_no_token_opens_the_figures(client, settings):
    settings.METRICS_TOKEN = ""
    for header in ("Bearer ", "Bearer", "Bearer  "):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 404


def test_a_token_with_odd_letters_is_only_wrong(client, settings):
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer \xe9\u20ac").status_code == 404


def test_staff_without_all_rights_see_no_figures(client):
    client.force_login(User.objects.create_user("ann", is_staff=True))
    assert client.get("/metrics").status_code == 404


def test_superusers_see_the_figures(client):
    client.force_login(User.objects.create_superuser("root"))
    assert client.get("/metrics")["Content-Type"].startswith("text/plain; version=")
    assert metrics(client)["footnote_broker_up",] == 1


def test_the_figures_are_those_of_the_tables(client, settings):
    settings.METRICS_TOKEN = "token"
    source = make_source("acme", cost=3, monthly_limit=50)
    run = make_run(status="RUNNING", started_at=bulk.clock() - timedelta(seconds=100))
    make_run(status="COMPLETED")
    for state in ("queued", "queued", "failed"):
        make_item(state, run=run)
    for number, state in enumerate(("applied", "applied", "uncertain")):
        Lookup.objects.create(source=source, run=run, key=str(number), question={}, state=state, period="x")
    month = timezone.now().strftime("%Y-%m")
    Budget.objects.create(scope=f"source:{source.pk}:{month}", spent=6, reserved=3)
    Budget.objects.create(scope=f"source:{source.pk}:2001-01", spent=99)
    claims.record(run=run.pk, kind=Kind.ACCOUNT, answers=[make_answer(make_account().pk, source.pk)])
    heartbeats.mark()
    found = metrics(client, Authorization="Bearer token")
    assert found["footnote_runs", "RUNNING"] == 1
    assert found["footnote_runs", "COMPLETED"] == 1
    assert found["footnote_runs", "CRASHED"] == 0
    assert found["footnote_run_items", "queued"] == 2
    assert found["footnote_run_items", "failed"] == 1
    assert found["footnote_lookups", "acme", "applied"] == 2
    assert found["footnote_lookups", "acme", "uncertain"] == 1
    assert found["footnote_checks", "not_found", "acme"] == 1
    assert found["footnote_credits_spent", "acme"] == 6
    assert found["footnote_credits_reserved", "acme"] == 3
    assert found["footnote_credits_limit", "acme"] == 50
    assert found["footnote_queue_age_seconds",] == pytest.approx(100, abs=10)
    assert found["footnote_worker_heartbeat_age_seconds",] < 5


def test_the_figures_take_a_handful_of_queries_however_many_sources(
    client, settings, django_assert_max_num_queries
):
    settings.METRICS_TOKEN = "token"
    for number in range(30):
        make_source(f"s{number}")
    with django_assert_max_num_queries(13):
        metrics(client, Authorization="Bearer token")
