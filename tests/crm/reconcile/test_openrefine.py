"""What OpenRefine 3.6.2 sent to the service, letter by letter, when it reconciled a column and extended it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.crm.reconcile.world import check, entity, new_key

pytestmark = pytest.mark.django_db

PAGE = {"Origin": "http://127.0.0.1:3333", "Referer": "http://127.0.0.1:3333/project?project=2182840961805"}
GUESS = (
    '{"q1":{"query":"globex","limit":3},"q2":{"query":"acme.com","limit":3},"q3":{"query":"Nobody At All","limit":3},'
    '"q0":{"query":"Acme Robotics","limit":3}}'
)
COLUMN = (
    '{"q0":{"query":"acme.com","type":"account","type_strict":"should"},'
    '"q1":{"query":"Nobody At All","type":"account","properties":[{"pid":"city","v":"Paris"}],"type_strict":"should"},'
    '"q2":{"query":"globex","type":"account","properties":[{"pid":"city","v":"Berlin"}],"type_strict":"should"}}'
)


class Program:
    """OpenRefine: its server sends forms, its page asks from another origin, neither shows a key or a cookie."""

    def __init__(self) -> None:
        self.client, self.base = Client(), f"/reconcile/{new_key()}"

    def post(self, name: str, text: str) -> Any:
        """What its server sends."""
        answered = self.client.post(
            self.base, urlencode({name: text}), content_type="application/x-www-form-urlencoded; charset=UTF-8",
            headers={"User-Agent": "OpenRefine/3.6.2 [62de008]", "Accept-Encoding": "gzip, x-gzip, deflate"},
        )  # fmt: skip
        assert answered.status_code == 200, answered.content
        return answered.json()

    def get(self, path: str, **query: str) -> Any:
        """What its page asks; a browser shows it the answer for one header."""
        answered = self.client.get(
            f"{self.base}{path}", query, headers=PAGE | {"Accept": "application/json, */*; q=0.01"}
        )
        assert (answered.status_code, answered["Access-Control-Allow-Origin"]) == (200, "*")
        return answered.json()


@pytest.fixture
def program() -> Program:
    return Program()


def test_the_service_is_added_without_jsonp(program: Program):
    told = check("manifest", program.get(""))
    assert told["suggest"].keys() == {"entity", "property", "type"}
    assert all(each["service_url"].endswith(program.base) for each in told["suggest"].values())


def test_the_type_of_a_column_is_guessed(program: Program, crm: dict[str, Any]):
    told = check("results", program.post("queries", GUESS))
    best = {key: [each["type"][0]["id"] for each in found["result"][:1]] for key, found in told.items()}
    assert best == {"q0": ["account"], "q1": ["account"], "q2": ["account"], "q3": []}


def test_a_column_is_reconciled(program: Program, crm: dict[str, Any]):
    told = check("results", program.post("queries", COLUMN))
    matched = {key: [each["id"] for each in found["result"] if each["match"]] for key, found in told.items()}
    assert matched == {"q0": [entity(crm["acme"])], "q1": [], "q2": [entity(crm["globex"])]}


def test_columns_are_added_from_reconciled_values(program: Program, crm: dict[str, Any]):
    acme, globex = entity(crm["acme"]), entity(crm["globex"])
    slugs = {each["id"] for each in program.get("/properties", type="account")["properties"]}
    assert {"headcount", "tech_stack"} <= slugs
    wanted = '"properties":[{"id":"headcount"},{"id":"tech_stack","settings":{"content":"display"}}]'
    told = check("extension", program.post("extend", f'{{"ids":["{globex}","{acme}"],{wanted}}}'))
    assert told["rows"] == {
        globex: {"headcount": [], "tech_stack": []},
        acme: {"headcount": [{"int": 420}], "tech_stack": [{"str": "Django, PostgreSQL"}]},
    }


def test_a_cell_is_matched_by_hand(program: Program, crm: dict[str, Any]):
    found = program.get("/suggest/entity", prefix="glob", type="account")["result"]
    assert [(each["id"], each["name"]) for each in found] == [(entity(crm["globex"]), "Globex GmbH")]
    assert [each["id"] for each in program.get("/suggest/property", prefix="headc")["result"]] == [
        "headcount"
    ]
    assert [each["id"] for each in program.get("/suggest/type", prefix="acc")["result"]] == ["account"]
    address = program.get("")["preview"]["url"].replace("{{id}}", entity(crm["acme"]))
    frame = program.client.get(address, headers={"Referer": PAGE["Referer"], "Sec-Fetch-Dest": "iframe"})
    assert (frame.status_code, "X-Frame-Options" in frame) == (200, False)
    assert "frame-ancestors" not in frame["Content-Security-Policy"]
    assert "Acme Robotics" in frame.content.decode()
