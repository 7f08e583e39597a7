"""The reconciliation service: every answer fits the specification, and finds whom a person would find."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pandas
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from reconciler import reconcile, webutils

from crm.models import Account, Contact
from crm.reconcile import known, views
from enrichment.models import ApiKey
from sources.attributes import Kind
from tests.api.world import tell
from tests.factories import make_account, make_contact

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    known.forget()
    yield
    known.forget()


def new_key(*scopes: str) -> str:
    _, text = ApiKey.objects.create_key(name="Refine", scopes=list(scopes or ("read",)))
    return str(text)


def check(name: str, told: Any) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(told)
    return told


class Refine:
    """What OpenRefine sends: forms and queries, and no headers of its own."""

    def __init__(self) -> None:
        self.client, self.base = Client(), f"/reconcile/{new_key()}"

    def manifest(self) -> dict[str, Any]:
        return dict(check("manifest", self.client.get(self.base).json()))

    def queries(self, **batch: Any) -> dict[str, list[dict[str, Any]]]:
        text = json.dumps(check("queries", batch))
        posted = self.client.post(self.base, {"queries": text})
        assert posted.status_code == 200, posted.content
        told = check("results", posted.json())
        assert self.client.get(self.base, {"queries": text}).json() == told
        assert told.keys() == batch.keys()
        return {key: each["result"] for key, each in told.items()}

    def find(self, query: str, **more: Any) -> list[dict[str, Any]]:
        return self.queries(q=({"query": query} if query else {}) | more)["q"]

    def extend(self, ids: list[str], *properties: dict[str, Any]) -> dict[str, Any]:
        query = check("extension_query", {"ids": ids, "properties": list(properties)})
        answered = self.client.post(self.base, {"extend": json.dumps(query)})
        assert answered.status_code == 200, answered.content
        assert self.client.get(self.base, {"extend": json.dumps(query)}).json() == answered.json()
        return dict(check("extension", answered.json()))

    def get(self, path: str, **query: Any) -> Any:
        answered = self.client.get(f"{self.base}{path}", query)
        assert answered.status_code == 200, answered.content
        return answered.json()


@pytest.fixture
def refine(db: None) -> Refine:
    return Refine()


def company(**values: Any) -> Account:
    account = make_account()
    tell(account, **values)
    return account


def person(account: Account | None = None, **values: Any) -> Contact:
    contact = make_contact(account=account)
    tell(contact, **values)
    return contact


def entity(record: Account | Contact) -> str:
    return f"{record.kind.value}-{record.pk}"


@pytest.fixture
def crm(db: None) -> dict[str, Any]:
    acme = company(
        name="Acme Robotics, Inc.", domain="acme.com", city="Boston", country="United States", headcount=420,
        tech_stack=["Django", "PostgreSQL"], last_funding_date="2026-10-02", employee_growth_6mo=12.5,
        company_linkedin_url="https://www.linkedin.com/company/acme-robotics",
    )  # fmt: skip
    globex = company(name="Globex GmbH", domain="globex.de", city="Berlin", country="Germany")
    jane = person(acme, name="Jane Roe", email="jane@acme.com", job_title="CTO")
    other = person(globex, name="Jane Roe", email="jane.roe@globex.de")
    return {"acme": acme, "globex": globex, "jane": jane, "other": other}


# The manifest and who may ask


def test_the_manifest_names_addresses_that_are_there(refine: Refine, crm: dict[str, Any]):
    told = refine.manifest()
    assert "authentication" not in told
    key = refine.base.rpartition("/")[2]
    assert key not in told["identifierSpace"] + told["schemaSpace"] + told["view"]["url"]
    for what, service in told["suggest"].items():
        address = service["service_url"] + service["service_path"]
        check(f"suggest_{what}", refine.client.get(address, {"prefix": "a"}).json())
    page = refine.client.get(told["preview"]["url"].replace("{{id}}", quote(entity(crm["acme"]), safe="")))
    assert page.status_code == 200


@pytest.mark.django_db
def test_the_manifest_without_a_key_says_how_to_show_one():
    for path in ("/reconcile", "/reconcile/"):
        told = check("manifest", Client().get(path).json())
        assert told["authentication"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}


@pytest.mark.parametrize(
    "path", ["?queries={}", "?extend={}", "/suggest/entity?prefix=a", "/properties", "/preview?id=account-1"]
)
@pytest.mark.django_db
def test_nothing_but_the_manifest_is_told_without_a_key(path: str):
    assert Client().get(f"/reconcile{path}").status_code == 401
    assert Client().get(f"/reconcile/abcdefgh.{'x' * 32}{path}").status_code == 401


@pytest.mark.django_db
def test_a_key_may_come_in_the_header():
    batch = {"queries": json.dumps({"q": {"query": "x"}})}
    assert Client().post("/reconcile", batch, headers={"x-api-key": new_key("write")}).status_code == 403
    assert (
        Client().post("/reconcile", batch, headers={"x-api-key": new_key("read", "enrich")}).status_code
        == 200
    )


@pytest.mark.parametrize("scopes", [("read", "write"), ("read", "enrich"), ("admin",)])
@pytest.mark.django_db
def test_a_key_in_the_address_may_do_nothing_but_read(scopes: tuple[str, ...]):
    answered = Client().get(f"/reconcile/{new_key(*scopes)}")
    assert answered.status_code == 401
    assert "--scope read" in answered.json()["detail"]


@pytest.mark.django_db
def test_staff_who_are_logged_in_may_ask():
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("anna"))
    assert client.post("/reconcile", {"queries": '{"q": {"query": "x"}}'}).json() == {"q": {"result": []}}


@pytest.mark.django_db
def test_a_refusal_does_not_log_the_key(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        for path in ("?queries=x", "/nowhere", "/preview?id=x"):
            assert Client().get(f"/reconcile/abcdefgh.{'s' * 32}{path}").status_code in (401, 404)
    assert "ssss" not in caplog.text


def test_a_bug_does_not_log_the_key(
    refine: Refine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(views, "answer", lambda batch: 1 / 0)
    with caplog.at_level(logging.DEBUG):
        answered = refine.client.post(refine.base, {"queries": "{}"})
    assert (answered.status_code, answered.json()["code"]) == (500, "error")
    assert "ZeroDivisionError" in caplog.text
    assert refine.base.rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize("path", ["", "/suggest/entity?prefix=a", "/properties", "/preview?id=account-1"])
def test_every_origin_may_read_and_ask_with_a_header(refine: Refine, path: str):
    answered = refine.client.get(refine.base + path, headers={"origin": "https://elsewhere.example"})
    assert answered["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answered
    asked = Client().options(f"/reconcile{path}", headers={"origin": "https://elsewhere.example"})
    assert asked.status_code == 204
    assert asked["Access-Control-Allow-Headers"] == "x-api-key"


# Queries


def test_a_company_is_found_by_a_messy_name(refine: Refine, crm: dict[str, Any]):
    (best, *_) = refine.find("ACME robotics", type="account", properties=[{"pid": "city", "v": "Boston"}])
    assert best["id"] == entity(crm["acme"])
    assert best["match"] is True
    assert best["score"] > 88
    assert best["type"] == [{"id": "account", "name": "Account"}]
    assert best["description"] == "acme.com, Boston, United States"
    assert {"id": "city", "value": True} in best["features"]
    assert {"id": "name_similarity", "value": 1.0} in best["features"]


def test_a_property_that_differs_keeps_a_name_from_matching(refine: Refine, crm: dict[str, Any]):
    properties = [{"pid": "domain", "v": "https://www.other-acme.org/about"}]
    (best, *_) = refine.find("Acme Robotics", type=["account"], properties=properties)
    assert best["id"] == entity(crm["acme"])
    assert best["match"] is False
    assert {"id": "domain", "value": False} in best["features"]


@pytest.mark.parametrize(
    ("query", "properties"),
    [
        ("https://www.acme.com/contact", []),
        ("linkedin.com/company/acme-robotics/", []),
        ("", [{"pid": "website", "v": "acme.com"}]),
        ("", [{"pid": "linkedin", "v": "https://de.linkedin.com/company/Acme-Robotics"}]),
        ("Acme", [{"pid": "domain", "v": [{"id": "x", "name": "acme.com"}]}]),
    ],
    ids=["address", "page", "domain", "linkedin", "reconciled"],
)
def test_a_company_is_found_by_what_identifies_it(
    refine: Refine, crm: dict[str, Any], query: str, properties: list[Any]
):
    (best, *_) = refine.find(query, type="account", properties=properties)
    assert (best["id"], best["match"]) == (entity(crm["acme"]), True)


def test_an_id_names_its_record(refine: Refine, crm: dict[str, Any]):
    (best,) = refine.find(entity(crm["globex"]))
    assert (best["id"], best["score"], best["match"]) == (entity(crm["globex"]), 100.0, True)
    assert refine.find("account-999999") == []


def test_a_name_alone_does_not_tell_two_people_apart(refine: Refine, crm: dict[str, Any]):
    found = refine.find("Roe, Jane", type="contact")
    assert {each["id"] for each in found} == {entity(crm["jane"]), entity(crm["other"])}
    assert not any(each["match"] for each in found)


@pytest.mark.parametrize("value", ["ACME Robotics", "entity"])
def test_a_person_is_known_by_name_and_company(refine: Refine, crm: dict[str, Any], value: str):
    told = {"id": entity(crm["acme"])} if value == "entity" else value
    found = refine.find("Jane Roe", type="contact", properties=[{"pid": "company", "v": told}])
    assert [each["id"] for each in found if each["match"]] == [entity(crm["jane"])]
    assert found[0]["id"] == entity(crm["jane"])


def test_a_person_is_known_by_an_address(refine: Refine, crm: dict[str, Any]):
    assert [each["id"] for each in refine.find("Jane.Roe@globex.de") if each["match"]] == [
        entity(crm["other"])
    ]


def test_two_of_a_kind_are_left_to_a_person(refine: Refine):
    company(name="Mercury", domain="mercury.com")
    company(name="Mercury", domain="mercury.io")
    found = refine.find("Mercury", type="account")
    assert len(found) == 2
    assert not any(each["match"] for each in found)


def test_an_address_that_two_share_is_left_to_a_person(refine: Refine, crm: dict[str, Any]):
    person(crm["acme"], name="Office", email="jane@acme.com")
    found = refine.find("jane@acme.com")
    assert len([each for each in found if each["score"] == 99.0]) == 2
    assert not any(each["match"] for each in found)


def test_limit_types_and_strangers(refine: Refine, crm: dict[str, Any]):
    told = refine.queries(
        one={"query": "Jane Roe", "limit": 1}, nobody={"query": "Umbrella Corporation"},
        type={"query": "Acme Robotics", "type": "book"}, both={"query": "Acme Robotics"},
    )  # fmt: skip
    assert len(told["one"]) == 1
    assert not any(each["match"] for each in told["nobody"])
    assert told["type"] == []
    assert told["both"][0]["id"] == entity(crm["acme"])
    scores = [each["score"] for each in told["both"]]
    assert scores == sorted(scores, reverse=True)


def test_a_former_name_is_known(refine: Refine):
    account = company(name="Meta", domain="meta.com", former_names=["Facebook"])
    assert refine.find("Facebook", type="account")[0]["id"] == entity(account)


def test_what_is_new_is_found_at_once_and_what_is_gone_is_not(refine: Refine, crm: dict[str, Any]):
    refine.find("Acme")
    account = company(name="Initech", domain="initech.com")
    assert refine.find("Initech")[0]["id"] == entity(account)
    account.delete()
    assert not any(each["name"] == "Initech" for each in refine.find("Initech"))


def test_an_answer_does_not_depend_on_the_rest_of_its_batch(refine: Refine, crm: dict[str, Any]):
    at_globex = [{"pid": "company", "v": {"id": entity(crm["globex"])}}]
    batch: dict[str, Any] = {
        "name": {"query": "Jane Roe"}, "mail": {"query": "jane@acme.com"}, "firm": {"query": "Globex"},
        "page": {"properties": [{"pid": "linkedin", "v": "linkedin.com/company/acme-robotics"}]},
        "both": {"query": "Jane Roe", "properties": at_globex}, "id": {"query": entity(crm["acme"])},
    }  # fmt: skip
    together = refine.queries(**batch)
    assert together == {key: refine.queries(**{key: query})[key] for key, query in batch.items()}
    assert all(together.values())


def test_an_index_that_takes_long_to_make_is_not_made_at_every_write(
    crm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    first = known.names(Kind.ACCOUNT)
    company(name="Initech")
    monkeypatch.setattr(known, "_CHEAP", -1000.0)
    assert known.names(Kind.ACCOUNT) is first
    monkeypatch.setattr(known, "_LONGEST", 0.0)
    assert len(known.names(Kind.ACCOUNT)) == len(first) + 1


def test_nobody_waits_for_an_index_that_is_made_anew(crm: dict[str, Any]):
    first = known.names(Kind.ACCOUNT)
    company(name="Initech")
    with known._lock:
        assert known.names(Kind.ACCOUNT) is first
    assert known.names(Kind.ACCOUNT) is not first


def test_a_large_batch_takes_as_many_queries_as_a_small_one(refine: Refine, crm: dict[str, Any]):
    def count(size: int) -> int:
        batch = {
            f"q{n}": {"query": f"Jane Roe {n}", "properties": [{"pid": "city", "v": "Berlin"}]}
            for n in range(size)
        }
        refine.find("warm")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert refine.client.post(refine.base, {"queries": json.dumps(batch)}).status_code == 200
        return len(queries)

    assert count(50) == count(2) < 20


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({}, 400, "Send a form"),
        ({"queries": "{"}, 400, "no JSON"),
        ({"queries": "[]"}, 400, "JSON object"),
        ({"queries": '{"q": 1}'}, 400, "q: a query is"),
        ({"queries": '{"q": {"query": 5}}'}, 400, "must be a text"),
        ({"queries": '{"q": {"query": "a", "limit": 0}}'}, 400, "positive"),
        ({"queries": '{"q": {"query": "a", "limit": NaN}}'}, 400, "positive"),
        ({"queries": '{"q": {"query": "a", "type": [1]}}'}, 400, "type"),
        ({"queries": '{"q": {"query": "a", "properties": [{"pid": "x"}]}}'}, 400, "pid and a v"),
        ({"queries": json.dumps({str(n): {"query": "a"} for n in range(51)})}, 413, "50 queries"),
        ({"queries": '{"\\ud800": {"query": "a"}}'}, 400, "half of a character"),
        ({"extend": '{"ids": ["\\udfff"], "properties": []}'}, 400, "half of a character"),
        ({"extend": '{"ids": "a", "properties": []}'}, 400, "ids must"),
        ({"extend": '{"ids": [], "properties": [{"id": "shoe_size"}]}'}, 400, "no property shoe_size"),
        ({"extend": '{"ids": [], "properties": [{"id": "city", "settings": {"content": "x"}}]}'}, 400, "content"),
        ({"extend": json.dumps({"ids": ["a"] * 1001, "properties": []})}, 413, "1,000 ids"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_one_sentence(
    refine: Refine, form: Any, status: int, words: str
):
    answered = refine.client.post(refine.base, form)
    assert answered.status_code == status
    assert words in answered.json()["detail"]


@pytest.mark.parametrize("query", ["", "   ", "\x00", "💥" * 600, "a.b", "@", "account-0", "1e999", "'; --"])
def test_odd_queries_have_answers(refine: Refine, crm: dict[str, Any], query: str):
    odd = {"query": query, "properties": [{"pid": "email", "v": query}, {"pid": "headcount", "v": None}]}
    answered = refine.client.post(refine.base, {"queries": json.dumps({"q": odd})})
    assert answered.status_code == 200
    check("results", answered.json())


# Suggest


def test_entities_are_suggested_by_prefix_id_and_address(refine: Refine, crm: dict[str, Any]):
    def names(**query: Any) -> list[str]:
        return [
            each["id"] for each in check("suggest_entity", refine.get("/suggest/entity", **query))["result"]
        ]

    assert names(prefix="acm") == [entity(crm["acme"])]
    assert names(prefix="robot") == [entity(crm["acme"])]
    assert names(prefix="globex.d") == [entity(crm["globex"])]
    assert names(prefix=entity(crm["jane"])) == [entity(crm["jane"])]
    assert names(prefix="jane", type="account") == []
    assert names(prefix="") == []


def test_suggestions_can_be_skipped(refine: Refine):
    for number in range(13):
        company(name=f"Acme {number:02}")
    first = refine.get("/suggest/entity", prefix="acme")["result"]
    rest = refine.get("/suggest/entity", prefix="acme", cursor=10)["result"]
    assert [each["name"] for each in first + rest] == [f"Acme {number:02}" for number in range(13)]


def test_properties_and_types_are_suggested(refine: Refine):
    found = check("suggest_property", refine.get("/suggest/property", prefix="fund"))["result"]
    assert {"id": "funding_stage", "name": "Funding stage"} in found
    assert found[0]["name"].startswith("Fund")
    assert not check("suggest_property", refine.get("/suggest/property", prefix="headcount", type="contact"))[
        "result"
    ]
    told = check("suggest_type", refine.get("/suggest/type", prefix="acc"))["result"]
    assert told == [{"id": "account", "name": "Account"}]


# Preview


def test_a_preview_can_be_framed_and_holds_no_markup_of_a_value(refine: Refine):
    account = company(name="<script>alert(1)</script>", domain="evil.com", company_description="<img src=x>")
    page = refine.client.get(f"{refine.base}/preview", {"id": entity(account)})
    text = page.content.decode()
    assert "X-Frame-Options" not in page
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "csv_import" in text


@pytest.mark.parametrize("wrong", ["account-999", "nobody", "", "account-1;x"])
def test_a_preview_of_nobody_is_not_found(refine: Refine, wrong: str):
    assert refine.client.get(f"{refine.base}/preview", {"id": wrong}).status_code == 404


def test_an_id_leads_to_the_page_of_its_record(refine: Refine, crm: dict[str, Any]):
    address = refine.manifest()["view"]["url"].replace("{{id}}", entity(crm["jane"]))
    found = Client().get(address)
    assert found["Location"] == f"/admin/crm/contact/{crm['jane'].pk}/change/"


# Data extension


def test_values_are_pulled_with_their_types(refine: Refine, crm: dict[str, Any]):
    slugs = ["headcount", "tech_stack", "last_funding_date", "employee_growth_6mo", "city", "industry"]
    told = refine.extend([entity(crm["acme"]), "account-999", "x"], *({"id": slug} for slug in slugs))
    assert told["rows"][entity(crm["acme"])] == {
        "headcount": [{"int": 420}],
        "tech_stack": [{"str": "Django"}, {"str": "PostgreSQL"}],
        "last_funding_date": [{"date": "2026-10-02T00:00:00Z"}],
        "employee_growth_6mo": [{"float": 12.5}],
        "city": [{"str": "Boston"}],
        "industry": [],
    }
    assert told["rows"]["account-999"] == told["rows"]["x"] == {slug: [] for slug in slugs}
    assert told["meta"][0] == {"id": "headcount", "name": "Headcount"}


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("display", [{"str": "420"}]),
        ("source", [{"str": "spreadsheet"}]),
        ("references", [{"str": "csv_import"}]),
        ("checked", [{"date": "2026-01-05T10:00:00Z"}]),
    ],
)
def test_every_value_has_its_footnote(refine: Refine, crm: dict[str, Any], content: str, cells: list[Any]):
    id = entity(crm["acme"])
    told = refine.extend([id], {"id": "headcount", "settings": {"content": content}})
    assert told["rows"][id]["headcount"] == cells


def test_the_account_of_a_person_is_an_entity(refine: Refine, crm: dict[str, Any]):
    id = entity(crm["jane"])
    told = refine.extend([id], {"id": "account"}, {"id": "job_title"})
    assert told["meta"][0]["type"] == {"id": "account", "name": "Account"}
    assert told["rows"][id]["account"] == [{"id": entity(crm["acme"]), "name": "Acme Robotics, Inc."}]
    assert told["rows"][id]["job_title"] == [{"str": "CTO"}]


def test_properties_are_proposed_for_a_type(refine: Refine):
    told = check("proposal", refine.get("/properties", type="contact", limit=3))
    assert (told["type"], told["limit"], len(told["properties"])) == ("contact", 3, 3)
    everything = {
        each["id"] for each in check("proposal", refine.get("/properties", type="account"))["properties"]
    }
    assert "funding_stage" in everything
    assert "job_title" not in everything


def test_many_records_are_pulled_by_few_queries(refine: Refine, crm: dict[str, Any]):
    ids = [entity(company(name=f"Firm {number}")) for number in range(30)]
    form = {"extend": json.dumps({"ids": ids, "properties": [{"id": "name"}]})}
    with CaptureQueriesContext(connection) as queries:
        assert refine.client.post(refine.base, form).status_code == 200
    assert len(queries) < 10


# A client that others wrote


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pandas.errors.Pandas4Warning")
@pytest.mark.django_db(transaction=True)
def test_the_reconciler_package_fills_a_column(live_server: Any, crm: dict[str, Any]):
    table = pandas.DataFrame({"firm": ["Acme Robotics", "globex gmbh"], "town": ["Boston", "Berlin"]})
    with webutils.http:  # else its connection, and with it one of the database, would stay open
        found = reconcile(
            table["firm"], type_id="account", property_mapping={"city": table["town"]},
            reconciliation_endpoint=f"{live_server.url}/reconcile/{new_key()}",
        )  # fmt: skip
    assert list(found["id"]) == [entity(crm["acme"]), entity(crm["globex"])]
    assert list(found["match"]) == [True, True]
    assert list(found["type_id"]) == ["account", "account"]
    assert list(found["input_value"]) == list(table["firm"])
