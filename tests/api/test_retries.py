"""Requests that make something and come again: as clients of Stainless try again blindly, and with a key."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import timezone

from enrichment.api.idempotency import HEADER
from enrichment.models import GivenAnswer, UploadedFile
from enrichment.repeats import RETRIED
from tests.api.conftest import Api
from tests.api.world import make_profile

pytestmark = pytest.mark.django_db

FIRST, AGAIN = {"x_stainless_retry_count": "0"}, {"x_stainless_retry_count": "1"}
TARGETS = [{"entity_type": "company", "description": "- employee_count: People", "root": True}]


def bodies(api: Api) -> dict[str, dict[str, Any]]:
    """A body for each address that makes something, beside runs and files."""
    icp = make_profile(api)
    profile = {"type": "profile", "prompt": "What does {{ company_name }} sell?"}
    task = {"name": "T", "flow_name": "profile", "icp_id": icp, "task_config": profile}
    made = api.made("/v1/task", task)
    return {
        "/v1/icp": {"name": "I", "description": "d", "entity_targets": TARGETS},
        "/v1/sheet": {"name": "S", "icp_id": icp, "entity_type": "company"},
        "/v1/task": task,
        "/v1/schedule": {"name": "W", "task_id": made["id"], "icp_id": icp, "cron_expression": "0 3 * * 1"},
        "/v1/account": {"name": "Acme"},
        "/v1/contact": {"name": "Ann"},
    }


def total(api: Api, path: str) -> int:
    return int(api.get(path)[1]["total"])


def send(api: Api, path: str, body: Any, headers: dict[str, str]) -> Any:
    status, told = api.post(path, body, **headers)
    assert status == 201, told
    return told


def test_a_retry_of_whatever_makes_something_makes_nothing_more(api):
    for path, body in bodies(api).items():
        before = total(api, path)
        first = send(api, path, body, FIRST)
        assert send(api, path, body, AGAIN) == first, path
        assert api.response["Idempotency-Replayed"] == "true"
        assert total(api, path) == before + 1, path


def test_a_first_try_in_the_same_words_is_another_request(api):
    body = {"name": "S", "icp_id": make_profile(api), "entity_type": "company"}
    first = send(api, "/v1/sheet", body, FIRST)
    second = send(api, "/v1/sheet", body, FIRST)
    assert second["id"] != first["id"]
    assert send(api, "/v1/sheet", body, AGAIN)["id"] == second["id"]
    assert send(api, "/v1/sheet", body, {})["id"] not in (first["id"], second["id"])


def test_a_retry_whose_first_try_never_came_or_long_ago_makes_it(api):
    body = {"name": "S", "icp_id": make_profile(api), "entity_type": "company"}
    first = send(api, "/v1/sheet", body, AGAIN)
    assert send(api, "/v1/sheet", body, AGAIN)["id"] == first["id"]
    GivenAnswer.objects.update(created_at=timezone.now() - 2 * RETRIED)
    assert send(api, "/v1/sheet", body, AGAIN)["id"] != first["id"]


def test_another_body_or_another_caller_is_no_retry(api, new_key):
    body = {"name": "S", "icp_id": make_profile(api), "entity_type": "company"}
    first = send(api, "/v1/sheet", body, FIRST)
    assert send(api, "/v1/sheet", body | {"name": "T"}, AGAIN)["id"] != first["id"]
    assert send(Api(new_key()), "/v1/sheet", body, AGAIN)["id"] != first["id"]


def test_a_refused_first_try_is_tried_again(api):
    body = {"name": "S", "icp_id": "0" * 24, "entity_type": "company"}
    assert [api.post("/v1/sheet", body, **headers)[0] for headers in (FIRST, AGAIN)] == [422, 422]
    assert not GivenAnswer.objects.exists()


def test_a_key_works_for_whatever_makes_something(api):
    for path, body in bodies(api).items():
        first = send(api, path, body, {"Idempotency_Key": "a" + path})
        assert send(api, path, body, {"Idempotency_Key": "a" + path}) == first, path
        status, answer = api.post(path, body | {"name": "Other"}, Idempotency_Key="a" + path)
        assert (status, answer["code"]) == (422, "idempotency_key_reused")


def test_a_file_that_is_sent_again_is_kept_once(api, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    def upload(content: bytes, **headers: str) -> Any:
        told = {"x-api-key": api.key} | {name.replace("_", "-"): text for name, text in headers.items()}
        file = SimpleUploadedFile("a.csv", content)
        response = api.client.post("/v1/files/upload", {"file": file}, headers=told)
        return response.status_code, response.json()

    first = upload(b"name\nAcme\n", **FIRST)
    assert first[0] == 201
    assert upload(b"name\nAcme\n", **AGAIN) == first
    assert upload(b"name\nBolt\n", **AGAIN)[1]["file_id"] != first[1]["file_id"]
    keyed = [upload(b"name\nCove\n", Idempotency_Key="k") for _ in range(2)]
    assert keyed[0] == keyed[1]
    assert upload(b"name\nDora\n", Idempotency_Key="k")[1]["code"] == "idempotency_key_reused"
    assert (UploadedFile.objects.count(), len(list((tmp_path / "api").iterdir()))) == (3, 3)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database that threads can share")
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_at_work_the_second_is_told_to_wait(api):
    body = {"name": "S", "icp_id": make_profile(api), "entity_type": "company"}
    held, answered = threading.Event(), threading.Event()

    def hold() -> None:
        """Stands for the first request, which is at work."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                name = f"key:{api.key.partition('.')[0]} k"
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
                held.set()
                answered.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    status, answer = api.post("/v1/sheet", body, **{HEADER: "k"})
    answered.set()
    thread.join(30)
    assert (status, answer["code"]) == (409, "in_progress")
    assert total(api, "/v1/sheet") == 0
    assert api.post("/v1/sheet", body, **{HEADER: "k"})[0] == 201
