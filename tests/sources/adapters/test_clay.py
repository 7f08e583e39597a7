"""Clay: a row out to the table's webhook, and the row that comes back, whatever its columns are called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.clay import Clay
from sources.attributes import Attribute, Kind, Type
from sources.contract import Call, Finding, Payload, Pending, Question, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import Verdict, compare
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned
from tests.sources.adapters.public_apis import answer, damage, misbehaviour

SOURCE = Clay()
WEBHOOK = "https://api.clay.example/v3/sources/webhook/abc"
BACK = "https://footnote.example/callbacks/7/token"
ACME = Subject(name="Acme", domain="acme.example", country="United States")
JANE = Subject(kind=Kind.CONTACT, name="Jane Roe", domain="acme.example")
ROW: dict[str, Any] = {
    "request_id": "7",
    "kind": "account",
    "domain": "acme.example",
    "Company Name": "Acme Inc.",
    "Industry": "Fintech",
    "Headcount": "1,200",
    "Tech Stack": ["AWS", {"name": "React"}, "AWS"],
    "Tech Stack provider": "BuiltWith",
    "Funding Stage": {"value": "series_b", "provider": "Crunchbase"},
    "Last Funding Amount": 20_000_000,
    "LinkedIn": "linkedin.com/company/acme",
    "Annual revenue": "No data found",
    "Sales rep": "Bob",
}


def came(body: Any, lookup: int = 7) -> Payload:
    return answer(body, url=f"callback:{lookup}")


def parsed(body: Any, **custom: Attribute) -> list[Finding]:
    return list(SOURCE.parse(came(body), custom))


def claimed(body: Any, **custom: Attribute) -> dict[str, Any]:
    (finding,) = parsed(body, **custom)
    return {claim.attribute: claim.value for claim in finding.claims}


def call(subject: Subject, key: str = "", **settings: Any) -> Call:
    question = Question(subject=subject, lookup="7", callback_url=BACK)
    return Call(questions=[question], wanted={}, settings={"webhook_url": WEBHOOK, **settings}, key=key)


def test_a_row_may_come_within_a_list_and_its_enrichment_within_a_column():
    row = {
        "kind": "account",
        "domain": "acme.example",
        "Enrich Company": {"Employee Count": 120, "industry": "Robotics"},
    }
    (finding,) = SOURCE.parse(answer([row]), {})
    assert cleaned(finding) == {"headcount": 120, "industry": "Robotics"}
    with pytest.raises(PayloadChanged):
        SOURCE.parse(answer([row, row]), {})


def test_a_row_goes_to_the_webhook_and_its_answer_comes_later():
    vendor = Vendor(answer({"success": True}))
    assert SOURCE.fetch(call(ACME, key=KEY), vendor) == [Pending(token="7")]
    (request,) = vendor.requests
    assert (request.method, request.url) == ("POST", WEBHOOK)
    assert request.headers == {"x-clay-webhook-auth": KEY}
    assert request.json == {
        "request_id": "7",
        "kind": "account",
        "domain": "acme.example",
        "name": "Acme",
        "country": "United States",
        "callback_url": BACK,
    }


def test_a_webhook_without_a_token_is_sent_none():
    vendor = Vendor(answer(b"", status=202))
    assert SOURCE.fetch(call(JANE), vendor) == [Pending(token="7")]
    assert vendor.requests[0].headers == {}
    assert vendor.requests[0].json["kind"] == "contact"


@pytest.mark.parametrize("webhook", [None, "", "clay", 3, "file:///etc/passwd"])
def test_without_a_webhook_nothing_is_sent(webhook):
    vendor = Vendor(answer({}))
    with pytest.raises(SourceRefused, match="webhook_url"):
        SOURCE.fetch(call(ACME, webhook_url=webhook), vendor)
    assert vendor.requests == []


def test_a_row_that_says_nothing_is_not_sent():
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        SOURCE.fetch(call(Subject()), vendor)
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, SourceRefused),
        (402, SourceRefused),
        (403, SourceRefused),
        (404, SourceRefused),
        (422, PayloadChanged),
        (429, RateLimited),
        (500, SourceUnavailable),
    ],
)
def test_a_webhook_that_refuses_the_row(status, error):
    (payload,) = SOURCE.fetch(call(ACME), Vendor(answer({"message": "x"}, status=status)))
    assert isinstance(payload, Payload)
    with pytest.raises(SourceError) as caught:
        SOURCE.parse(payload, {})
    assert type(caught.value) is error


def test_columns_are_read_by_their_names():
    (finding,) = parsed(ROW)
    assert cleaned(finding) == {
        "name": "Acme Inc.",
        "industry": "Fintech",
        "headcount": 1200,
        "tech_stack": ["AWS", "React"],
        "funding_stage": "Series B",
        "last_funding_amount": 20_000_000,
        "company_linkedin_url": "https://www.linkedin.com/company/acme",
    }
    assert compare(ACME, finding.subject).verdict is Verdict.CONFIRMED


def test_the_provider_behind_a_column_is_kept_in_the_reference():
    (finding,) = parsed(ROW)
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["tech_stack"] == ("clay:7/builtwith",)
    assert shown["funding_stage"] == ("clay:7/crunchbase",)
    assert shown["industry"] == ("clay:7",)


def test_columns_within_objects_are_read_too():
    body = {"lookup_id": "x", "data": {"company": {"name": "Acme", "employees": 120}}}
    assert claimed(body) == {"name": "Acme", "headcount": 120}


def test_objects_that_are_no_part_of_the_row_are_not_read():
    assert claimed({"kind": "account", "Headcount": 7, "Notes": {"industry": "Fintech"}}) == {"headcount": 7}


def test_a_column_that_is_only_called_name_is_not_the_companys_beside_a_person():
    account, contact = parsed({"Name": "Jane Roe", "Job title": "CTO", "Industry": "Fintech"})
    assert (account.subject.name, contact.subject.name) == ("", "")
    (contact,) = parsed({"kind": "contact", "Name": "Jane Roe", "Job title": "CTO"})
    assert contact.subject.name == "Jane Roe"
    (account,) = parsed({"Name": "Acme", "Industry": "Fintech"})
    assert account.subject.name == "Acme"


def test_a_person():
    row = {
        "request_id": "7",
        "kind": "contact",
        "First name": "Jane",
        "Last name": "Roe",
        "Job title": "CTO",
        "LinkedIn Profile": "https://linkedin.com/in/jane-roe",
        "Work Email": "jane@acme.example",
        "company domain": "acme.example",
        "Headcount": 12,
    }
    (finding,) = parsed(row)
    assert cleaned(finding) == {
        "name": "Jane Roe",
        "job_title": "CTO",
        "linkedin_url": "https://www.linkedin.com/in/jane-roe",
        "email": "jane@acme.example",
    }
    assert compare(JANE, finding.subject).verdict is Verdict.CONFIRMED


def test_a_row_that_does_not_say_its_kind_may_be_about_both():
    row = {
        "domain": "acme.example",
        "Company": "Acme",
        "Industry": "Fintech",
        "Full name": "Jane Roe",
        "Title": "CTO",
    }
    account, contact = parsed(row)
    assert (account.subject.name, contact.subject.name) == ("Acme", "Jane Roe")
    assert {claim.attribute for claim in account.claims} == {"name", "industry"}
    assert {claim.attribute for claim in contact.claims} >= {"name", "job_title"}


def test_a_users_own_attribute_has_a_column_too():
    custom = Attribute("soc2", "SOC 2", Type.BOOLEAN, frozenset({Kind.ACCOUNT}))
    assert claimed({"domain": "acme.example", "SOC 2": "yes"}, soc2=custom) == {"soc2": "yes"}


def test_columns_that_name_nobody_are_about_whom_was_asked():
    (finding,) = parsed({"request_id": "7", "kind": "account", "headcount": 12})
    assert finding.names_nobody
    (finding,) = parsed(ROW)
    assert not finding.names_nobody


def test_another_company_in_the_row_is_told():
    (finding,) = parsed(ROW | {"domain": "zenith.example", "Company Name": "Zenith", "LinkedIn": ""})
    assert compare(ACME, finding.subject).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "N/A",
        "No data found",
        "❌ No results",
        "Error: timeout",
        "Run condition not met",
        [],
        {"value": ""},
    ],
    ids=["null", "empty", "na", "no data", "cross", "error", "condition", "list", "object"],
)
def test_a_cell_that_found_nothing_is_no_claim(cell):
    assert parsed({"request_id": "7", "kind": "account", "Headcount": cell, "Industry": cell}) == []


def test_a_profile_is_no_company_page():
    assert parsed({"kind": "account", "LinkedIn": "https://linkedin.com/in/jane", "industry": None}) == []


@pytest.mark.parametrize(
    "body", [{"request_id": "7"}, {"request_id": "7", "data": None, "status": "done"}, {}]
)
def test_a_row_without_columns_found_nothing(body):
    assert parsed(body) == []


@pytest.mark.parametrize(
    "body", [{"foo": 1}, {"request_id": "8", "industry": "x"}, {"data": {"company": [1]}}, [], "x", 3]
)
def test_a_row_of_another_shape_or_of_another_row_is_refused(body):
    with pytest.raises(PayloadChanged):
        parsed(body)


def test_a_row_that_failed_is_asked_again_later():
    with pytest.raises(SourceUnavailable):
        parsed({"request_id": "7", "error": "out of Clay credits"})


def test_hostile_and_damaged_rows_are_contained(shared):
    assert damage(SOURCE, came(ROW)) == []
    nested = {"kind": "contact", "person": {"full_name": "Jane", "headline": {"value": "x", "provider": 3}}}
    assert damage(SOURCE, came(nested)) == []
    assert misbehaviour(SOURCE, shared, believes=True) == []


def test_the_corpus_of_callbacks(shared):
    lines = (shared / "corpora/callbacks/messages.jsonl").read_text(encoding="utf-8").splitlines()
    outcomes = {}
    for case in map(json.loads, lines):
        try:
            found = SOURCE.parse(answer(str(case["body"]).encode()), {})
            outcomes[case["name"]] = "found" if found else "nothing"
        except SourceError as error:
            outcomes[case["name"]] = type(error).__name__
    assert outcomes["good"] == "found"
    assert outcomes["signed-empty-result"] == "nothing"
    assert outcomes["signed-drifted-result"] == "PayloadChanged"
    assert outcomes["signed-not-json"] == outcomes["signed-deep"] == "PayloadChanged"
