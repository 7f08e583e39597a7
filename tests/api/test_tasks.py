from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.utils import timezone

from crm import ingesting
from crm.models import Account, Sheet, SheetEntry
from enrichment import runs, tasks
from enrichment.models import ApiKey, ApiTask, CustomAttribute, EnrichmentRun, RunItem, RunOrigin
from tests.api.conftest import Api
from tests.api.queue import work_off
from tests.api.world import make_profile, make_sheet, tell
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "company_name,website\nAcme,acme.com\nNobody,nobody.example\n"


@pytest.fixture(autouse=True)
def quiet(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.fixture
def source(fakes) -> FakeSource:
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 7, "name": "Acme"})
    make_source("fake", rank=10, cadence="monthly")
    return cast(FakeSource, fakes["fake"])


def upload(api: Api, text: str = CSV, name: str = "batch.csv") -> str:
    file = SimpleUploadedFile(name, text.encode())
    response = api.client.post("/v1/files/upload", {"file": file}, headers={"x-api-key": api.key})
    return str(response.json()["file_id"])


def task_body(file_id: str, **fields: Any) -> dict[str, Any]:
    config = {
        "type": "ingest",
        "file_id": file_id,
        "primary_column": "company_name",
        "csv_entity_type": "company",
    }
    return {
        "name": "Enrich",
        "flow_name": "ingest",
        "deployment_name": "ingest/v1",
        "task_config": config,
    } | fields


def make_task(api: Api, **fields: Any) -> str:
    return str(api.made("/v1/task", task_body(upload(api), **fields))["id"])


def execute(api: Api, task_id: str, body: Any = None, **headers: str) -> str:
    status, answer = api.post(f"/v1/task/{task_id}/execute", body or {}, **headers)
    assert status == 200, answer
    return str(answer["run_id"])


def test_a_task_is_made_changed_listed_and_deleted(api):
    file_id = upload(api)
    status, made = api.post("/v1/task", task_body(file_id))
    assert status == 201
    assert made["task_config"] == task_body(file_id)["task_config"]
    assert api.get(f"/v1/task/{made['id']}") == (200, made)
    assert api.call("PUT", f"/v1/task/{made['id']}", {"name": "Other", "flow_name": "search"}) == (204, b"")
    (listed,) = api.get("/v1/task?flow_name=ingest")[1]["tasks"]
    assert (listed["name"], listed["flow_name"], listed["prompt"]) == ("Other", "ingest", "")
    assert api.get("/v1/task?flow_name=signal")[1]["total"] == 0
    assert api.call("DELETE", f"/v1/task/{made['id']}") == (204, b"")
    assert not ApiTask.objects.exists()


def test_discovery_is_outside_this_product(api):
    for body in (
        {"flow_name": "search", "name": "x"},
        task_body(upload(api), task_config={"type": "search"}),
    ):
        status, answer = api.post("/v1/task", body)
        assert status == 422
        assert "outside this product" in answer["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"file_id": "0" * 24}, "file_id"),
        ({"file_id": "abc"}, "file_id"),
        ({"primary_column": "nothing"}, "primary_column"),
        ({"csv_entity_type": "product"}, "csv_entity_type"),
        ({"type": "dance"}, None),
        ({"webhook_url": "nowhere"}, "webhook_url"),
        ({"webhook_url": "http://hooks.example.com/"}, "webhook_url"),
        ({"webhook_url": "https://10.0.0.1/hook"}, "webhook_url"),
    ],
    ids=["no file", "no id", "column", "kind", "type", "hook", "hook over http", "inner hook"],
)
def test_a_task_that_could_not_be_carried_out_is_refused(api, change, field):
    body = task_body(upload(api))
    body["task_config"] |= change
    status, answer = api.post("/v1/task", body)
    assert (status, list(answer["errors"])) == (422, [f"task_config.{field}" if field else "task_config"])


def test_executing_fills_the_sheet_of_the_profile_and_discards_whom_nobody_knows(api, source):
    icp = make_profile(api)
    run_id = execute(api, make_task(api), {"icp_id": icp})
    status, run = api.get(f"/v1/run/{run_id}")
    assert (status, run["status"], run["progress"]["total"]) == (200, "SCHEDULED", 0)
    assert [each["id"] for each in api.get(f"/v1/icp/{icp}/active_runs")[1]["runs"]] == [run_id]
    work_off()
    _, run = api.get(f"/v1/run/{run_id}")
    assert (run["status"], run["progress"]["completed"], run["icp_id"]) == ("COMPLETED", 2, icp)
    assert run["output"]["sources"] == {"fake": {"found": 1, "not_found": 1}}
    _, queue = api.get(f"/v1/run/{run_id}/queue")
    assert [(item["row_data"]["company_name"], item["state"]) for item in queue["items"]] == [
        ("Acme", "completed"), ("Nobody", "discarded"),
    ]  # fmt: skip
    assert (queue["total"], queue["completed"], queue["discarded"]) == (2, 1, 1)
    assert "no source knows it" in queue["items"][1]["reason"]
    (entity,) = api.get(f"/v1/entity?icp_id={icp}")[1]["entities"]
    assert entity["id"] == queue["items"][0]["entity_id"] == run["output"]["resources"]["entities_created"][0]
    assert entity["data"]["employee_count"]["value"] == 7
    assert (entity["sheet_name"], Account.objects.count()) == ("Bulk: companies", 1)
    assert api.get(f"/v1/run/{run_id}/queue?state=discarded")[1]["total"] == 1
    assert api.get(f"/v1/icp/{icp}/active_runs")[1] == {"runs": []}


def test_a_row_that_matches_a_record_is_completed_and_listed(api, source):
    make_account(name="Nobody", domain="nobody.example", name_key="nobody")
    sheet = make_sheet(api, make_profile(api))
    run_id = execute(api, make_task(api, sheet_id=f"{sheet.pk:024x}"))
    work_off()
    assert {item["state"] for item in api.get(f"/v1/run/{run_id}/queue")[1]["items"]} == {"completed"}
    assert SheetEntry.objects.filter(sheet=sheet).count() == 2
    assert api.get(f"/v1/run/{run_id}")[1]["sheet_id"] == f"{sheet.pk:024x}"


def test_a_doubtful_row_is_decided_over_the_api(api, source):
    berlin, boston = make_account(), make_account()
    for account, city in ((berlin, "Berlin"), (boston, "Boston")):
        tell(account, name="Acme", city=city)
    file_id = upload(api, "company_name\nAcme\n")
    run_id = execute(api, api.made("/v1/task", task_body(file_id))["id"])
    work_off()
    (item,) = api.get(f"/v1/run/{run_id}/queue?state=review")[1]["items"]
    assert {each["id"] for each in item["candidates"]} == {f"{berlin.pk:024x}", f"{boston.pk:024x}"}
    path = f"/v1/run/{run_id}/queue/{item['id']}"
    assert api.post(path, {"candidate": "0" * 24})[1]["code"] == "review_refused"
    assert api.post(path, {})[0] == 422
    status, told = api.post(path, {"candidate": f"{boston.pk:024x}"})
    assert (status, told["state"], told["record_id"]) == (200, "queued", f"{boston.pk:024x}")
    assert told["reason"].startswith("decided by Test")
    assert api.post(path, {"candidate": None})[0] == 409
    work_off()
    assert api.get(f"/v1/run/{run_id}")[1]["status"] == "COMPLETED"


def test_only_what_the_profile_asks_for_is_wanted(api, source):
    execute(api, make_task(api), {"icp_id": make_profile(api)})
    assert EnrichmentRun.objects.get().wanted == ["headcount", "tech_stack", "key_customers"]


def test_ondemand_tasks_add_fields_and_leave_some_out(api, source):
    icp = make_profile(api)
    body = task_body(upload(api))
    body["task_config"] |= {
        "type": "ingest-ondemand", "ignored_fields": ["tech_stack"], "new_custom_fields": [{"name": "Pets", "description": "Dogs"}],
    }  # fmt: skip
    execute(api, api.made("/v1/task", body)["id"], {"icp_id": icp})
    assert EnrichmentRun.objects.get().wanted == ["pets", "headcount", "key_customers"]
    assert CustomAttribute.objects.get(slug="pets").description == "Dogs"


def test_without_profile_and_sheet_a_sheet_is_made_after_the_file(api, source):
    execute(api, make_task(api))
    assert Sheet.objects.get().name == "batch.csv"


def test_the_primary_column_names_the_rows(api, source):
    file_id = upload(api, "who,site\nAcme,acme.com\n")
    body = task_body(file_id)
    body["task_config"]["primary_column"] = "who"
    execute(api, api.made("/v1/task", body)["id"])
    work_off()
    assert Account.objects.get().name == "Acme"


def test_people_go_into_a_sheet_of_people(api, fakes):
    file_id = upload(api, "full_name,linkedin_url\nAnn Ode,https://linkedin.com/in/annode\n")
    body = task_body(file_id)
    body["task_config"] |= {"primary_column": "full_name", "csv_entity_type": "person"}
    icp = make_profile(api)
    run_id = execute(
        api, api.made("/v1/task", body)["id"], {"icp_id": icp, "parameters": {"unmatched": "create"}}
    )
    work_off()
    (entity,) = api.get(f"/v1/entity?icp_id={icp}")[1]["entities"]
    assert (entity["entity_type"], entity["data"]["linkedin"]["value"]) == (
        "person", "https://www.linkedin.com/in/annode",
    )  # fmt: skip
    assert api.get(f"/v1/run/{run_id}")[1]["entity_type"] == "person"


def test_a_sheet_of_the_other_kind_is_refused(api, source):
    sheet = make_sheet(api, make_profile(api), entity_type="person")
    task_id = make_task(api, sheet_id=f"{sheet.pk:024x}")
    status, answer = api.post(f"/v1/task/{task_id}/execute", {})
    assert (status, answer["code"]) == (422, "run_refused")
    assert not EnrichmentRun.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"icp_id": "f" * 23 + "0"}, "icp_id"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"credit_limit": -1}}, "parameters.credit_limit"),
        ({"parameters": {"unmatched": "x"}}, "parameters.unmatched"),
        ({"parameters": {"sources": ["nobody"]}}, ""),
    ],
    ids=["icp", "list", "credits", "unmatched", "source"],
)
def test_an_order_that_makes_no_sense_is_refused(api, body, field):
    status, answer = api.post(f"/v1/task/{make_task(api)}/execute", body)
    assert (status, list(answer["errors"])) == (422, [field] if field else [])
    assert not EnrichmentRun.objects.exists()


def test_a_blind_retry_gets_the_same_run(api, source):
    task_id = make_task(api)
    first = execute(api, task_id, {"parameters": {"input_entities": []}})
    assert execute(api, task_id, {"parameters": {"input_entities": []}}) == first
    work_off()
    EnrichmentRun.objects.update(created_at=timezone.now())  # however long that took
    assert execute(api, task_id, {"parameters": {"input_entities": []}}) == first, (
        "even when the run has ended"
    )
    assert execute(api, task_id) != first, "another order is another run"
    EnrichmentRun.objects.update(created_at=F("created_at") - timedelta(seconds=60))
    again = execute(api, task_id, {"parameters": {"input_entities": []}}, x_stainless_retry_count="1")
    assert again == first, "a retry may come late"
    assert execute(api, task_id, {"parameters": {"input_entities": []}}) != first


def test_a_run_that_was_canceled_is_not_given_again(api, source):
    task_id = make_task(api)
    first = execute(api, task_id)
    assert api.post(f"/v1/run/{first}/cancel") == (204, b"")
    assert execute(api, task_id) != first
    work_off()
    assert api.get(f"/v1/run/{first}")[1]["status"] == "CANCELED"
    assert not RunItem.objects.filter(run=int(first, 16)).exists()


def test_an_idempotency_key_gives_the_same_answer_and_no_other_request(api, source):
    task_id = make_task(api)
    first = execute(api, task_id, Idempotency_Key="once")
    EnrichmentRun.objects.update(created_at=F("created_at") - timedelta(hours=1))
    assert execute(api, task_id, Idempotency_Key="once") == first
    assert api.response["Idempotency-Replayed"] == "true"
    status, answer = api.post(f"/v1/task/{task_id}/execute", {"parameters": {"a": 1}}, Idempotency_Key="once")
    assert (status, answer["code"]) == (422, "idempotency_key_reused")
    assert execute(api, task_id, Idempotency_Key="twice") != first
    assert EnrichmentRun.objects.count() == 2


def test_keys_do_not_share_their_idempotency_keys(api, source, new_key):
    task_id = make_task(api)
    first = execute(api, task_id, Idempotency_Key="once")
    assert execute(Api(new_key("enrich")), task_id, Idempotency_Key="once") != first


def test_a_refusal_is_not_remembered(api, source):
    task_id = make_task(api)
    bad = {"parameters": {"sources": ["nobody"]}}
    assert api.post(f"/v1/task/{task_id}/execute", bad, Idempotency_Key="k")[0] == 422
    execute(api, task_id, Idempotency_Key="k")


def test_a_file_that_is_gone_fails_the_run_with_its_reason(api, source, tmp_path):
    run_id = execute(api, make_task(api))
    for path in (tmp_path / "api").iterdir():
        path.unlink()
    work_off()
    _, run = api.get(f"/v1/run/{run_id}")
    assert (run["status"], run["error"]) == (
        "FAILED",
        "The file batch.csv is no longer there: upload it again.",
    )


def test_a_lost_message_is_made_good_by_the_sweep(api, source, monkeypatch):
    monkeypatch.setattr(ingesting, "async_task", lambda *_: None)
    run_id = execute(api, make_task(api))
    monkeypatch.undo()
    assert work_off() == 0
    EnrichmentRun.objects.update(created_at=F("created_at") - timedelta(seconds=30))
    tasks.sweep()
    work_off()
    assert api.get(f"/v1/run/{run_id}")[1]["status"] == "COMPLETED"


def test_a_run_in_work_is_not_woken_where_a_second_worker_would_wait(api, source, monkeypatch):
    run_id = int(execute(api, make_task(api)), 16)
    now = timezone.now() + timedelta(seconds=60)
    assert ingesting.sweep(now) == 1
    EnrichmentRun.objects.filter(pk=run_id).update(
        summary={"starts": 1, "started": timezone.now().isoformat()}
    )
    assert ingesting.sweep(now) == (0 if connection.vendor == "sqlite" else 1)
    assert ingesting.sweep(now + timedelta(minutes=6)) == 1


def test_a_message_delivered_twice_fills_a_run_once(api, source):
    run_id = int(execute(api, make_task(api)), 16)
    ingesting.fill(run_id)
    ingesting.fill(run_id)
    assert RunItem.objects.filter(run=run_id).count() == 2


def test_a_file_that_kills_its_worker_is_given_up(api, source, monkeypatch):
    run_id = int(execute(api, make_task(api)), 16)

    class Killed(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> None:
        raise Killed

    monkeypatch.setattr(ingesting, "read", die)
    for _ in range(3):
        with pytest.raises(Killed):
            ingesting.fill(run_id)
    ingesting.fill(run_id)
    run = EnrichmentRun.objects.get(pk=run_id)
    assert (run.status, run.error) == ("FAILED", "The file was given up: its worker ended 3 times.")


def test_a_task_with_a_run_that_is_going_is_not_deleted(api, source):
    task_id = make_task(api)
    run_id = execute(api, task_id)
    assert api.call("DELETE", f"/v1/task/{task_id}")[1]["code"] == "run_active"
    work_off()
    assert api.call("DELETE", f"/v1/task/{task_id}")[0] == 204
    assert api.get(f"/v1/run/{run_id}")[1]["task_id"] is None


def test_a_run_never_costs_more_than_its_key_has_left(api, source, new_key):
    poor = Api(new_key("enrich", monthly_limit=5))
    task_id = make_task(api)
    execute(poor, task_id, {"parameters": {"credit_limit": 100}})
    execute(poor, task_id, {"parameters": {"credit_limit": 3}})
    limits = EnrichmentRun.objects.order_by("pk").values_list("credit_limit", flat=True)
    assert list(limits) == [5, 0]
    assert RunOrigin.objects.filter(key=ApiKey.objects.get(monthly_limit=5)).count() == 2


def test_the_words_of_older_clients_say_the_same(api):
    file_id = upload(api)
    for told in ({"config_type": "ingest-task", "version": "v1.0"}, {}):
        config = told | {"file_id": file_id, "primary_column": "company_name", "csv_entity_type": "company"}
        assert api.made("/v1/task", task_body(file_id, task_config=config))["task_config"]["type"] == "ingest"
    prompt = {"prompt": "What does {{ company_name }} sell?"}
    for body in (
        {"task_config": prompt | {"config_type": "profile-prompt"}},
        {"task_config": prompt},
        prompt,
    ):
        made = api.made("/v1/task", {"name": "Ask", "flow_name": "profile"} | body)
        assert made["task_config"] == prompt | {"type": "profile"}
    for config in ({"config_type": "search-task"}, {"config_type": "search-prompt", "prompt": "x"}):
        status, answer = api.post("/v1/task", task_body(file_id, task_config=config))
        assert (status, "outside this product" in answer["detail"]) == (422, True)
    status, answer = api.post("/v1/task", {"name": "Nothing", "flow_name": "ingest"})
    assert (status, list(answer["errors"])) == (422, ["task_config"])
