"""Values pulled into a sheet, with their references; and the package that others wrote."""

from __future__ import annotations

import json
from typing import Any

import pandas
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from reconciler import reconcile, webutils

from tests.crm.reconcile.world import Refine, check, company, entity, new_key


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
