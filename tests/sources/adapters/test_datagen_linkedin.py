"""DataGen's gateway and its LinkedIn tools: the envelope, the failures within, profiles in several shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.datagen_linkedin import DatagenLinkedin
from sources.attributes import Kind
from sources.contract import Call, Payload, Question, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import Verdict, compare
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour, recorded
from tests.sources.servers import reply

SOURCE = DatagenLinkedin()
PROFILE = "https://www.linkedin.com/in/jane-roe"
JANE = Subject(kind=Kind.CONTACT, name="Jane Roe", linkedin_url=PROFILE)
ACME = Subject(name="Acme", linkedin_url="https://www.linkedin.com/company/acme")
CAMEL: dict[str, Any] = {
    "person": {
        "firstName": "Jane",
        "lastName": "Roe",
        "linkedInUrl": "https://www.linkedin.com/in/jane-roe",
        "headline": "Building robots",
        "location": {"city": "Boston", "state": "Massachusetts", "country": "United States"},
        "followerCount": 1200,
        "positions": {
            "positionsCount": 2,
            "positionHistory": [
                {
                    "title": "Advisor",
                    "companyName": "Zenith",
                    "startEndDate": {"start": {"year": 2020}, "end": None},
                },
                {
                    "title": "CTO",
                    "companyName": "Acme",
                    "startEndDate": {"start": {"year": 2024, "month": 3}, "end": None},
                },
                {
                    "title": "Engineer",
                    "companyName": "Old Co",
                    "startEndDate": {"start": {"year": 2019}, "end": {"year": 2024}},
                },
            ],
        },
    },
}
FLAT: dict[str, Any] = {
    "name": "Jane Roe",
    "url": "https://linkedin.com/in/jane-roe/",
    "headline": "Building robots",
    "location": "Boston, Massachusetts, United States",
    "followersCount": "1,200",
    "currentCompany": {"name": "Acme"},
    "currentTitle": "CTO",
}
SNAKE: dict[str, Any] = {
    "public_identifier": "jane-roe",
    "full_name": "Jane Roe",
    "headline": "Building robots",
    "city": "Boston",
    "state": "Massachusetts",
    "country_full_name": "United States",
    "follower_count": 1200,
    "experiences": [
        {"title": "Advisor", "company": "Zenith", "starts_at": {"year": 2020}, "ends_at": None},
        {"title": "CTO", "company": "Acme", "starts_at": {"year": 2024}, "ends_at": None},
    ],
}
COMPANY: dict[str, Any] = {
    "name": "Acme",
    "universalName": "acme",
    "websiteUrl": "https://www.acme.example",
    "employeeCount": 120,
    "industry": "Robotics",
    "headquarter": {"city": "Boston", "geographicArea": "Massachusetts", "country": "US"},
    "foundedOn": {"year": 2015},
}


def wrapped(result: Any) -> Payload:
    return answer({"success": True, "data": {"success": True, "result": result}})


@pytest.mark.parametrize(
    "result",
    [CAMEL, FLAT, SNAKE, [SNAKE], {"data": FLAT}, json.dumps(FLAT)],
    ids=["camel", "flat", "snake", "list", "data", "text"],
)
def test_a_person_in_the_shapes_that_vendors_use(result):
    (finding,) = SOURCE.parse(wrapped(result), {})
    values = cleaned(finding)
    assert {slug: value for slug, value in values.items() if slug not in ("city", "country")} == {
        "name": "Jane Roe",
        "linkedin_url": PROFILE,
        "headline": "Building robots",
        "job_title": "CTO",
        "current_company": "Acme",
        "location": "Boston, Massachusetts, United States",
        "follower_count": 1200,
    }
    assert compare(JANE, finding.subject).verdict is Verdict.CONFIRMED
    assert {reference for claim in finding.claims for reference in claim.references} == {PROFILE}


def test_text_of_the_gateways_own_protocol_is_read():
    text = {"content": [{"type": "text", "text": "Here it is:\n```json\n" + json.dumps(FLAT) + "\n```"}]}
    (finding,) = SOURCE.parse(wrapped(text), {})
    assert finding.subject.name == "Jane Roe"


def test_a_company():
    (finding,) = SOURCE.parse(wrapped({"company": COMPANY}), {})
    values = cleaned(finding)
    assert values.keys() <= set(SOURCE.provides)
    assert values == {
        "name": "Acme",
        "domain": "acme.example",
        "company_linkedin_url": "https://www.linkedin.com/company/acme",
        "headcount": 120,
        "industry": "Robotics",
        "founded_year": 2015,
        "city": "Boston",
        "country": "United States",
        "headquarters": "Boston, Massachusetts, United States",
    }


@pytest.mark.parametrize(
    ("size", "people"),
    [({"company_size": [51, 200]}, 51), ({"employeeCountRange": {"start": 11, "end": 50}}, 11), ({}, None)],
)
def test_a_company_that_tells_a_band_of_people(size, people):
    company = {key: value for key, value in COMPANY.items() if key != "employeeCount"} | size
    (finding,) = SOURCE.parse(wrapped(company), {})
    assert cleaned(finding).get("headcount") == people


def test_another_person_is_told_by_the_page():
    (finding,) = SOURCE.parse(wrapped(SNAKE | {"full_name": "John Doe", "public_identifier": "john"}), {})
    assert compare(JANE, finding.subject).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize("said", ["Resource not found", "Profile does not exist", "HTTP 404: Not Found"])
def test_a_tool_that_finds_nobody_is_no_error(said):
    for body in (
        {"success": False, "error": said},
        {"success": True, "data": {"success": False, "error": said}},
    ):
        assert list(SOURCE.parse(answer(body), {})) == []


@pytest.mark.parametrize("result", [None, [], {}])
def test_an_empty_result_is_nobody(result):
    assert list(SOURCE.parse(wrapped(result), {})) == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Something went wrong", SourceUnavailable),
        ("Insufficient credits", SourceRefused),
        ("Tool 'get_x' not found", SourceRefused),
        ("Unauthorized: invalid API key", SourceRefused),
        ("Rate limit exceeded", RateLimited),
        (None, SourceUnavailable),
        ({"message": "Quota exceeded"}, SourceRefused),
    ],
)
def test_a_failure_of_the_tool_is_told_by_its_sentence(said, error):
    with pytest.raises(SourceError) as caught:
        SOURCE.parse(answer({"success": True, "data": {"success": False, "error": said}}), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("value", "status", "error"),
    [
        ({"detail": "Invalid API key"}, 401, SourceRefused),
        ({"detail": "Forbidden"}, 403, SourceRefused),
        ({}, 429, RateLimited),
        ({}, 500, SourceUnavailable),
        ({"detail": "bad"}, 422, PayloadChanged),
        ({"data": {}}, 200, PayloadChanged),
        ({"success": True}, 200, PayloadChanged),
        ({"success": True, "data": {"success": True, "result": {"posts": []}}}, 200, PayloadChanged),
        ({"success": True, "data": {"success": True, "result": "He is a nice man."}}, 200, PayloadChanged),
        (b"<html>", 200, PayloadChanged),
    ],
)
def test_errors(value, status, error):
    with pytest.raises(SourceError) as caught:
        SOURCE.parse(answer(value, status=status), {})
    assert type(caught.value) is error


def test_the_recorded_answers_of_other_tools():
    with pytest.raises(PayloadChanged):
        SOURCE.parse(recorded("datagen/execute_tool_success.json"), {})
    with pytest.raises(SourceUnavailable):
        SOURCE.parse(recorded("datagen/tool_failure_fc6b31.json"), {})


def test_the_wire():
    body = json.dumps({"success": True, "data": {"success": True, "result": FLAT}}).encode()
    with loopback(reply(body)) as (http, server):
        (payload,) = SOURCE.fetch(ask(JANE, key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("POST /api/tools/execute HTTP/1.1")
    assert f"X-API-Key: {KEY}" in head
    assert SOURCE.parse(payload, {})[0].subject.name == "Jane Roe"


@pytest.mark.parametrize(
    ("subject", "settings", "tool"),
    [
        (JANE, {}, "get_linkedin_person_data"),
        (ACME, {}, "get_linkedin_company_data"),
        (JANE, {"tool": "my_profile_tool"}, "my_profile_tool"),
    ],
)
def test_the_tool_fits_the_subject_or_the_setting(subject, settings, tool):
    vendor = Vendor(wrapped(None))
    SOURCE.fetch(Call(questions=[Question(subject=subject)], wanted={}, settings=settings, key=KEY), vendor)
    (request,) = vendor.requests
    assert request.json == {"tool_alias_name": tool, "parameters": {"linkedin_url": subject.linkedin_url}}


def test_a_question_without_a_page_is_not_sent():
    vendor = Vendor(wrapped(None))
    with pytest.raises(NotAllowed):
        SOURCE.fetch(ask(Subject(domain="acme.example")), vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    for result in (CAMEL, FLAT, SNAKE, {"company": COMPANY}):
        assert damage(SOURCE, wrapped(result)) == []


def test_a_text_full_of_braces_is_given_up_soon():
    with pytest.raises(PayloadChanged):
        SOURCE.parse(wrapped("{" * 150_000), {})


def test_a_position_that_goes_on_may_say_so_in_words():
    jobs = [
        {"title": "Engineer", "company": "Zenith", "start_date": "2019-02", "end_date": "2022-01"},
        {"title": "Advisor", "company": "Zenith", "start_date": "2020-05-01", "end_date": "Present"},
        {"title": "CTO", "company": "Acme", "start_date": "2024-03-01", "end_date": "present"},
    ]
    person = {"full_name": "Jane Roe", "headline": "x", "profile_url": PROFILE, "experiences": jobs}
    (finding,) = SOURCE.parse(answer({"success": True, "data": {"success": True, "result": person}}), {})
    values = cleaned(finding)
    assert (values["job_title"], values["current_company"]) == ("CTO", "Acme")


def test_a_tool_that_says_itself_that_it_failed():
    result = {"isError": True, "content": [{"type": "text", "text": "Profile not found"}]}
    assert SOURCE.parse(answer({"success": True, "data": {"success": True, "result": result}}), {}) == ()
    result["content"] = [{"type": "text", "text": "boom"}]
    with pytest.raises(SourceUnavailable, match="boom"):
        SOURCE.parse(answer({"success": True, "data": {"success": True, "result": result}}), {})
