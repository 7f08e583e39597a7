from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from crm.models import Account, Contact
from enrichment import claims
from enrichment.models import AttributeValue, Check, EnrichmentRun
from tests.api.world import tell
from tests.factories import make_account, make_contact

pytestmark = pytest.mark.django_db

ACME = {"name": "Acme", "domain": "https://www.acme.com/about", "country": "germany"}


def test_an_account_is_written_as_claims_of_the_source_api(api):
    made = api.made("/v1/account", ACME | {"values": {"employee_count": "1,234", "tech_stack": ["Django"]}})
    assert (made["name"], made["domain"], made["country"]) == ("Acme", "acme.com", "Germany")
    assert (made["values"]["headcount"]["value"], made["values"]["headcount"]["source"]) == (1234, "api")
    prefix = api.key.partition(".")[0]
    assert made["values"]["tech_stack"]["references"] == [f"api:{prefix}"]
    assert api.get(f"/v1/account/{made['id']}") == (200, made)
    (run,) = EnrichmentRun.objects.all()
    assert (run.name, run.asks, run.origin.key_id) == ("Written by Test", False, prefix)


def test_what_was_written_can_be_undone(api):
    made = api.made("/v1/account", ACME)
    (run,) = api.get("/v1/run?task_type=write")[1]["runs"]
    assert api.post(f"/v1/run/{run['id']}/undo")[0] == 200
    assert api.get(f"/v1/account/{made['id']}")[1]["name"] == ""


def test_an_account_changes_where_it_is_told_and_null_erases_nothing(api):
    made = api.made("/v1/account", ACME | {"priority": "P1", "comments": "x", "values": {"headcount": 5}})
    path = f"/v1/account/{made['id']}"
    change = {
        "name": None,
        "comments": "",
        "status": "passed",
        "values": {"headcount": None, "industry": "Fintech"},
    }
    status, told = api.call("PATCH", path, change)
    assert (status, told["name"], told["comments"], told["status"], told["priority"]) == (
        200,
        "Acme",
        "",
        "passed",
        "P1",
    )
    assert (told["values"]["headcount"]["value"], told["values"]["industry"]["value"]) == (5, "Fintech")
    assert api.call("PUT", path, {"values": {"headcount": 6}})[1]["values"]["headcount"]["value"] == 6
    assert AttributeValue.objects.filter(attribute="headcount").count() == 2, "history is kept"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"domain": "no domain"}, "domain"),
        ({"name": "A", "values": {"headcount": "many"}}, "values.headcount"),
        ({"name": "A", "values": {"colour": "red"}}, "values.colour"),
        ({"name": "A", "values": {"headcount": {"a": 1}}}, "values.headcount"),
        ({"name": "A", "values": ["x"]}, "values"),
        ({"name": "A", "status": "old"}, "status"),
        ({"name": ["A"]}, "name"),
    ],
    ids=["nobody", "domain", "text", "unknown", "object", "list", "status", "names"],
)
def test_an_account_that_makes_no_sense_is_refused(api, body, field):
    status, answer = api.post("/v1/account", body)
    assert (status, list(answer["errors"])) == (422, [field])
    assert not Account.objects.exists() and not EnrichmentRun.objects.exists()


def test_an_external_id_belongs_to_one_record(api):
    first = api.made("/v1/account", ACME | {"external_id": "1", "external_source": "hubspot"})
    status, answer = api.post("/v1/account", {"name": "B", "external_id": "1", "external_source": "hubspot"})
    assert (status, answer["code"]) == (409, "external_id_taken")
    api.made("/v1/account", {"name": "B", "external_id": "1"})
    assert api.call("PATCH", f"/v1/account/{first['id']}", {"external_source": "hubspot"})[0] == 200
    assert (
        api.call("PATCH", f"/v1/account/{first['id']}", {"external_id": "1", "external_source": ""})[0] == 409
    )


def test_accounts_are_listed_filtered_and_sorted(api):
    for name in ("Bolt", "Acme", "Cove"):
        api.made("/v1/account", {"name": name, "domain": f"{name.lower()}.com", "segment": name[0]})

    def names(query: str) -> list[str]:
        status, page = api.get(f"/v1/account?{query}")
        assert status == 200, page
        return [each["name"] for each in page["accounts"]]

    assert names("sort_by=name&order=asc") == ["Acme", "Bolt", "Cove"]
    assert names("search=COV") == names("domain=cove.com") == names("segment=C") == ["Cove"]
    assert names("status=passed") == names("external_id=1") == []
    assert api.get("/v1/account?sort_by=current_values")[0] == 422


def test_contacts_belong_to_accounts(api):
    account = api.made("/v1/account", ACME)["id"]
    ann = {
        "name": "Ann Ode",
        "email": "Ann@Acme.com",
        "linkedin_url": "linkedin.com/in/annode",
        "account_id": account,
    }
    made = api.made("/v1/contact", ann)
    assert (made["email"], made["account_id"]) == ("ann@acme.com", account)
    assert made["linkedin_url"].endswith("/in/annode")
    assert api.get(f"/v1/contact?account_id={account}")[1]["total"] == 1
    assert api.call("PATCH", f"/v1/contact/{made['id']}", {"account_id": None})[1]["account_id"] is None
    assert api.post("/v1/contact", ann | {"account_id": "0" * 24})[1]["errors"].keys() == {"account_id"}


def test_deleting_a_record_is_for_good(api):
    made = api.made("/v1/account", ACME)
    assert api.call("DELETE", f"/v1/account/{made['id']}") == (204, b"")
    assert (Account.objects.count(), AttributeValue.objects.count(), Check.objects.count()) == (0, 0, 0)
    assert api.get(f"/v1/account/{made['id']}")[0] == 404


def bulk(api, *rows: dict[str, Any], kind: str = "account") -> list[tuple[str, int | None]]:
    status, answer = api.post(f"/v1/{kind}/bulk", {"rows": list(rows)})
    assert status == 200, answer
    assert [each["index"] for each in answer["results"]] == list(range(len(rows)))
    return [(each["status"], each["id"] and int(each["id"], 16)) for each in answer["results"]]


def test_rows_find_their_accounts_by_external_id_and_domain(api):
    first = make_account(external_id="1", external_source="hubspot")
    second = make_account()
    tell(second, name="Acme Incorporated", domain="acme.com")
    results = bulk(
        api,
        {"external_id": "1", "external_source": "hubspot", "name": "Bolt"},
        {"domain": "www.acme.com", "name": "Something Else", "values": {"headcount": 7}},
        {"name": "Cove", "domain": "cove.io"},
        {"name": "Cove", "domain": "cove.io", "comments": "again"},
        {"external_id": "1", "name": "Of another CRM"},
    )
    assert results[:2] == [("updated", first.pk), ("updated", second.pk)]
    assert [status for status, _ in results[2:]] == ["created", "created", "created"]
    assert results[2][1] == results[3][1] != results[4][1]
    second.refresh_from_db()
    assert second.value("headcount") == 7
    assert Account.objects.get(pk=results[2][1] or 0).comments == "again"
    assert bulk(api, {"name": "Cove", "domain": "cove.io"}) == [("updated", results[2][1])]


def test_rows_find_their_contacts_by_email(api):
    ann = make_contact()
    tell(ann, name="Ann Ode", email="ann@acme.com")
    assert bulk(api, {"email": "ANN@acme.com", "values": {"job_title": "CEO"}}, kind="contact") == [
        ("updated", ann.pk)
    ]
    ann.refresh_from_db()
    assert (ann.name, ann.value("job_title"), Contact.objects.count()) == ("Ann Ode", "CEO", 1)


def test_a_row_that_is_refused_leaves_the_others_alone(api):
    tell(make_account(external_id="9"), name="Bolt", domain="bolt.io")
    rows = [
        {"name": "Acme", "domain": "acme.com"},
        {"name": "Odd", "values": {"headcount": "many"}},
        {},
        {"domain": "bolt.io", "external_id": "8"},
    ]
    answer = api.made("/v1/account/bulk", {"rows": rows})
    assert [each["status"] for each in answer["results"]] == ["created", "error", "error", "error"]
    assert [list(each["errors"]) for each in answer["results"][1:]] == [
        ["values.headcount"],
        ["name"],
        ["external_id"],
    ]
    assert (answer["created"], answer["failed"], Account.objects.count()) == (1, 3, 2)


def test_rows_that_have_an_external_id_only_are_one_record(api):
    results = bulk(
        api, {"external_id": "1"}, {"external_id": "1", "comments": "x"}, {"external_id": "1", "name": "Acme"}
    )
    assert [status for status, _ in results] == ["created"] * 3
    assert (Account.objects.get().name, Account.objects.get().comments) == ("Acme", "x")
    assert {status for status, _ in bulk(api, {"external_id": "1"}, {"external_id": "1"})} == {"updated"}


def test_a_doubtful_row_is_left_to_a_person(api):
    for city in ("Berlin", "Boston"):
        tell(make_account(), name="Acme", city=city)
    ((status, record),) = bulk(api, {"name": "Acme"})
    assert (status, record, Account.objects.count()) == ("review", None, 2)


def test_a_bulk_takes_a_thousand_rows_in_few_queries(api, django_assert_max_num_queries):
    rows = [
        {"name": f"Company {n}", "domain": f"company-{n}.com", "external_id": str(n), "priority": "P1"}
        for n in range(1000)
    ]
    with django_assert_max_num_queries(120):
        assert {status for status, _ in bulk(api, *rows)} == {"created"}
    assert {status for status, _ in bulk(api, *rows)} == {"updated"}
    assert Account.objects.count() == 1000
    assert api.post("/v1/account/bulk", {"rows": [*rows, {"name": "x"}]})[0] == 422
    assert api.post("/v1/account/bulk", {"rows": []})[0] == 422


def test_an_idempotency_key_writes_once(api):
    first, second = (api.post("/v1/account", ACME, Idempotency_Key="k")[1]["id"] for _ in range(2))
    assert (first, Account.objects.count()) == (second, 1)


def test_staff_write_in_their_own_name(client):
    client.force_login(User.objects.create_superuser("anna"))
    from enrichment.registration import sync_sources

    sync_sources()
    told = client.post("/v1/account", ACME, content_type="application/json").json()
    assert told["values"]["name"]["references"] == ["user:anna"]
    assert claims.rebuild().current == 0
