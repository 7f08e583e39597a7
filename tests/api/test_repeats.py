"""Requests that start a run and come again, as clients and agents send them blindly."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from enrichment import repeats, runs
from enrichment.models import EnrichmentRun, GivenAnswer
from tests.api.conftest import Api
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account(fakes: dict[str, FakeSource]) -> str:
    """The id of an account that a source can be asked about."""
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 7})
    make_source("fake", rank=10, cost=2, cadence="monthly")
    return f"{make_account(name='Acme', domain='acme.com').pk:024x}"


def start(api: Api, account: str, headers: dict[str, str] | None = None, **body: Any) -> str:
    """Start a run; its id."""
    status, told = api.post("/v1/run", {"account_ids": [account], "credit_limit": 9} | body, **headers or {})
    assert status == 201, told
    return str(told["id"])


def age(run: str, seconds: float) -> None:
    """Let a run have been started earlier."""
    at = timezone.now() - timedelta(seconds=seconds)
    EnrichmentRun.objects.filter(pk=int(run, 16)).update(created_at=at)


def test_the_same_request_at_once_gets_the_same_run(api, account):
    first = start(api, account)
    assert "Idempotency-Replayed" not in api.response
    assert start(api, account) == first
    assert api.response["Idempotency-Replayed"] == "true"
    assert EnrichmentRun.objects.filter(asks=True, items__isnull=False).count() == 1


def test_other_wishes_and_other_callers_get_runs_of_their_own(api, new_key, account):
    ids = {start(api, account), start(api, account, credit_limit=8), start(Api(new_key()), account)}
    assert len(ids) == 3


def test_a_moment_later_it_is_another_run_unless_it_is_a_retry(api, account):
    first = start(api, account)
    age(first, 60)
    assert start(api, account, {"x_stainless_retry_count": "1"}) == first
    second = start(api, account)
    assert second != first
    age(second, 3600)
    assert start(api, account, {"x_stainless_retry_count": "1"}) not in (first, second)


def test_what_was_canceled_or_undone_is_not_given_again(api, account):
    first = start(api, account)
    runs.cancel(EnrichmentRun.objects.get(pk=int(first, 16)))
    second = start(api, account)
    assert second != first
    EnrichmentRun.objects.filter(pk=int(second, 16)).update(undone_at=timezone.now())
    assert start(api, account) not in (first, second)


def test_whoever_names_each_request_gets_a_run_for_each(api, account):
    assert start(api, account, {"Idempotency_Key": "a"}) != start(api, account, {"Idempotency_Key": "b"})


def test_a_refusal_is_not_remembered(api, account):
    body = {"account_ids": ["0" * 24]}
    assert [api.post("/v1/run", body)[0] for _ in range(2)] == [422, 422]
    assert not GivenAnswer.objects.exists()


def test_what_was_answered_is_forgotten_after_a_day(api, account):
    start(api, account)
    GivenAnswer.objects.update(created_at=timezone.now() - repeats.KEPT - timedelta(seconds=1))
    start(api, account, credit_limit=8)
    assert GivenAnswer.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database that threads can share")
@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_one_starts_a_run(api, account):
    ready, ids = threading.Barrier(4), []

    def send() -> None:
        ready.wait(10)
        try:
            ids.append(start(Api(api.key), account))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(ids), len(set(ids))) == (4, 1)
    assert EnrichmentRun.objects.filter(asks=True, items__isnull=False).count() == 1
