from __future__ import annotations

import pytest

from crm.models import Account, IdealCustomerProfile, Sheet, SheetEntry
from enrichment.models import CustomAttribute
from tests.factories import make_account

pytestmark = pytest.mark.django_db

COMPANY = {
    "entity_type": "company",
    "root": True,
    "description": "## Fields\n- primary_product: Main product\n- employee_count: People",
}


def profile_body(**fields):
    return {"name": "Bulk", "description": "All", "mode": "discovery", "entity_targets": [COMPANY]} | fields


def test_a_profile_is_made_with_the_attributes_it_asks_for(api):
    made = api.made("/v1/icp", profile_body())
    assert len(made["id"]) == 24
    assert made["entity_targets"][0] == COMPANY | {"desired_count": None, "filters": []}
    assert list(CustomAttribute.objects.values_list("slug", "description")) == [
        ("primary_product", "Main product")
    ]
    assert api.get(f"/v1/icp/{made['id']}") == (200, made)


def test_two_profiles_may_have_one_name(api):
    first, second = (api.made("/v1/icp", profile_body())["id"] for _ in range(2))
    assert first != second


def test_a_profile_changes_only_where_it_is_told(api):
    made = api.made("/v1/icp", profile_body())
    person = {"entity_type": "person", "description": "- headline: of the profile", "desired_count": 3}
    status, changed = api.call(
        "PUT", f"/v1/icp/{made['id']}", {"name": None, "entity_targets": [COMPANY, person]}
    )
    assert status == 200
    assert (changed["name"], changed["description"]) == ("Bulk", "All")
    assert [target["desired_count"] for target in changed["entity_targets"]] == [None, 3]
    assert IdealCustomerProfile.objects.get().contact_text == "- headline: of the profile"


def test_deleting_a_profile_takes_its_sheets_and_no_record(api):
    made = api.made("/v1/icp", profile_body())
    sheet = Sheet.objects.create(name="S", profile=IdealCustomerProfile.objects.get())
    SheetEntry.objects.create(sheet=sheet, account=make_account())
    assert api.call("DELETE", f"/v1/icp/{made['id']}") == (204, b"")
    assert (Sheet.objects.count(), SheetEntry.objects.count(), Account.objects.count()) == (0, 0, 1)
    assert api.get(f"/v1/icp/{made['id']}")[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 5 * ["x"]}, "name"),
        ({"entity_targets": []}, "entity_targets"),
        ({"entity_targets": [COMPANY, COMPANY]}, "entity_targets"),
        ({"entity_targets": [COMPANY | {"entity_type": "job_board"}]}, "entity_targets.0.entity_type"),
        ({"entity_targets": [COMPANY | {"desired_count": 0}]}, "entity_targets.0.desired_count"),
        ({"mode": "guess"}, "mode"),
    ],
    ids=["blank", "list", "none", "twice", "kind", "count", "mode"],
)
def test_a_profile_that_makes_no_sense_is_refused(api, change, field):
    status, answer = api.post("/v1/icp", profile_body(**change))
    assert (status, list(answer["errors"])) == (422, [field])
    assert not IdealCustomerProfile.objects.exists()
    assert not CustomAttribute.objects.exists()


def test_profiles_are_listed_by_page_in_any_order(api):
    for name in ("b", "a", "c"):
        api.made("/v1/icp", profile_body(name=name))
    _, page = api.get("/v1/icp?page_size=2")
    assert ([icp["name"] for icp in page["icps"]], page["total"]) == (["c", "a"], 3)
    _, page = api.get("/v1/icp?sort_by=name&order=asc&page=2&page_size=2")
    assert [icp["name"] for icp in page["icps"]] == ["c"]
    assert api.get("/v1/icp?mode=monitoring")[1]["total"] == 0
    assert api.get("/v1/icp?page=1000000")[1]["icps"] == []


def test_a_profile_of_the_admin_is_read_as_targets(api):
    IdealCustomerProfile.objects.create(
        name="Ours", account_text="- headcount: people", contact_text="- headline: x"
    )
    (icp,) = api.get("/v1/icp")[1]["icps"]
    assert [(each["entity_type"], each["root"]) for each in icp["entity_targets"]] == [
        ("company", True),
        ("person", False),
    ]
