"""Apollo: organizations and people, single and bulk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.apollo import Apollo
from sources.attributes import Kind
from sources.contract import Payload, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback, put
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

APOLLO = Apollo()
ORGANIZATION = {
    "id": "o1",
    "name": "Acme",
    "primary_domain": "acme.example",
    "estimated_num_employees": 120,
    "organization_headcount_six_month_growth": 0.010734649181955,
    "latest_funding_stage": "Seed",
    "latest_funding_round_date": "2024-02-01T00:00:00.000+00:00",
    "funding_events": [
        {
            "date": "2024-02-01T00:00:00.000+00:00",
            "amount": "3M",
            "currency": "€",
            "news_url": "javascript:x",
        },
    ],
}
PERSON = {
    "id": "p1",
    "name": "Jane Roe",
    "title": "CFO",
    "email": "jane@acme.example",
    "email_status": "verified",
    "organization": {"name": "Acme", "primary_domain": "acme.example"},
}
JANE = Subject(kind=Kind.CONTACT, email="jane@acme.example")
JOHN = Subject(kind=Kind.CONTACT, name="John Doe", domain="zenith.example")


def recorded(shared, name: str, status: int = 200, **headers: str) -> Payload:
    body = (shared / "payloads/apollo" / name).read_bytes()
    return Payload(status=status, body=body, url="https://api.apollo.io/api/v1/x", headers=headers)


def claimed(value: Any) -> dict[str, Any]:
    (finding,) = APOLLO.parse(answer(value), {})
    return cleaned(finding)


def test_a_recorded_organization(shared):
    (finding,) = APOLLO.parse(recorded(shared, "recorded_enrich_organization.json"), {})
    values = cleaned(finding)
    assert values.keys() <= set(APOLLO.provides)
    assert len(values.pop("tech_stack")) == 117
    assert values.pop("investors")[:2] == ["Bain Capital Ventures", "Nexus Venture Partners"]
    assert values.pop("company_description").startswith("Apollo.io is a lead intelligence")
    assert values == {
        "name": "Apollo.io",
        "domain": "apollo.io",
        "industry": "information technology & services",
        "headcount": 990,
        "revenue_range": "$100M-$250M",
        "founded_year": 2015,
        "headquarters": "San Francisco, California, United States",
        "city": "San Francisco",
        "country": "United States",
        "phone": "+34 955 62 70 15",
        "company_linkedin_url": "https://www.linkedin.com/company/apolloio",
        "twitter_url": "https://twitter.com/MeetApollo/",
        "facebook_url": "https://facebook.com/MeetApollo/",
        "funding_stage": "Series D",
        "last_funding_date": "2023-08-01",
        "last_funding_amount": 100_000_000,
        "total_funding": 253_400_000,
    }


def test_a_round_refers_to_the_news_about_it(shared):
    (finding,) = APOLLO.parse(recorded(shared, "recorded_enrich_organization.json"), {})
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["headcount"] == ("apollo:5e66b6381e05b4008c8331b8",)
    assert shown["last_funding_amount"][0].startswith("https://thetechportal.com/2023/08/29/")
    assert shown["total_funding"] == shown["headcount"]


def test_the_documented_organization_and_its_impossible_growth(shared):
    (finding,) = APOLLO.parse(recorded(shared, "organizations_enrich_apollo_docs.json"), {})
    values = cleaned(finding)
    assert (values["headcount"], values["total_funding"]) == (1600, 251_200_000)
    assert "employee_growth_6mo" not in values  # 12.3 is per cent there, a fraction in every recorded answer


def test_growth_is_told_as_a_fraction(shared):
    assert claimed({"organization": ORGANIZATION | {"funding_events": []}})["employee_growth_6mo"] == 1.07
    searched = json.loads(recorded(shared, "recorded_organization_search.json").body)["organizations"]
    grown = [claimed({"organization": one}).get("employee_growth_6mo") for one in searched]
    assert len([value for value in grown if value is not None]) == 99
    assert all(-5 < value < 25 for value in grown if value is not None)


def test_a_round_in_another_currency_is_not_taken_for_dollars():
    (finding,) = APOLLO.parse(answer({"organization": ORGANIZATION}), {})
    amounts = [claim for claim in finding.claims if claim.attribute == "last_funding_amount"]
    assert [(claim.value, claim.references) for claim in amounts] == [("€3M", ("apollo:o1",))]
    event = {"date": "2024-02-01", "amount": "3M", "currency": None}
    assert "last_funding_amount" not in claimed({"organization": ORGANIZATION | {"funding_events": [event]}})


def test_a_documented_person(shared):
    (finding,) = APOLLO.parse(recorded(shared, "people_match_docs.json"), {})
    assert cleaned(finding) == {
        "name": "Tim Zheng",
        "email": "person4ea5ed@example.com",
        "linkedin_url": "https://www.linkedin.com/in/tim-zheng-677ba010",
        "headline": "Founder & CEO at Apollo",
        "job_title": "Founder & CEO",
        "current_company": "Apollo.io",
        "location": "San Francisco, California, United States",
        "city": "San Francisco",
        "country": "United States",
    }
    assert (finding.subject.kind, finding.subject.domain) == (Kind.CONTACT, "apollo.io")


@pytest.mark.parametrize(
    "change",
    [
        {"email": "email_not_unlocked@domain.com", "email_status": "unavailable"},
        {"email_status": "extrapolated"},
        {"email_status": None},
        {"email": "N/A"},
    ],
)
def test_an_address_that_is_only_guessed_is_no_claim(change):
    assert "email" not in claimed({"person": PERSON | change})


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"organization": None},
        {"organization": {}},
        {"person": None},
        {"person": PERSON | {"name": ""}},
        {"person": PERSON | {"match_confidence": "none"}},
    ],
)
def test_not_found(value):
    assert APOLLO.parse(answer(value), {}) == ()


def test_the_recorded_nobody(shared):
    assert APOLLO.parse(recorded(shared, "recorded_enrich_person.json"), {}) == ()


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("organizations_enrich_401.txt", 401, SourceRefused),
        ("organizations_enrich_403.json", 403, SourceRefused),
        ("organizations_enrich_422.json", 422, PayloadChanged),
        ("organizations_enrich_429.json", 429, RateLimited),
        ("organizations_enrich_429.json", 503, SourceUnavailable),
        ("organizations_enrich_422.json", 200, PayloadChanged),
        ("credit_usage_stats_docs.json", 200, PayloadChanged),
        ("api_usage_stats_docs.txt", 200, PayloadChanged),
    ],
)
def test_recorded_errors_and_answers_to_other_questions(shared, name, status, error):
    with pytest.raises(SourceError) as caught:
        APOLLO.parse(recorded(shared, name, status), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"organizations": [ORGANIZATION, None], "accounts": []}, ["Acme"]),
        ({"organizations": [], "accounts": [{"id": "a1", "name": "Zenith", "domain": "z.example"}]}, ["Zenith"]),
        ({"status": "success", "error_code": None, "matches": [None, PERSON]}, ["Jane Roe"]),
        ({"people": [PERSON], "contacts": [{"name": "John Doe", "organization_name": "Zenith"}]}, ["Jane Roe", "John Doe"]),
        ({"contact": PERSON | {"organization": None, "account": {"name": "Acme"}}}, ["Jane Roe"]),
        ({"account": ORGANIZATION}, ["Acme"]),
    ],
)  # fmt: skip
def test_bulk_answers_and_searches_name_each_record(value, names):
    assert [found.subject.name for found in APOLLO.parse(answer(value), {})] == names


def test_a_telephone_that_is_wrong_is_passed_over():
    numbers = [
        {"sanitized_number": "+16195550100", "status": "invalid_number"},
        {"raw_number": "+1 619-555-0101", "status": "valid_number"},
    ]
    assert claimed({"person": PERSON | {"phone_numbers": numbers}})["phone"] == "+1 619-555-0101"


def test_amounts_are_also_read_as_they_are_printed():
    printed = {"annual_revenue_printed": "20M", "total_funding_printed": "251.2M", "industries": ["retail"]}
    values = claimed({"organization": {"id": "o1", "name": "Acme", **printed}})
    assert (values["revenue_range"], values["total_funding"]) == ("$10M-$50M", 251_200_000)
    assert values["industry"] == "retail"


def test_open_roles_of_an_organization_are_counted_when_all_of_them_are_there():
    roles = [
        {"id": "j1", "title": "DevOps Engineer", "url": "https://jobs.example/1"},
        {"id": "j2", "title": "Lawyer", "url": None},
        {"id": "j3", "title": None},
    ]
    (finding,) = APOLLO.parse(answer({"organization_job_postings": roles}), {})
    assert cleaned(finding) == {"recent_job_postings": 1, "open_job_titles": ["DevOps Engineer", "Lawyer"]}
    assert finding.names_nobody
    part = {"organization_job_postings": roles, "pagination": {"page": 1, "total_pages": 4}}
    (finding,) = APOLLO.parse(answer(part), {})
    assert cleaned(finding) == {"open_job_titles": ["DevOps Engineer", "Lawyer"]}
    assert APOLLO.parse(answer({"organization_job_postings": []}), {}) == ()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (422, {"error": "You have insufficient credits. Please upgrade."}, SourceRefused),
        (402, {"error": "Payment required"}, SourceRefused),
        (404, {"status": "pending", "error_code": "result_pending", "retry_after_seconds": 30}, SourceUnavailable),
        (410, {"error_code": "request_id_expired"}, PayloadChanged),
        (200, {"error": "Something went wrong"}, PayloadChanged),
    ],
)  # fmt: skip
def test_documented_errors(status, body, error):
    with pytest.raises(SourceError) as caught:
        APOLLO.parse(answer(body, status=status), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12", "x-hourly-requests-left": "0"}, 12),
        ({"x-minute-requests-left": "0", "x-hourly-requests-left": "9", "x-24-hour-requests-left": "9"}, 60),
        (
            {"x-minute-requests-left": "0", "x-hourly-requests-left": "0", "x-24-hour-requests-left": "9"},
            3_600,
        ),
        ({"x-24-hour-requests-left": "0"}, 86_400),
        ({}, None),
    ],
)
def test_the_pause_is_that_of_the_window_used_up(headers, seconds):
    with pytest.raises(RateLimited) as caught:
        APOLLO.parse(answer({"message": "The maximum number of api calls"}, status=429, headers=headers), {})
    assert caught.value.retry_after == seconds


def test_one_company_is_asked_for_over_the_wire():
    with loopback(reply(json.dumps({"organization": ORGANIZATION}).encode())) as (http, server):
        (payload,) = put(APOLLO, ask(Subject(domain="acme.example"), key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("GET /organizations/enrich?domain=acme.example HTTP/1.1")
    assert f"x-api-key: {KEY}" in head
    assert KEY not in payload.url
    assert APOLLO.parse(payload, {})[0].subject.name == "Acme"


def test_several_companies_go_in_one_request_over_the_wire():
    body = {"status": "success", "missing_records": 1, "organizations": [ORGANIZATION]}
    call = ask(
        Subject(domain="zenith.example"), Subject(domain="acme.example"), Subject(name="No domain"), key=KEY
    )
    with loopback(reply(json.dumps(body).encode())) as (http, server):
        zenith, acme, unasked = put(APOLLO, call, http)
    assert len(server.heads) == 1
    assert server.heads[0].startswith(
        b"POST /organizations/bulk_enrich?domains%5B%5D=zenith.example&domains%5B%5D=acme.example HTTP/1.1"
    )
    assert APOLLO.parse(zenith, {}) == ()
    assert APOLLO.parse(acme, {})[0].subject.domain == "acme.example"
    with pytest.raises(NotAllowed, match="by their domain"):
        APOLLO.parse(unasked, {})


def test_an_organization_under_another_domain_is_taken_by_its_place():
    moved = ORGANIZATION | {"primary_domain": "acme-new.example"}
    other = {"id": "o2", "name": "Zenith", "primary_domain": "zenith.example"}
    call = ask(Subject(domain="acme.example"), Subject(domain="zenith.example"))
    first, second = put(APOLLO, call, Vendor(answer({"organizations": [moved, other]})))
    assert APOLLO.parse(first, {})[0].subject.domain == "acme-new.example"
    assert APOLLO.parse(second, {})[0].subject.domain == "zenith.example"
    first, second = put(APOLLO, call, Vendor(answer({"organizations": [moved]})))
    for payload in (first, second):  # whose it is it says itself
        assert [found.subject.domain for found in APOLLO.parse(payload, {})] == ["acme-new.example"]


def test_companies_in_another_order_are_told_by_their_domain():
    other = {"id": "o2", "name": "Zenith", "primary_domain": "zenith.example"}
    call = ask(
        Subject(domain="acme.example"), Subject(domain="zenith.example"), Subject(domain="acme.example")
    )
    payloads = put(APOLLO, call, Vendor(answer({"organizations": [other, ORGANIZATION, None]})))
    names = [APOLLO.parse(payload, {})[0].subject.name for payload in payloads]
    assert names == ["Acme", "Zenith", "Acme"]


def test_several_people_go_in_one_request():
    vendor = Vendor(answer({"status": "success", "matches": [PERSON, None], "missing_records": 1}))
    found, missing = put(APOLLO, ask(JANE, JOHN, key=KEY), vendor)
    (request,) = vendor.requests
    assert (request.method, request.url) == ("POST", "people/bulk_match")
    assert request.json == {
        "details": [{"email": "jane@acme.example"}, {"name": "John Doe", "domain": "zenith.example"}]
    }
    assert request.headers == {"x-api-key": KEY}
    assert APOLLO.parse(found, {})[0].subject.name == "Jane Roe"
    assert APOLLO.parse(missing, {}) == ()


def test_one_person_is_matched():
    vendor = Vendor(answer({"person": PERSON}))
    (payload,) = put(APOLLO, ask(JANE, key=KEY), vendor)
    assert (vendor.requests[0].url, vendor.requests[0].json) == (
        "people/match",
        {"email": "jane@acme.example"},
    )
    assert APOLLO.parse(payload, {})[0].subject.email == "jane@acme.example"


@pytest.mark.parametrize(
    ("bulk", "error"),
    [
        (answer(b"Invalid API key.", status=401), SourceRefused),
        (answer({"message": "too many"}, status=429, headers={"retry-after": "9"}), RateLimited),
        (answer({"matches": [PERSON, "x"]}), PayloadChanged),
        (answer(b"<html>"), PayloadChanged),
    ],
)
def test_a_bulk_answer_that_cannot_be_cut_is_every_questions_answer(bulk, error):
    payloads = put(APOLLO, ask(JANE, JOHN), Vendor(bulk))
    assert len(payloads) == 2
    with pytest.raises(SourceError) as caught:
        APOLLO.parse(payloads[1], {})
    assert type(caught.value) is error


def test_an_empty_list_of_matches_means_nobody():
    payloads = put(APOLLO, ask(JANE, JOHN), Vendor(answer({"matches": [], "missing_records": 2})))
    assert [APOLLO.parse(payload, {}) for payload in payloads] == [(), ()]


@pytest.mark.parametrize("subject", [Subject(name="Acme"), Subject(kind=Kind.CONTACT, domain="acme.example")])
def test_a_question_about_nobody_is_not_sent(subject):
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        put(APOLLO, ask(subject), vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(APOLLO, shared) == []
    assert damage(APOLLO, answer({"organization": ORGANIZATION})) == []
    assert damage(APOLLO, recorded(shared, "people_match_docs.json")) == []
    assert damage(APOLLO, recorded(shared, "recorded_enrich_organization.json")) == []
