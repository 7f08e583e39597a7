"""Companies of the United Kingdom as their register tells of them."""

from __future__ import annotations

import base64
import json

import pytest

from sources.adapters.companies_house import CompaniesHouse
from sources.contract import Subject
from sources.errors import PayloadChanged, RateLimited, SourceRefused
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

PAGE = "https://find-and-update.company-information.service.gov.uk/company"
SEARCH = {
    "items": [
        {"title": "ACME LTD", "company_number": "01234567", "company_status": "active"},
        {"title": "ACME LIMITED", "company_number": "00000001", "company_status": "dissolved"},
        {"title": "ACME PAINTS LTD", "company_number": "07654321", "company_status": "active"},
    ]
}
PROFILE = {
    "company_name": "ACME LTD",
    "company_number": "01234567",
    "company_status": "active",
    "date_of_creation": "2009-03-01",
    "jurisdiction": "england-wales",
    "sic_codes": ["99999", "62012", "64209"],
    "registered_office_address": {"locality": "Leeds", "postal_code": "LS1 1AA"},
    "previous_company_names": [{"name": "TRAPS LTD", "ceased_on": "2010-01-01"}],
}
OFFICERS = {
    "items": [
        {"name": "SMITH, Jane Ann", "officer_role": "director"},
        {"name": "DOE, John", "officer_role": "director", "resigned_on": "2020-01-01"},
        {"name": "O'BRIEN, Pat", "officer_role": "llp-designated-member"},
        {"name": "NOMINEES LTD", "officer_role": "corporate-secretary"},
    ],
    "links": {"self": "/company/01234567/officers"},
}


def test_the_advanced_search_writes_a_company_like_a_profile():
    item = {
        "company_name": "ACME LIMITED",
        "company_number": "12345678",
        "company_status": "active",
        "date_of_creation": "2001-02-03",
        "sic_codes": ["62012"],
        "registered_office_address": {"locality": "LEEDS", "country": "England"},
    }
    found = claims(CompaniesHouse(), answer({"items": [item], "kind": "search#advanced-search"}))
    assert (found["legal_name"], found["founded_year"]) == ("ACME LIMITED", 2001)
    assert (found["city"], found["country"]) == ("Leeds", "United Kingdom")
    assert found["industry"]


def test_officers_alone_say_in_their_links_whose_they_are():
    officer = {
        "name": "ROE, Jane Mary, Dr",
        "officer_role": "director",
        "links": {"self": "/company/00445790/appointments/x"},
    }
    (finding,) = CompaniesHouse().parse(answer({"items": [officer]}), {})
    (claim,) = finding.claims
    assert claim.value == ["Jane Mary Roe (Director)"]
    assert claim.references[0].endswith("/company/00445790/officers")


def test_a_company_with_its_officers():
    (finding,) = CompaniesHouse().parse(answer({"profile": PROFILE, "officers": OFFICERS}), {})
    assert finding.subject == Subject(
        name="ACME LTD", city="Leeds", country="United Kingdom", aliases=("TRAPS LTD",)
    )
    assert {claim.attribute: claim.value for claim in finding.claims} == {
        "legal_name": "ACME LTD",
        "founded_year": 2009,
        "industry": "Computer programming and consultancy",
        "headquarters": "Leeds, United Kingdom",
        "city": "Leeds",
        "country": "United Kingdom",
        "former_names": ["TRAPS LTD"],
        "executives": ["Jane Ann Smith (Director)", "Pat O'Brien (Designated member)"],
    }
    assert {claim.references for claim in finding.claims} == {(f"{PAGE}/01234567",)}


def test_the_profile_of_the_registers_own_tests():
    payload = recorded("companies_house/company_profile_full_mock.json")
    assert claims(CompaniesHouse(), payload) == {
        "legal_name": "HELLO LTD",
        "founded_year": 1945,
        "industry": "Education",
        "headquarters": "Greater London, United Kingdom",
        "city": "Greater London",
        "country": "United Kingdom",
    }
    (finding,) = CompaniesHouse().parse(payload, {})
    assert finding.claims[0].references == (f"{PAGE}/00000088",)


def test_the_other_samples(shared):
    folder = shared / "payloads" / "companies_house"
    search = answer((folder / "search_companies_tesco.json").read_bytes())
    findings = CompaniesHouse().parse(search, {})
    assert [finding.subject.name for finding in findings] == ["TESCO PLC", "TESCO STORES LIMITED"]
    assert findings[0].claims[0].references == (f"{PAGE}/00445790",)
    nobody = answer((folder / "error_404.json").read_bytes(), status=404)
    assert CompaniesHouse().parse(nobody, {}) == ()
    # That sample does not say of which company it is; where the address does, it counts.
    officers = (folder / "officers_synthetic.json").read_bytes()
    assert CompaniesHouse().parse(answer(officers), {}) == ()
    url = "https://api.company-information.service.gov.uk/company/00000088/officers"
    assert claims(CompaniesHouse(), answer(officers, url=url)) == {"executives": ["Jane Smith (Director)"]}


def test_closed_companies_and_empty_lists():
    found = CompaniesHouse().parse(answer(SEARCH), {})
    assert [finding.subject.name for finding in found] == ["ACME LTD", "ACME PAINTS LTD"]
    assert CompaniesHouse().parse(answer({"items": [], "total_results": 0}), {}) == []


@pytest.mark.parametrize(
    ("address", "jurisdiction", "country"),
    [
        ({"country": "Scotland"}, "scotland", "United Kingdom"),
        ({"country": "Australia"}, "united-kingdom", "Australia"),
        ({}, "northern-ireland", "United Kingdom"),
        ({}, "european-union", None),
    ],
)
def test_the_country_of_the_registered_office(address, jurisdiction, country):
    profile = PROFILE | {"registered_office_address": address, "jurisdiction": jurisdiction}
    assert claims(CompaniesHouse(), answer(profile)).get("country") == country


def test_errors():
    with pytest.raises(SourceRefused):
        CompaniesHouse().parse(answer({"error": "Invalid Authorization"}, status=401), {})
    headers = {"x-ratelimit-remain": "0", "x-ratelimit-reset": "1736002780"}
    headers["date"] = "Sat, 04 Jan 2025 14:03:14 GMT"
    with pytest.raises(RateLimited) as limited:
        CompaniesHouse().parse(answer({}, status=429, headers=headers), {})
    assert limited.value.retry_after == 3386
    with pytest.raises(PayloadChanged):
        CompaniesHouse().parse(answer({"items": None}), {})


def speak(connection, head):
    """The register, as far as these tests need it."""
    body = OFFICERS if b"/officers" in head else SEARCH if b"/search/" in head else PROFILE
    connection.sendall(reply(json.dumps(body).encode(), Connection="close"))


def test_it_asks_for_the_one_company_of_that_name():
    with serving(speak) as server:
        client = Client(user_agent="test", base_url=server.url, allow=frozenset({server.netloc}))
        (payload,) = CompaniesHouse().fetch(ask(Subject(name="Acme & Co"), key="s3cret"), client)
        client.close()
    assert [head.split(b" HTTP")[0] for head in server.heads] == [
        b"GET /search/companies?q=Acme+%26+Co&items_per_page=20",
        b"GET /company/01234567",
        b"GET /company/01234567/officers",
    ]
    password = base64.b64encode(b"s3cret:")
    assert all(b"Authorization: Basic " + password in head for head in server.heads)
    assert "s3cret" not in payload.url
    assert claims(CompaniesHouse(), payload)["executives"][0] == "Jane Ann Smith (Director)"


def network(**other):
    answers = {"officers": answer(OFFICERS), "search": answer(SEARCH), "company": answer(PROFILE)}
    return Network(**(answers | other))


def test_officers_are_asked_for_when_they_are_wanted():
    asked = network()
    CompaniesHouse().fetch(ask(Subject(name="Acme"), wanted=("industry",)), asked)
    assert asked.asked == ["search/companies", "company/01234567"]


def test_what_it_does_not_ask():
    asked = network()
    (payload,) = CompaniesHouse().fetch(ask(Subject(name="Nobody"), key="k"), asked)
    assert asked.asked == ["search/companies"]
    assert len(CompaniesHouse().parse(payload, {})) == 2
    asked = network()
    (payload,) = CompaniesHouse().fetch(ask(Subject(name="Acme", country="France")), asked)
    assert asked.asked == []
    assert CompaniesHouse().parse(payload, {}) == ()


@pytest.mark.parametrize("part", ["search", "company", "officers"])
def test_an_error_on_the_way_is_the_answer(part):
    (payload,) = CompaniesHouse().fetch(ask(Subject(name="Acme")), network(**{part: answer({}, status=429)}))
    assert payload.status == 429


def test_a_company_may_have_no_officers():
    without = network(officers=answer({}, status=404))
    (payload,) = CompaniesHouse().fetch(ask(Subject(name="Acme")), without)
    assert "executives" not in claims(CompaniesHouse(), payload)


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(CompaniesHouse(), shared) == []


def test_damaged_answers_raise_nothing_strange():
    assert damage(CompaniesHouse(), answer({"profile": PROFILE, "officers": OFFICERS})) == []
    assert damage(CompaniesHouse(), answer(SEARCH)) == []
    assert damage(CompaniesHouse(), answer(OFFICERS)) == []
