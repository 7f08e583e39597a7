"""Legal entities as the GLEIF register tells of them."""

from __future__ import annotations

import pytest

from sources.adapters.gleif import Gleif
from sources.contract import Subject
from sources.errors import PayloadChanged, RateLimited, SourceUnavailable
from sources.http import Client
from tests.sources.adapters.public_apis import (
    Network,
    answer,
    ask,
    claims,
    damage,
    misbehaviour,
    recorded,
)
from tests.sources.servers import reply, serving

SHELL = "gleif/lei_record_21380068P1DRHMJ8KU70.json"
PUMA = "gleif/lei_record_529900GRZ2BQY5ZM9N49.json"


def test_a_record_by_lei():
    (finding,) = Gleif().parse(recorded(SHELL), {})
    assert finding.subject == Subject(
        name="SHELL PLC", city="London", country="United Kingdom", aliases=("ROYAL DUTCH SHELL PLC",)
    )
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "legal_name": "SHELL PLC",
        "lei": "21380068P1DRHMJ8KU70",
        "headquarters": "London, United Kingdom",
        "city": "London",
        "country": "United Kingdom",
        "former_names": ["ROYAL DUTCH SHELL PLC"],
    }
    assert {claim.references for claim in finding.claims} == {
        ("https://search.gleif.org/#/record/21380068P1DRHMJ8KU70",)
    }


def test_absent_former_names_are_not_claimed():
    assert "former_names" not in claims(Gleif(), recorded(PUMA))


@pytest.mark.parametrize(
    ("file", "count", "first"),
    [
        ("lei_record_254900LNRYNOQ9YPU758", 1, "Amazon Digital UK Limited"),
        ("lei_record_5299001ERX0K10IZUL40", 1, "Fraport AG Frankfurt Airport Services Worldwide"),
        ("lei_record_549300YX4S1LLSMK2627", 1, "APPLE ENERGY LLC"),
        ("lei_record_851WYGNLUQLFZBSYGB56", 1, "COMMERZBANK Aktiengesellschaft"),
        ("lei_record_984500983AD71E4FBC41", 1, "PROVENANT INC."),
        ("lei_record_INR2EJN1ERAN0W5ZP974", 1, "MICROSOFT CORPORATION"),
        ("lei_record_lapsed_549300LBI3LRIZ2V8V66", 1, "UK EQUITY FUND (OFFSHORE)"),
        ("lei_records_page", 12, "Amazon Digital UK Limited"),
        ("direct_parent_549300YX4S1LLSMK2627", 1, "Apple Inc."),
        ("direct_children_5299001ERX0K10IZUL40", 2, "Lima Airport Partners S.R.L."),
    ],
)
def test_every_recording(shared, file, count, first):
    body = (shared / "payloads" / "gleif" / f"{file}.json").read_bytes()
    findings = Gleif().parse(answer(body), {})
    assert len(findings) == count
    assert findings[0].subject.name == first


def test_states_are_named_where_addresses_name_them(shared):
    body = (shared / "payloads/gleif/lei_record_INR2EJN1ERAN0W5ZP974.json").read_bytes()
    assert claims(Gleif(), answer(body))["headquarters"] == "Redmond, WA, United States"


def test_nobody_found():
    assert Gleif().parse(recorded("gleif/direct_children_empty.json"), {}) == []
    assert Gleif().parse(answer({"errors": [{"status": "404"}]}, status=404), {}) == ()


def test_a_withdrawn_registration_is_nobody():
    record = {"lei": "21380068P1DRHMJ8KU70", "entity": {"legalName": {"name": "Acme"}}}
    data = {"type": "lei-records", "attributes": record | {"registration": {"status": "ANNULLED"}}}
    assert Gleif().parse(answer({"data": data}), {}) == []
    data["attributes"] = record
    assert claims(Gleif(), answer({"data": data})) == {"legal_name": "Acme", "lei": "21380068P1DRHMJ8KU70"}


def test_a_completion_says_which_record_has_the_name():
    findings = Gleif().parse(recorded("gleif/fuzzycompletions.json"), {})
    assert findings
    for found in findings:
        assert found.subject.name and [claim.attribute for claim in found.claims] == ["lei"]


def test_errors():
    with pytest.raises(RateLimited) as limited:
        Gleif().parse(answer({}, status=429, headers={"retry-after": "30"}), {})
    assert limited.value.retry_after == 30
    with pytest.raises(SourceUnavailable):
        Gleif().parse(answer(b"<html>", status=502), {})
    with pytest.raises(PayloadChanged):
        Gleif().parse(answer(b"<html>Not found</html>", status=404), {})


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(Gleif(), shared) == []


def test_damaged_answers_raise_nothing_strange():
    assert damage(Gleif(), recorded(SHELL)) == []


def test_it_asks_by_name():
    with serving(reply(b'{"data": []}')) as server:
        client = Client(user_agent="test", base_url=server.url, allow=frozenset({server.netloc}))
        (payload,) = Gleif().fetch(ask(Subject(name="Puma & Söhne", domain="puma.com")), client)
        client.close()
    assert payload.status == 200
    assert server.heads[0].startswith(
        b"GET /lei-records?filter%5Bentity.legalName%5D=Puma+%26+S%C3%B6hne"
        b"&filter%5Bentity.status%5D=ACTIVE&page%5Bsize%5D=10 HTTP/1.1"
    )
    assert b"Accept: application/vnd.api+json" in server.heads[0]


def test_it_asks_by_lei_when_it_is_one():
    network = Network()
    Gleif().fetch(ask(Subject(name="Puma", known={"lei": "529900grz2bqy5zm9n49"})), network)
    Gleif().fetch(ask(Subject(name="Puma", known={"lei": "../../x"})), network)
    assert network.asked == ["lei-records/529900GRZ2BQY5ZM9N49", "lei-records"]
