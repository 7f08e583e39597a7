from __future__ import annotations

import pytest

from crm.models import Account
from enrichment.models import Budget
from tests.api.conftest import Api
from tests.api.world import list_contact, make_profile, make_sheet, tell
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(api) -> Account:
    account = make_account()
    tell(account, name="Acme", headcount=5)
    tell(account, at=10, name="Acme", headcount=9)
    return account


def path(account: Account, query: str = "") -> str:
    return f"/v1/value?account_id={account.pk:024x}&{query}"


def test_the_current_values_of_a_record_are_told(api, acme):
    status, page = api.get(path(acme))
    assert (status, page["total"], [row["attribute"] for row in page["values"]]) == (
        200,
        2,
        ["name", "headcount"],
    )
    count = page["values"][1]
    assert (count["value"], count["display"], count["unit"], count["source"]) == (
        9,
        "9",
        "people",
        "spreadsheet",
    )
    assert (count["created_at"], count["references"]) == ("2026-01-15T10:00:00Z", ["csv_import"])
    assert page["values"][0]["updated_at"] == "2026-01-15T10:00:00Z"


def test_history_the_past_and_each_source_are_told(api, acme):
    history = api.get(path(acme, "attribute=employee_count&view=history"))[1]["values"]
    assert [(row["value"], row["state"]) for row in history] == [(9, "live"), (5, "superseded")]
    assert history[1]["superseded_at"] == "2026-01-15T10:00:00Z" and history[1]["run_id"]
    (then,) = api.get(path(acme, "attribute=headcount&as_of=2026-01-10T00:00:00Z"))[1]["values"]
    assert (then["value"], then["created_at"]) == (5, "2026-01-05T10:00:00Z")
    assert api.get(path(acme, "as_of=2025-01-10T00:00:00Z"))[1]["values"] == []
    api.call("PATCH", f"/v1/account/{acme.pk:024x}", {"values": {"headcount": 7}})
    told = api.get(path(acme, "attribute=headcount&view=sources"))[1]["values"]
    assert {row["source"]: row["value"] for row in told} == {"spreadsheet": 9, "api": 7}
    assert [row["value"] for row in api.get(path(acme, "attribute=headcount"))[1]["values"]] == [7], (
        "api ranks first"
    )
    assert [row["value"] for row in api.get(path(acme, "view=sources&source=api"))[1]["values"]] == [7]
    assert len(api.get(path(acme, "view=history&page_size=1&page=2"))[1]["values"]) == 1


def test_a_pin_stands_until_it_is_released(api, acme):
    body = {"account_id": f"{acme.pk:024x}", "attribute": "employees"}
    status, row = api.post("/v1/value/pin", body | {"value": "1,000"})
    assert (status, row["value"], row["is_pinned"], row["references"]) == (200, 1000, True, ["user:Test"])
    tell(acme, at=20, headcount=3)
    assert api.get(path(acme, "attribute=headcount"))[1]["values"][0]["value"] == 1000
    assert api.post("/v1/value/release", body)[1]["value"] == 3
    only = body | {"attribute": "industry"}
    assert api.post("/v1/value/pin", only | {"value": "Fintech"})[0] == 200
    assert api.post("/v1/value/release", only) == (204, b"")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"attribute": "colour"}, "attribute"),
        ({"value": "many"}, "value"),
        ({"value": None}, "value"),
        ({"value": {"a": 1}}, "value"),
        ({"value": ""}, "value"),
        ({"contact_id": "0" * 24}, "non_field_errors"),
        ({"account_id": "0" * 24}, "account_id"),
    ],
    ids=["attribute", "text", "null", "object", "blank", "two", "nobody"],
)
def test_a_pin_that_makes_no_sense_is_refused(api, acme, change, field):
    body = {"account_id": f"{acme.pk:024x}", "attribute": "headcount", "value": 5} | change
    status, answer = api.post("/v1/value/pin", body)
    assert (status, list(answer["errors"])) == (422, [field])
    assert api.get(path(acme, "attribute=headcount"))[1]["values"][0]["value"] == 9


def test_values_of_an_entity_and_of_a_contact_are_told(api):
    sheet = make_sheet(api, make_profile(api), entity_type="person")
    entity, contact = list_contact(sheet, name="Ann")
    for query in (f"entity_id={entity}", f"contact_id={contact.pk:024x}"):
        assert api.get(f"/v1/value?{query}")[1]["values"][0]["value"] == "Ann"
    assert api.get("/v1/value")[0] == 422


def test_sources_say_what_they_answer_and_cost(api, fakes):
    fakes["fake"] = FakeSource("fake")
    source = make_source("fake", rank=3, cost=2, monthly_limit=10)
    from django.utils import timezone

    from enrichment.budget import period_of

    Budget.objects.create(
        scope=f"source:{source.pk}:{period_of(source, timezone.now())}", spent=3, reserved=1
    )
    status, told = api.get("/v1/source/fake")
    assert (status, told["budget_left"], told["provides"], told["is_asked"]) == (
        200,
        6,
        ["headcount", "industry"],
        True,
    )
    assert (told["health"], told["has_key"], told["key_variable"]) == ("ok", None, None)
    listed = api.get("/v1/source")[1]["sources"]
    assert [each["slug"] for each in listed[:2]] == ["user", "fake"]
    assert api.get("/v1/source/nobody")[0] == 404


def test_pins_need_the_scope_write(new_key, acme):
    body = {"account_id": f"{acme.pk:024x}", "attribute": "headcount", "value": 5}
    assert Api(new_key("read")).post("/v1/value/pin", body)[0] == 403
