from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from crm.models import Account, Contact, Sheet, SheetEntry
from enrichment.models import CustomAttribute
from tests.api.world import list_account, list_contact, make_profile, make_sheet, tell
from tests.factories import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def sheet(api) -> Sheet:
    return make_sheet(api, make_profile(api))


@pytest.fixture
def people(api, sheet) -> Sheet:
    return make_sheet(api, f"{sheet.profile_id:024x}", name="People", entity_type="person")


def names(answer) -> list[str]:
    status, page = answer
    assert status == 200, page
    return [entity["data"]["name"]["value"] for entity in page["entities"]]


def test_a_sheet_is_made_read_changed_and_deleted(api, sheet):
    path = f"/v1/sheet/{sheet.pk:024x}"
    status, told = api.get(path)
    assert (status, told["entity_type"], told["description"]) == (200, "company", "")
    assert told["icp_id"] == f"{sheet.profile_id:024x}"
    assert api.call("PUT", path, {"name": "Others", "description": None}) == (204, b"")
    assert api.get("/v1/sheet?entity_type=company")[1]["sheets"][0]["name"] == "Others"
    assert api.get("/v1/sheet?entity_type=person")[1]["total"] == 0
    assert api.get(f"/v1/sheet?icp_id={sheet.profile_id + 1:024x}")[1]["total"] == 0
    list_account(sheet, name="Acme")
    assert api.call("DELETE", path) == (204, b"")
    assert (SheetEntry.objects.count(), Account.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"icp_id": "f" * 24}, "icp_id"), ({"icp_id": f"{2**62:024x}"}, "icp_id"), ({"icp_id": 5}, "icp_id"),
     ({"entity_type": "product"}, "entity_type"), ({"name": None}, "name")],
    ids=["large", "nobody", "number", "product", "null"],
)  # fmt: skip
def test_a_sheet_that_makes_no_sense_is_refused(api, change, field):
    body = {"name": "S", "icp_id": make_profile(api), "entity_type": "company"} | change
    status, answer = api.post("/v1/sheet", body)
    assert (status, list(answer["errors"])) == (422, [field])


def test_values_stand_under_our_slugs_the_v1_names_and_the_names_asked_for(api, sheet):
    entity_id, _ = list_account(
        sheet,
        name="Acme",
        domain="acme.com",
        headcount=1234,
        city="Berlin",
        country="Germany",
        tech_stack=["Django"],
    )
    status, entity = api.get(f"/v1/entity/{entity_id}")
    assert status == 200
    data = entity["data"]
    assert data["headcount"]["value"] == data["employee_count"]["value"] == 1234
    assert data["employees"]["value"] == "1234"
    assert data["employee_count"]["display"] == "1,234"
    assert data["website"]["value"] == "https://acme.com"
    assert data["headquarters"]["value"] == "Berlin, Germany"
    assert data["tech_stack"] == {
        "value": ["Django"], "display": "Django", "references": ["csv_import"], "source": "spreadsheet",
        "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-05T10:00:00Z",
    }  # fmt: skip
    assert "key_customers" not in data
    assert (entity["entity_type"], entity["status"], entity["icp_id"]) == (
        "company",
        "new",
        f"{sheet.profile_id:024x}",
    )


def test_people_have_their_v1_names(api, people):
    entity_id, _ = list_contact(
        people, name="Ann Ode", email="ann@acme.com", job_title="CEO", phone="+4930123456"
    )
    data = api.get(f"/v1/entity/{entity_id}")[1]["data"]
    assert (data["title"]["value"], data["mobile_phone"]["value"]) == ("CEO", "+4930123456")


def test_checking_again_moves_the_date_of_the_value(api, sheet):
    entity_id, account = list_account(sheet, headcount=5)
    tell(account, at=3, headcount=5)
    entry = api.get(f"/v1/entity/{entity_id}")[1]["data"]["headcount"]
    assert (entry["created_at"], entry["updated_at"]) == ("2026-01-05T10:00:00Z", "2026-01-08T10:00:00Z")


def test_entities_are_filtered_in_both_spellings_of_lists(api, sheet, people):
    list_account(
        sheet, {"status": "passed", "external_id": "001", "external_source": "salesforce"}, name="Acme"
    )
    list_account(sheet, {"status": "reviewed"}, name="Bolt")
    list_account(sheet, name="Cove", domain="cove.io")
    list_contact(people, name="Dora")
    icp = f"{sheet.profile_id:024x}"
    assert names(api.get(f"/v1/entity?icp_id={icp}&sort_by=name&order=1")) == ["Acme", "Bolt", "Cove", "Dora"]
    assert names(api.get("/v1/entity?status=passed,reviewed&order=asc")) == ["Acme", "Bolt"]
    assert names(api.get("/v1/entity?status=passed&status=reviewed&order=asc")) == ["Acme", "Bolt"]
    assert names(api.get("/v1/entity?status=new&entity_type=company")) == ["Cove"]
    assert names(api.get("/v1/entity?external_id=001")) == ["Acme"]
    assert names(api.get("/v1/entity?external_id=001&external_source=hubspot")) == []
    assert names(api.get(f"/v1/entity?sheet_id={people.pk:024x}")) == ["Dora"]
    assert names(api.get("/v1/entity/search?q=COVE.")) == ["Cove"]
    assert api.get("/v1/entity/search?q=x")[1]["query"] == "x"
    assert api.get("/v1/entity/counts")[1] == {"total": 4, "counts": {"company": 3, "person": 1}}
    page = api.get("/v1/entity?fields=name,website&status=new&entity_type=company")[1]
    assert set(page["entities"][0]["data"]) == {"name", "website"}


@pytest.mark.parametrize(
    "query", ["status=old", "icp_id=12", "entity_type=product", "page_size=1000", "hide_duplicates=2"]
)
def test_a_filter_that_makes_no_sense_is_refused(api, query):
    assert api.get(f"/v1/entity?{query}")[0] == 422


def test_a_record_in_two_sheets_is_listed_once_when_duplicates_are_hidden(api, sheet):
    other = make_sheet(api, f"{sheet.profile_id:024x}", name="More")
    _, account = list_account(sheet, name="Acme")
    SheetEntry.objects.create(sheet=other, account=account)
    list_account(other, name="Bolt")
    assert names(api.get("/v1/entity?sort_by=name")) == ["Bolt", "Acme", "Acme"]
    assert names(api.get("/v1/entity?sort_by=name&hide_duplicates=true")) == ["Bolt", "Acme"]
    assert names(api.get(f"/v1/entity?hide_duplicates=1&sheet_id={other.pk:024x}&order=1")) == [
        "Acme",
        "Bolt",
    ]


def test_an_entity_says_where_else_its_record_stands(api, sheet):
    other = make_sheet(api, make_profile(api, name="Other"), name="More")
    first, account = list_account(sheet, name="Acme")
    assert api.get(f"/v1/entity/{first}")[1]["duplicate_info"] is None
    second = f"{SheetEntry.objects.create(sheet=other, account=account).pk:024x}"
    primary = api.get(f"/v1/entity/{first}")[1]["duplicate_info"]
    assert (primary["is_primary"], primary["duplicate_entity_ids"]) == (True, [second])
    assert primary["duplicate_icps"] == [{"icp_id": f"{other.profile_id:024x}", "icp_name": "Other"}]
    copy = api.get(f"/v1/entity/{second}")[1]["duplicate_info"]
    assert (copy["is_duplicate"], copy["primary_entity_id"], copy["primary_icp_name"]) == (
        True,
        first,
        "Bulk",
    )


def test_status_and_comments_are_set_with_put_and_patch(api, sheet):
    entity_id, account = list_account(sheet, name="Acme")
    status, entity = api.call(
        "PUT", f"/v1/entity/{entity_id}", {"status": "reviewed", "propagate_to_family": False}
    )
    assert (status, entity["status"], entity["comments"]) == (200, "reviewed", None)
    assert api.call("PATCH", f"/v1/entity/{entity_id}", {"comments": "Call"})[1]["comments"] == "Call"
    account.refresh_from_db()
    assert (account.status, account.comments) == ("reviewed", "Call")
    assert api.call("PUT", f"/v1/entity/{entity_id}", {"status": "old"})[0] == 422


def test_one_status_for_many_names_those_that_are_missing(api, sheet, people):
    first, _ = list_account(sheet, name="Acme")
    second, _ = list_contact(people, name="Dora")
    body = {"entity_ids": [first, second, "0" * 20 + "ffff"], "status": "contacted"}
    assert api.call("PATCH", "/v1/entity/status/bulk", body) == (
        200, {"updated_count": 2, "failed_ids": ["0" * 20 + "ffff"]},
    )  # fmt: skip
    assert (Account.objects.get().status, Contact.objects.get().status) == ("contacted", "contacted")
    assert api.call("PATCH", "/v1/entity/status/bulk", {"entity_ids": [], "status": "new"})[0] == 422
    assert (
        api.call("PATCH", "/v1/entity/status/bulk", {"entity_ids": [first], "status": None})[1]["failed_ids"]
        is None
    )
    assert Account.objects.get().status == ""


def test_deleting_an_entity_keeps_the_record(api, sheet):
    entity_id, _ = list_account(sheet, name="Acme")
    assert api.call("DELETE", f"/v1/entity/{entity_id}") == (204, b"")
    assert api.get(f"/v1/entity/{entity_id}")[0] == 404
    assert Account.objects.count() == 1


def test_the_entities_of_a_sheet_are_filtered(api, sheet):
    list_account(sheet, {"status": "passed", "comments": "x"}, name="Acme")
    list_account(sheet, name="Bolt")
    path = f"/v1/sheet/{sheet.pk:024x}/entities"
    assert names(api.get(f"{path}?status=false")) == ["Acme"]
    assert names(api.get(f"{path}?status=true")) == []
    assert names(api.get(f"{path}?has_comments=false")) == ["Bolt"]
    assert names(api.get(f"{path}?search=acm")) == ["Acme"]
    assert names(api.get(f"{path}?created_after=2099-01-01T00:00:00Z")) == []
    assert names(api.get(f"{path}?updated_before=2020-01-01T00:00:00Z")) == []
    assert len(names(api.get(f"{path}?updated_after=2020-01-01T00:00:00Z"))) == 2


def test_the_oldest_clients_reach_an_entity_through_its_sheet(api, sheet, people):
    entity, account = list_account(sheet, name="Acme")
    path = f"/v1/sheet/{sheet.pk:024x}/entity/{entity}"
    assert api.get(path) == (200, api.get(f"/v1/entity/{entity}")[1])
    assert api.call("PUT", f"{path}/comments", {"comments": "Call"}) == (204, b"")
    assert api.call("PUT", f"{path}/status", {"status": False}) == (204, b"")
    account.refresh_from_db()
    assert (account.comments, account.status) == ("Call", "passed")
    api.call("PUT", f"/v1/entity/{entity}", {"status": "contacted"})
    api.call("PUT", f"{path}/status", {"status": True})
    account.refresh_from_db()
    assert account.status == "contacted"
    assert api.call("PUT", f"{path}/status", {"status": "soon"})[0] == 422
    assert api.get(f"/v1/sheet/{people.pk:024x}/entity/{entity}")[0] == 404


def test_exports_hold_the_names_asked_for_and_no_formulas(api, sheet, people):
    first, _ = list_account(sheet, name="=cmd()", headcount=7)
    list_account(sheet, name="Bolt")
    list_contact(people, name="Dora", job_title="CEO")
    status, body = api.get(f"/v1/sheet/{sheet.pk:024x}/export-csv?entity_ids={first}")
    assert (status, api.response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    (row,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert (row["name"], row["employee_count"], row["employees"]) == ("'=cmd()", "7", "7")
    combined = list(
        csv.DictReader(io.StringIO(api.get("/v1/entity/export?format=combined")[1].decode("utf-8-sig")))
    )
    assert [row["title"] for row in combined] == ["", "", "CEO"]
    separate = api.get("/v1/entity/export")[1].decode("utf-8-sig").split("\r\n\r\n")
    assert [part.count("\r\n") for part in separate] == [2, 2]


def test_a_sheet_wants_fields_of_its_own(api, sheet):
    path = f"/v1/sheet/schema/{sheet.pk:024x}"
    fields = [
        {"name": "Pet count", "field_type": "integer", "description": "Dogs"},
        {"name": "employees", "field_type": "string"},
    ]
    assert api.call("PUT", path, {"fields": fields}) == (204, b"")
    pets = CustomAttribute.objects.get(slug="pet_count")
    assert (pets.type, pets.description) == ("integer", "Dogs")
    schema = api.get(path)[1]
    assert schema["properties"]["Pet count"] == {"type": "integer", "description": "Dogs"}
    assert schema["properties"]["employee_count"]["type"] == "integer"
    entity_id, _ = list_account(sheet, pet_count=3)
    assert api.get(f"/v1/entity/{entity_id}")[1]["data"]["Pet count"]["value"] == 3
    assert api.call("DELETE", path, {"fields": ["Pet count"]}) == (204, b"")
    assert "Pet count" not in api.get(path)[1]["properties"]
    assert api.call("DELETE", path, {"fields": ["Pet count"]})[0] == 422
    assert api.call("PUT", path, {"fields": [{"name": "!", "field_type": "string"}]})[0] == 422


def test_default_schemas_name_what_every_entity_has(api):
    schemas = api.get("/v1/sheet/schema/default")[1]["schemas"]
    assert set(schemas) == {"company", "person"}
    assert "website" in schemas["company"]["properties"]
    assert api.get("/v1/sheet/schema/field")[1]["fields"]["array"]["type"] == "array"


def test_a_page_of_entities_takes_a_fixed_number_of_queries(api, sheet, django_assert_max_num_queries):
    for number in range(30):
        list_account(sheet, name=f"Acme {number}", headcount=number)
    with django_assert_max_num_queries(9):
        assert len(api.get(f"/v1/entity?sheet_id={sheet.pk:024x}")[1]["entities"]) == 30


def test_entities_of_a_sheet_are_sorted_by_what_changed_last(api, sheet, people):
    first, account = list_account(sheet, name="Acme")
    list_account(sheet, name="Bolt")
    SheetEntry.objects.update(created_at=START - timedelta(days=1))
    path = f"/v1/sheet/{sheet.pk:024x}/entities?sort_by=updated_at"
    assert names(api.get(path)) == ["Bolt", "Acme"]
    tell(account, at=5, name="Acme")  # nothing new, and confirmed all the same
    assert names(api.get(path)) == ["Acme", "Bolt"]
    assert names(api.get(f"{path}&order=1&page_size=1&page=2")) == ["Acme"]
    assert names(api.get(f"/v1/entity?sheet_id={sheet.pk:024x}&sort_by=updated_at&order=asc")) == [
        "Bolt",
        "Acme",
    ]
    assert api.get(f"/v1/entity/{first}")[1]["updated_at"] == "2026-01-10T10:00:00Z"
    list_contact(people, name="Dora")
    assert names(api.get(f"/v1/entity/search?q=d&sheet_id={people.pk:024x}&sort_by=updated_at")) == ["Dora"]
    status, answer = api.get("/v1/entity?sort_by=updated_at")
    assert (status, answer["detail"]) == (
        422, "sort_by: Entities are sorted by updated_at within a sheet: name its sheet_id.",
    )  # fmt: skip


def test_what_nobody_marked_is_sorted_as_new(api, sheet):
    for name, status in (("Acme", "new"), ("Bolt", "reviewed"), ("Cove", ""), ("Dora", "contacted")):
        list_account(sheet, {"status": status}, name=name)
    assert names(api.get("/v1/entity?sort_by=status&order=1")) == ["Dora", "Acme", "Cove", "Bolt"]
