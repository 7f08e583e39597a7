"""The official client, unmodified: every method it has, in both forms, against our live server, answers checked strictly."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import linkt
import pytest

from enrichment import runs
from tests.api.conftest import Api
from tests.api.queue import work_off
from tests.api.world import WANTED
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning"
    ),  # the client's own methods that it calls deprecated
]

CSV = "company_name,website\nAcme,acme.com\nNobody,nobody.example\n"
RESOURCES = ("icp", "sheet", "sheet.schema", "entity", "files", "run", "task", "schedule", "signal")
NOT_CALLS = {"with_raw_response", "with_streaming_response", "schema"}

Answers = dict[str, Any]
Step = tuple[str, Callable[[Answers], dict[str, Any]]]
WORK: Step = ("work", lambda a: {})


def config(a: Answers) -> dict[str, Any]:
    return {
        "type": "ingest", "file_id": a["files.upload"].file_id, "primary_column": "company_name", "csv_entity_type": "company",
    }  # fmt: skip


def entity(a: Answers) -> str:
    return str(a["entity.list"].entities[0].id)


STEPS: tuple[Step, ...] = (
    ("icp.create", lambda a: {
        "name": "Bulk", "description": "d", "entity_targets": [{"entity_type": "company", "description": WANTED, "root": True}],
    }),
    ("icp.retrieve", lambda a: {"icp_id": a["icp.create"].id}),
    ("icp.update", lambda a: {"icp_id": a["icp.create"].id, "name": "Bulk 2"}),
    ("icp.list", lambda a: {"mode": "discovery", "order": -1, "page": 1, "page_size": 20, "sort_by": "created_at"}),
    ("sheet.create", lambda a: {
        "name": "Companies", "description": "d", "icp_id": a["icp.create"].id, "entity_type": "company",
    }),
    ("sheet.retrieve", lambda a: {"sheet_id": a["sheet.create"].id}),
    ("sheet.update", lambda a: {"sheet_id": a["sheet.create"].id, "name": "All companies"}),
    ("sheet.list", lambda a: {"icp_id": a["icp.create"].id, "entity_type": "company", "order": 1}),
    ("sheet.schema.add_fields", lambda a: {
        "sheet_id": a["sheet.create"].id, "fields": [{"name": "pets", "field_type": "integer", "description": "Dogs"}],
    }),
    ("sheet.schema.get", lambda a: {"sheet_id": a["sheet.create"].id}),
    ("sheet.schema.delete_fields", lambda a: {"sheet_id": a["sheet.create"].id, "fields": ["pets"]}),
    ("sheet.schema.get_default", lambda a: {}),
    ("sheet.schema.get_field_definitions", lambda a: {}),
    ("files.upload", lambda a: {"file": CSV}),
    ("files.retrieve", lambda a: {"file_id": a["files.upload"].file_id}),
    ("files.list", lambda a: {"page": 1, "page_size": 10}),
    ("task.create", lambda a: {
        "name": "Enrich", "description": "d", "flow_name": "ingest", "deployment_name": "main", "icp_id": a["icp.create"].id,
        "task_config": config(a),
    }),
    ("task.retrieve", lambda a: {"task_id": a["task.create"].id}),
    ("task.update", lambda a: {"task_id": a["task.create"].id, "description": "e"}),
    ("task.list", lambda a: {"flow_name": "ingest", "sort_by": "name"}),
    ("task.execute", lambda a: {
        "task_id": a["task.create"].id, "icp_id": a["icp.create"].id, "parameters": {"input_entities": []},
    }),
    ("icp.get_active_runs", lambda a: {"icp_id": a["icp.create"].id}),
    ("run.retrieve", lambda a: {"run_id": a["task.execute"].run_id}),
    WORK,
    ("run.get_queue", lambda a: {"run_id": a["task.execute"].run_id, "state": "completed", "include_history": True, "limit": 10}),
    ("run.list", lambda a: {"status": "COMPLETED", "task_type": "ingest", "created_after": "2020-01-01T00:00:00Z"}),
    ("entity.list", lambda a: {
        "icp_id": [a["icp.create"].id], "status": ["new", "reviewed"], "fields": "name,employees", "hide_duplicates": True,
    }),
    ("entity.retrieve", lambda a: {"entity_id": entity(a)}),
    ("entity.update", lambda a: {"entity_id": entity(a), "status": "reviewed", "comments": "Call"}),
    ("entity.bulk_update_status", lambda a: {"entity_ids": [entity(a)], "status": "contacted"}),
    ("entity.get_counts", lambda a: {"icp_id": [a["icp.create"].id], "status": ["contacted"]}),
    ("entity.search", lambda a: {"q": "acme", "entity_type": "company", "sheet_id": a["sheet.create"].id}),
    ("entity.export", lambda a: {"format": "combined", "entity_ids": [entity(a)]}),
    ("schedule.create", lambda a: {
        "name": "Weekly", "task_id": a["task.create"].id, "icp_id": a["icp.create"].id, "cron_expression": "0 3 * * 1",
        "parameters": {"x": 1},
    }),
    ("schedule.retrieve", lambda a: {"schedule_id": a["schedule.create"].id}),
    ("schedule.update", lambda a: {"schedule_id": a["schedule.create"].id, "status": "paused"}),
    ("schedule.list", lambda a: {"status": "paused", "icp_id": a["icp.create"].id}),
    ("schedule.delete", lambda a: {"schedule_id": a["schedule.create"].id}),
    ("signal.list", lambda a: {"icp_id": a["icp.create"].id, "days": 30}),
    ("run.create", lambda a: {"agent_id": a["task.create"].id, "parameters": {"again": True}, "icp_id": a["icp.create"].id}),
    ("run.cancel", lambda a: {"run_id": a["run.create"]["run_id"]}),
    ("run.delete", lambda a: {"run_id": a["run.create"]["run_id"]}),
    ("entity.delete", lambda a: {"entity_id": entity(a)}),
    ("task.delete", lambda a: {"task_id": a["task.create"].id}),
    ("sheet.delete", lambda a: {"sheet_id": a["sheet.create"].id}),
    ("icp.delete", lambda a: {"icp_id": a["icp.create"].id}),
)  # fmt: skip


@pytest.fixture(autouse=True)
def world(
    fakes: dict[str, FakeSource], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 1234, "name": "Acme"})
    make_source("fake", rank=10, cadence="monthly")


@pytest.fixture
def options(live_server: Any, api: Api) -> dict[str, Any]:
    return {
        "base_url": live_server.url,
        "api_key": api.key,
        "max_retries": 0,
        "_strict_response_validation": True,
    }


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[linkt.Linkt]:
    with linkt.Linkt(**options) as made:
        yield made


def method(client: Any, name: str) -> Any:
    """A method of the client; strictly it takes JSON only, and an export is CSV."""
    if name == "entity.export":
        client = client.copy(_extra_kwargs={"_strict_response_validation": False})
    for part in name.split("."):
        client = getattr(client, part)
    return client


def check(answers: Answers) -> None:
    """What the answers must say, beyond having the right shape."""
    assert answers["icp.update"].name == "Bulk 2"
    assert answers["files.retrieve"].csv_metadata["row_count"] == 2
    assert answers["task.execute"].status == "SCHEDULED"
    assert answers["run.get_queue"].entities[0]["row_data"]["company_name"] == "Acme"
    assert answers["run.list"].runs[0]["id"] == answers["task.execute"].run_id
    assert answers["entity.list"].entities[0].data["employees"]["value"] == "1234"
    assert set(answers["entity.list"].entities[0].data) == {"name", "employees"}
    assert answers["entity.update"].status == "reviewed"
    assert answers["entity.bulk_update_status"].updated_count == 1
    assert answers["entity.search"].entities[0].data["employee_count"]["display"] == "1,234"
    assert "1234" in answers["entity.export"]
    assert answers["schedule.list"].schedules[0].status == "paused"
    assert answers["icp.delete"] is None


def test_every_method_is_called():
    every = {
        f"{resource}.{name}"
        for resource in RESOURCES
        for name, _ in inspect.getmembers(type(method(linkt.Linkt(api_key="x"), resource)))
        if not name.startswith("_") and name not in NOT_CALLS
    }
    assert every - {name for name, _ in STEPS} == {"signal.retrieve"}, "there is no signal to retrieve"


def test_every_method_works(client):
    answers: Answers = {}
    for name, arguments in STEPS:
        answers[name] = work_off() if name == "work" else method(client, name)(**arguments(answers))
    check(answers)


def test_every_method_works_async(options):
    answers: Answers = {}
    with asyncio.Runner() as runner:
        client = linkt.AsyncLinkt(**options)
        for name, arguments in STEPS:
            if name == "work":
                work_off()
            else:
                answers[name] = runner.run(method(client, name)(**arguments(answers)))
        runner.run(client.close())
    check(answers)


def test_refusals_become_the_clients_own_errors(client, options):
    with pytest.raises(linkt.NotFoundError) as missing:
        client.icp.retrieve("0" * 24)
    assert missing.value.body["code"] == "not_found"  # type: ignore[index]
    with pytest.raises(linkt.NotFoundError):
        client.signal.retrieve("0" * 24)
    with pytest.raises(linkt.UnprocessableEntityError, match="outside this product"):
        client.task.create(name="x", description="d", flow_name="search", deployment_name="main")
    with linkt.Linkt(**options | {"api_key": "wrong"}) as stranger, pytest.raises(linkt.AuthenticationError):
        stranger.icp.list()


def test_a_blind_retry_of_the_client_makes_one_run(client, options, monkeypatch):
    made = client.icp.create(
        name="x", description="d", entity_targets=[{"entity_type": "company", "description": "d"}]
    )
    file = client.files.upload(file=CSV)
    told = config({"files.upload": file})
    task = client.task.create(
        name="x", description="d", flow_name="ingest", deployment_name="main", task_config=told
    )
    from enrichment.api import base

    lost: list[str] = []
    finalize = base.ApiView.finalize_response

    def lose_the_first(self: Any, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = finalize(self, request, response, *args, **kwargs)
        if request.path.endswith("/execute") and not lost:
            lost.append(response.data["run_id"])
            answer.status_code = 503  # a gateway that gave up
        return answer

    monkeypatch.setattr(base.ApiView, "finalize_response", lose_the_first)
    with linkt.Linkt(**options | {"max_retries": 2}) as patient:
        assert patient.task.execute(task.id, icp_id=made.id).run_id == lost[0]
    assert client.run.list().total == 1
