"""Listed companies as EDGAR tells of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.sec_edgar import TICKERS, SecEdgar
from sources.contract import Payload, Subject
from sources.errors import PayloadChanged, RateLimited, SourceRefused, SourceUnavailable
from tests.sources.adapters.public_apis import Network, answer, ask, claims, damage, misbehaviour

ROWS = {
    "0": {"cik_str": 1652044, "ticker": "GOOGL", "title": "Alphabet Inc."},
    "1": {"cik_str": 320193, "ticker": "AAPL", "title": "Apple Inc."},
    "2": {"cik_str": 1652044, "ticker": "GOOG", "title": "Alphabet Inc."},
    "3": {"cik_str": 1111, "ticker": "FND", "title": "Founders Corp"},
    "4": {"cik_str": 2222, "ticker": "FNDR", "title": "FOUNDERS LTD"},
}
COMPANY = {
    "cik": "0001652044",
    "sicDescription": "Services-Computer Programming",
    "name": "Alphabet Inc.",
    "tickers": ["GOOGL", "GOOG"],
    "lei": "5493006MHB84DD0ZWV18",
    "website": "https://abc.xyz/",
    "description": "",
    "addresses": {
        "business": {
            "city": "TORONTO",
            "stateOrCountry": "A6",
            "stateOrCountryDescription": "Ontario, Canada",
        }
    },
    "phone": "6502530000",
    "formerNames": [],
}


@pytest.fixture
def apple(shared) -> Payload:
    return answer((shared / "payloads/sec_edgar/submissions_CIK0000320193_apple.json").read_bytes())


def network() -> Network:
    return Network(company_tickers=answer(ROWS), submissions=answer(COMPANY))


def test_a_company(apple):
    (finding,) = SecEdgar().parse(apple, {})
    assert (finding.subject.name, finding.subject.city, finding.subject.country) == (
        *("Apple Inc.", "Cupertino", "United States"),
    )
    assert claims(SecEdgar(), apple) == {
        "legal_name": "Apple Inc.",
        "industry": "Electronic Computers",
        "ticker": "AAPL",
        "cik": "0000320193",
        "headquarters": "Cupertino, CA, United States",
        "city": "Cupertino",
        "country": "United States",
        "phone": "+1 (408) 996-1010",
        "former_names": ["APPLE COMPUTER INC"],
    }
    assert finding.claims[0].references == (
        "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0000320193",
    )


def figure(end: str, value: int, start: str = "", form: str = "10-K", **more: str) -> dict[str, Any]:
    entry = {"end": end, "val": value, "fp": "FY", "form": form, "accn": "0000000001-25-000010", **more}
    return entry | ({"start": start} if start else {})


def reported(**concepts: list[dict[str, Any]]) -> dict[str, Any]:
    facts = {concept: {"units": {"USD": entries}} for concept, entries in concepts.items()}
    people = {
        "EntityNumberOfEmployees": {
            "units": {"employee": [figure("2023-01-31", 900), figure("2024-01-31", 1200)]}
        }
    }
    return {"cik": 320193, "entityName": "Acme Inc", "facts": {"us-gaap": facts, "dei": people}}


def test_the_revenue_of_the_newest_full_year_counts_whatever_it_is_called():
    facts = reported(
        SalesRevenueNet=[figure("2012-12-31", 5_000_000, "2012-01-01")],
        RevenueFromContractWithCustomerExcludingAssessedTax=[
            figure("2024-12-31", 15_000_000, "2024-10-01", filed="2025-02-01"),  # the last quarter
            figure("2024-12-31", 59_000_000, "2024-01-01", filed="2025-02-01"),
            figure("2024-12-31", 60_000_000, "2024-01-01", filed="2026-02-01"),  # restated
            figure("2025-06-30", 33_000_000, "2025-01-01", form="10-Q"),
        ],
    )
    (finding,) = SecEdgar().parse(answer(facts), {})
    said = {claim.attribute: claim for claim in finding.claims}
    assert (said["revenue_range"].value, said["headcount"].value) == (60_000_000, 1200)
    assert said["revenue_range"].references[0] == (
        "https://www.sec.gov/Archives/edgar/data/320193/000000000125000010/0000000001-25-000010-index.htm"
    )


def test_one_concept_alone_and_other_currencies():
    units = {"EUR": [figure("2024-12-31", 9, "2024-01-01")], "USD": [figure("2023-12-31", 7_000_000, "2023-01-01", form="20-F")]}  # fmt: skip
    concept = {"cik": 1, "taxonomy": "ifrs-full", "tag": "Revenue", "entityName": "Acme SA", "units": units}
    assert claims(SecEdgar(), answer(concept))["revenue_range"] == 7_000_000
    assert "revenue_range" not in claims(SecEdgar(), answer(concept | {"units": {"EUR": units["EUR"]}}))


def test_the_list_with_exchanges_and_names_with_the_marks_of_the_register():
    rows = {
        "fields": ["cik", "name", "ticker", "exchange"],
        "data": [[70858, "BANK OF ACME CORP /DE/", "BAC", "NYSE"]],
    }
    assert claims(SecEdgar(), answer(rows)) == {
        "legal_name": "BANK OF ACME CORP",
        "cik": "0000070858",
        "ticker": "BAC",
    }


def test_too_many_questions_are_told_by_a_page():
    with pytest.raises(RateLimited):
        SecEdgar().parse(answer(b"<html><h1>Request Rate Threshold Exceeded</h1>", status=403), {})


def test_a_company_abroad():
    found = claims(SecEdgar(), answer(COMPANY))
    assert found["headquarters"] == "Toronto, Canada"
    assert (found["domain"], found["lei"]) == ("abc.xyz", "5493006MHB84DD0ZWV18")
    assert "phone" not in found


def test_the_other_recordings(shared):
    folder = shared / "payloads" / "sec_edgar"
    facts = answer((folder / "companyfacts_CIK0000320193_cut.json").read_bytes())
    assert claims(SecEdgar(), facts) == {
        "legal_name": "Apple Inc.",
        "cik": "0000320193",
        "revenue_range": 391_035_000_000,
    }
    findings = SecEdgar().parse(answer((folder / "company_tickers.json").read_bytes()), {})
    assert len(findings) == 400
    assert findings[1].subject.name == "Apple Inc."


@pytest.mark.parametrize(
    ("subject", "cik"),
    [
        (Subject(name="Apple"), "0000320193"),
        (Subject(name="Google", aliases=("Alphabet, Inc.",)), "0001652044"),
        (Subject(name="Google", known={"ticker": "goog"}), "0001652044"),
        (Subject(name="Other", known={"cik": "0000000007"}), "0000000007"),
        (Subject(name="Other", known={"cik": "7"}), "0000000007"),
    ],
)
def test_it_asks_for_the_company_it_finds_in_the_list(subject, cik):
    asked = network()
    (payload,) = SecEdgar().fetch(ask(subject, wanted=("legal_name",)), asked)
    assert asked.asked[-1] == f"submissions/CIK{cik}.json"
    assert json.loads(payload.body) == COMPANY


def test_the_revenue_is_asked_for_where_it_is_wanted():
    figures = [figure("2024-12-31", 60_000_000, "2024-01-01")]
    revenue = {
        "cik": 1652044,
        "taxonomy": "us-gaap",
        "tag": "Revenues",
        "entityName": "Alphabet Inc.",
        "units": {"USD": figures},
    }
    asked = Network(
        company_tickers=answer(ROWS), submissions=answer(COMPANY), **{"us-gaap/Revenues": answer(revenue)}
    )
    (payload,) = SecEdgar().fetch(ask(Subject(name="Alphabet"), wanted=("revenue_range",)), asked)
    assert len(asked.asked) == 4  # the list, the company, and two concepts of which one is not used
    said = claims(SecEdgar(), payload)
    assert (said["revenue_range"], said["legal_name"]) == (60_000_000, "Alphabet Inc.")
    assert set(said) <= set(SecEdgar.provides)
    down = Network(
        company_tickers=answer(ROWS), submissions=answer(COMPANY), companyconcept=SourceUnavailable("down")
    )
    (payload,) = SecEdgar().fetch(ask(Subject(name="Alphabet")), down)
    assert claims(SecEdgar(), payload)["legal_name"] == "Alphabet Inc."


def test_the_list_is_fetched_once():
    asked, adapter = network(), SecEdgar()
    for _ in range(3):
        adapter.fetch(ask(Subject(name="Apple")), asked)
    assert asked.asked.count(TICKERS) == 1


def test_a_name_that_is_not_listed_costs_no_request():
    asked = network()
    (payload,) = SecEdgar().fetch(ask(Subject(name="Acme", known={"cik": "../../x"})), asked)
    assert asked.asked == [TICKERS]
    assert SecEdgar().parse(payload, {}) == []


def test_several_of_one_name_are_all_named():
    (payload,) = SecEdgar().fetch(ask(Subject(name="Founders")), network())
    findings = SecEdgar().parse(payload, {})
    assert [finding.subject.name for finding in findings] == ["Founders Corp", "FOUNDERS LTD"]
    assert findings[0].claims[1].value == "0000001111"


def test_a_list_that_cannot_be_had_is_asked_for_again():
    adapter = SecEdgar()
    with pytest.raises(SourceUnavailable):
        adapter.fetch(ask(Subject(name="Apple")), Network(tickers=answer({}, status=503)))
    with pytest.raises(PayloadChanged):
        adapter.fetch(ask(Subject(name="Apple")), Network(tickers=answer({"0": {"x": 1}})))
    assert adapter.fetch(ask(Subject(name="Apple")), network())


def test_errors():
    assert SecEdgar().parse(answer(b"<Error><Code>NoSuchKey</Code></Error>", status=404), {}) == ()
    with pytest.raises(SourceRefused):
        SecEdgar().parse(answer(b"<html>Undeclared Automated Tool</html>", status=403), {})
    with pytest.raises(RateLimited):
        SecEdgar().parse(answer(b"<html>Request Rate Threshold Exceeded</html>", status=429), {})
    with pytest.raises(PayloadChanged):
        SecEdgar().parse(answer(b"<html>"), {})


def test_hostile_answers_claim_nothing(shared):
    assert misbehaviour(SecEdgar(), shared) == []


def test_damaged_answers_raise_nothing_strange(apple):
    head = json.loads(apple.body)
    head["filings"] = {}
    assert damage(SecEdgar(), answer(head)) == []
    assert damage(SecEdgar(), answer(ROWS)) == []
