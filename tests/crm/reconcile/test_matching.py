"""Queries: the service finds whom a person would find, and leaves doubt to a person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crm.reconcile.world import Refine, company, entity, person


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
