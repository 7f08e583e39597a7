from __future__ import annotations

from typing import Any

import pytest

from crm.models import Sheet
from enrichment import runs
from enrichment.models import EnrichmentRun, RunItem
from tests.api.conftest import Api
from tests.api.test_tasks import make_task
from tests.api.world import list_account, list_contact, make_profile, make_sheet
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def source(fakes, settings, tmp_path) -> FakeSource:
    settings.MEDIA_ROOT = tmp_path
    fake = fakes["fake"] = FakeSource("fake", acme_com={"headcount": 7})
    make_source("fake", rank=10, cost=2, cadence="monthly")
    return fake


@pytest.fixture
def sheet(api) -> Sheet:
    return make_sheet(api, make_profile(api))


def started(api: Api, **body: Any) -> EnrichmentRun:
    made = api.made("/v1/run", body)
    return EnrichmentRun.objects.get(pk=int(made["id"], 16))


def accounts_of(run: EnrichmentRun) -> list[int]:
    return list(RunItem.objects.filter(run=run).order_by("position").values_list("account", flat=True))


def test_a_run_is_started_over_entities(api, sheet):
    entity, account = list_account(sheet, name="Acme", domain="acme.com")
    list_account(sheet, name="Bolt", domain="bolt.io")
    run = started(api, entity_ids=[entity], attributes=["employee_count"], credit_limit=9, name="Mine")
    assert (accounts_of(run), run.wanted, run.credit_limit, run.name) == (
        [account.pk],
        ["headcount"],
        9,
        "Mine",
    )
    runs.work(run.pk, until=lambda: False)
    account.refresh_from_db()
    assert account.value("headcount") == 7


def test_a_run_is_started_over_a_sheet_a_profile_or_a_filter(api, sheet):
    _, account = list_account(sheet, name="Acme", domain="acme.com", headcount=50)
    _, other = list_account(make_sheet(api, make_profile(api)), name="Bolt", domain="bolt.io", headcount=5)
    of_sheet = started(api, sheet_id=f"{sheet.pk:024x}")
    assert (accounts_of(of_sheet), of_sheet.sheet) == ([account.pk], sheet)
    assert of_sheet.wanted == ["headcount", "tech_stack", "key_customers"]
    assert accounts_of(started(api, icp_id=f"{sheet.profile_id:024x}")) == [account.pk]
    small = [{"attribute": "employee_count", "op": "lt", "value": "10"}]
    assert accounts_of(started(api, filters=small, attributes=["headcount"])) == [other.pk]
    assert accounts_of(started(api, account_ids=[f"{other.pk:024x}"])) == [other.pk]
    listed = api.get(f"/v1/run?icp_id={sheet.profile_id:024x}")[1]
    assert listed["total"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"entity_ids": ["0" * 24]}, "entity_ids"),
        ({"account_ids": ["0" * 24], "contact_ids": ["0" * 24]}, "entity_ids"),
        ({"account_ids": ["0" * 24], "attributes": ["colour"]}, "attributes"),
        ({"account_ids": ["0" * 24], "sources": ["nobody"]}, "sources"),
        ({"account_ids": ["0" * 24], "credit_limit": 10**12}, "credit_limit"),
        ({"filters": [{"attribute": "headcount", "op": "gt", "value": "many"}]}, "filters"),
        ({"filters": [{"attribute": "headcount", "op": "near"}]}, "filters.0.op"),
        ({"sheet_id": "0" * 24}, "sheet_id"),
        ({"account_ids": ["0" * 24]}, ""),
    ],
    ids=["none", "unknown", "two", "attribute", "source", "credits", "value", "op", "sheet", "nobody"],
)  # fmt: skip
def test_a_run_over_nobody_or_nothing_is_refused(api, body, field):
    for path in ("/v1/run", *(["/v1/plan"] if field and field != "credit_limit" else [])):
        status, answer = api.post(path, body)
        assert (status, list(answer["errors"])) == (422, [field] if field else [])
    assert not EnrichmentRun.objects.filter(asks=True, items__isnull=False).exists()


def test_companies_and_people_are_not_mixed(api, sheet):
    people = make_sheet(api, f"{sheet.profile_id:024x}", entity_type="person")
    ids = [list_account(sheet, name="Acme")[0], list_contact(people, name="Ann")[0]]
    assert "runs of their own" in api.post("/v1/run", {"entity_ids": ids})[1]["detail"]


def test_a_plan_says_what_a_run_would_cost_and_asks_nobody(api, sheet, source):
    for number in range(3):
        list_account(sheet, name=f"A{number}", domain=f"a{number}.com")
    list_account(sheet, name="No domain")
    status, plan = api.post("/v1/plan", {"sheet_id": f"{sheet.pk:024x}", "attributes": ["headcount"]})
    assert status == 200
    assert (plan["records"], plan["credits"], plan["attributes"]) == (
        4,
        6 + 2 * source_asks_names(source),
        ["headcount"],
    )
    assert source.asked == []
    assert not EnrichmentRun.objects.filter(asks=True, items__isnull=False).exists()


def source_asks_names(source: FakeSource) -> bool:
    """Whether the source can be asked about the account that has a name only."""
    return any("domain" not in need for need in source.needs)


def test_a_key_that_may_only_read_plans_and_does_not_start(new_key, sheet):
    list_account(sheet, name="Acme", domain="acme.com")
    reader = Api(new_key("read"))
    assert reader.post("/v1/plan", {"sheet_id": f"{sheet.pk:024x}"})[0] == 200
    assert reader.post("/v1/run", {"sheet_id": f"{sheet.pk:024x}"})[0] == 403


def test_an_idempotency_key_starts_one_run(api, sheet):
    list_account(sheet, name="Acme", domain="acme.com")
    body = {"sheet_id": f"{sheet.pk:024x}"}
    first, second = (api.post("/v1/run", body, Idempotency_Key="k")[1]["id"] for _ in range(2))
    assert first == second


def test_a_key_starts_no_run_beyond_its_limit(new_key, sheet, source):
    entity, _ = list_account(sheet, name="Acme", domain="acme.com")
    poor = Api(new_key("enrich", monthly_limit=1))
    run = started(poor, entity_ids=[entity])
    runs.work(run.pk, until=lambda: False)
    assert (run.credit_limit, source.asked) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_the_older_form_executes_a_task(api, sheet):
    made = api.made(
        "/v1/run", {"agent_id": make_task(api), "parameters": {}, "icp_id": f"{sheet.profile_id:024x}"}
    )
    assert (made["status"], made["run_id"], made["task_type"]) == ("SCHEDULED", made["id"], "ingest")
    assert api.post("/v1/run", {"agent_id": "0" * 24, "parameters": {}})[0] == 422
