"""Hunter: companies and their people by domain, people by e-mail, addresses found and verified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.hunter import Hunter
from sources.attributes import Kind
from sources.contract import Call, Http, Payload, Pending, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

HUNTER = Hunter()
COMPANY: dict[str, Any] = {
    "data": {
        "id": "h1",
        "name": "Acme",
        "domain": "acme.example",
        "category": {"industry": "Machinery"},
        "metrics": {"employees": "51-200", "estimatedAnnualRevenue": "$10M-$50M", "raised": None},
        "foundedYear": 1999,
        "tech": ["nginx"],
        "geo": {"city": "Boston", "countryCode": "US"},
    }
}
SEARCH: dict[str, Any] = {
    "data": {
        "domain": "acme.example",
        "webmail": False,
        "organization": "Acme Corporation",
        "technologies": ["jekyll"],
        "linkedin": "acme",
        "twitter": "acme",
        "headcount": "11-50",
        "emails": [
            {
                "value": "jane@acme.example",
                "type": "personal",
                "first_name": "Jane",
                "last_name": "Roe",
                "position": "Co-founder & CEO",
                "seniority": "executive",
                "linkedin": "jane-roe",
            },
            {
                "value": "info@acme.example",
                "type": "generic",
                "verification": {"status": "valid"},
                "sources": [{"uri": "https://acme.example/contact"}, {"uri": "not a link"}, None],
            },
        ],
    },
    "meta": {"results": 2},
}
PERSON = {
    "data": {
        "id": "p1",
        "name": {"fullName": "Jane Roe"},
        "email": "jane@acme.example",
        "employment": {"domain": "acme.example", "name": "Acme", "title": "CEO"},
        "linkedin": {"handle": "jane-ro%c3%ab"},
        "geo": {"country": "Japan"},
    }
}
VERDICT = {
    "data": {
        "status": "valid",
        "score": 98,
        "email": "jane@acme.example",
        "sources": [{"uri": "https://acme.example/team"}],
    }
}
MISS = answer({"errors": [{"id": "not_found", "code": 404}]}, status=404)
ACME = Subject(domain="acme.example")
JANE = Subject(kind=Kind.CONTACT, email="jane@acme.example", name="Jane Roe", domain="acme.example")


def answered(call: Call, http: Http) -> Payload:
    """The payload of the one question of a call."""
    (payload,) = HUNTER.fetch(call, http)
    assert isinstance(payload, Payload)
    return payload


def recorded(shared, name: str) -> Payload:
    body = (shared / "payloads/hunter" / name).read_bytes()
    value = json.loads(body)
    return answer(value.get("response", value), url="https://api.hunter.io/v2/domain-search?domain=x.example")


def claimed(value: Any) -> dict[str, Any]:
    (finding,) = HUNTER.parse(answer(value), {})
    return cleaned(finding)


def verdict(status: str) -> dict[str, Any]:
    return {"data": VERDICT["data"] | {"status": status}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, {"errors": [{"id": "too_many_requests", "code": 429, "details": "You have reached the usage limit. Upgrade your plan if necessary."}]}, SourceRefused),
        (429, {"errors": [{"id": "too_many_requests", "code": 429, "details": "Slow down"}]}, RateLimited),
        (222, {"data": {}}, SourceUnavailable),
        (200, {"errors": [{"id": "authentication_failed", "code": 401, "details": "No user found for the API key supplied"}]}, SourceRefused),
        (400, {"errors": [{"id": "invalid_domain", "code": 400, "details": "The domain is invalid"}]}, PayloadChanged),
    ],
)  # fmt: skip
def test_documented_errors(status, body, error):
    with pytest.raises(SourceError) as caught:
        HUNTER.parse(answer(body, status=status), {})
    assert type(caught.value) is error


def test_early_verdicts_have_other_words():
    data = {"result": "deliverable", "score": 91, "email": "jane@acme.example"}
    assert cleaned(HUNTER.parse(answer({"data": data}), {})[0]) == {"email": "jane@acme.example"}
    assert HUNTER.parse(answer({"data": data | {"result": "undeliverable"}}), {}) == []


def test_a_recorded_search(shared):
    (finding,) = HUNTER.parse(recorded(shared, "domain_search_page1.json"), {})
    assert cleaned(finding) == {
        "name": "Black Lantern Security",
        "domain": "blacklanternsecurity.com",
        "tech_stack": ["jekyll", "nginx"],
        "email_pattern": "{first}",
        "headquarters": "Night City, CA, United States",
        "city": "Night City",
        "country": "United States",
        "company_linkedin_url": "https://www.linkedin.com/company/black-lantern-security",
        "email": "persond11376@example.com",
    }
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["email"] == ("http://blacklanternsecurity.com/", "hunter:blacklanternsecurity.com")
    assert shown["name"] == ("hunter:blacklanternsecurity.com",)


def test_a_documented_search_names_the_chief(shared):
    (finding,) = HUNTER.parse(recorded(shared, "domain_search_example.json"), {})
    values = cleaned(finding)
    assert values.keys() <= set(HUNTER.provides)
    assert values["ceo_name"] == "Patrick Collison"
    assert values["ceo_linkedin_url"] == "https://www.linkedin.com/in/patrickcollison"
    assert values["executives"] == ["Patrick Collison, CEO"]
    assert values["headcount"] == 5001
    assert values["industry"] == "Internet Software & Services"
    assert values["email"] == "press@stripe.com"
    assert values["twitter_url"] == "https://twitter.com/stripe"


def test_a_documented_find(shared):
    (finding,) = HUNTER.parse(recorded(shared, "email_finder_example.json"), {})
    assert cleaned(finding) == {
        "name": "Patrick Collison",
        "email": "person563195@example.com",
        "job_title": "CEO",
        "current_company": "Stripe",
        "linkedin_url": "https://www.linkedin.com/in/patrickcollison",
    }
    assert (finding.subject.kind, finding.subject.domain) == (Kind.CONTACT, "stripe.com")
    assert finding.claims[0].references[0] == "https://stripe.com/about"


def test_the_recorded_account_is_no_answer(shared):
    with pytest.raises(PayloadChanged):
        HUNTER.parse(recorded(shared, "account.json"), {})


def test_enrichment_in_clearbits_shape_with_bands():
    for value in (COMPANY, COMPANY["data"]):  # the second: clearbit_format
        values = claimed(value)
        assert (values["headcount"], values["revenue_range"], values["founded_year"]) == (
            51,
            "$10M-$50M",
            1999,
        )
    assert claimed(PERSON)["linkedin_url"] == "https://www.linkedin.com/in/jane-ro%C3%AB"
    person, company = HUNTER.parse(
        answer({"data": {"person": PERSON["data"], "company": COMPANY["data"]}}), {}
    )
    assert (person.subject.kind, company.subject.kind) == (Kind.CONTACT, Kind.ACCOUNT)


@pytest.mark.parametrize(
    ("position", "is_chief"),
    [
        ("CEO", True),
        ("Chief Executive Officer", True),
        ("President & CEO", True),
        ("Founder and CEO", True),
        ("Assistant to the CEO", False),
        ("Deputy CEO", False),
        ("Chief Revenue Officer", False),
    ],
)
def test_who_is_the_chief(position, is_chief):
    person = {"first_name": "Jane", "last_name": "Roe", "position": position}
    assert ("ceo_name" in claimed({"data": SEARCH["data"] | {"emails": [person]}})) is is_chief


def test_of_two_chiefs_none_is_claimed():
    people = [{"first_name": name, "last_name": "Roe", "position": "CEO"} for name in ("Jane", "John")]
    assert "ceo_name" not in claimed({"data": SEARCH["data"] | {"emails": people}})


@pytest.mark.parametrize(
    ("status", "sources", "is_claimed"),
    [
        ("valid", [], True),
        ("accept_all", [], True),
        ("invalid", [{"uri": "https://acme.example"}], False),
        ("unknown", [], False),
        (None, [], False),
        (None, [{"uri": "https://acme.example/team"}], True),
    ],
)
def test_a_guessed_address_is_no_claim(status, sources, is_claimed):
    value = {
        "email": "jane@acme.example", "score": 80, "first_name": "Jane", "last_name": "Roe", "domain": "acme.example",
        "verification": {"status": status}, "sources": sources,
    }  # fmt: skip
    assert ("email" in claimed({"data": value})) is is_claimed


@pytest.mark.parametrize(
    "payload",
    [
        MISS,
        answer({"data": {"domain": "zenith.example", "organization": None, "emails": []}}),
        answer({"data": SEARCH["data"] | {"webmail": True}}),
        answer({"data": {"person": None, "company": None}}),
        answer({"data": {"email": None, "score": None, "first_name": "Jane", "last_name": "Roe"}}),
        answer(verdict("invalid")),
    ],
)
def test_not_found(payload):
    assert list(HUNTER.parse(payload, {})) == []


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (answer({"errors": [{"id": "authentication_failed", "code": 401}]}, status=401), SourceRefused),
        (answer({"errors": []}, status=403), RateLimited),
        (answer({"errors": []}, status=429), RateLimited),
        (answer({"errors": []}, status=451), NotAllowed),
        (answer({"errors": []}, status=400), PayloadChanged),
        (answer({"data": {}}, status=202), SourceUnavailable),
        (answer(b"", status=502), SourceUnavailable),
        (answer({"errors": [{"code": "rate_limited"}], "data": None}), PayloadChanged),
        (answer({"data": []}), PayloadChanged),
        (answer({"answers": []}), PayloadChanged),
        (answer({"answers": [{"body": "<html>"}]}), PayloadChanged),
        (answer(b"<html>"), PayloadChanged),
    ],
)
def test_errors(payload, error):
    with pytest.raises(SourceError) as caught:
        HUNTER.parse(payload, {})
    assert type(caught.value) is error


def test_a_company_and_its_people_are_one_finding():
    vendor = Vendor(answer(COMPANY), answer(SEARCH))
    payload = answered(ask(ACME, key=KEY), vendor)
    assert [(request.url, request.params) for request in vendor.requests] == [
        ("companies/find", {"domain": "acme.example"}),
        ("domain-search", {"domain": "acme.example", "limit": "10"}),
    ]
    (finding,) = HUNTER.parse(payload, {})
    values = cleaned(finding)
    assert (values["name"], values["headcount"], values["tech_stack"]) == ("Acme", 51, ["nginx"])
    assert (values["ceo_name"], values["email"]) == ("Jane Roe", "info@acme.example")
    assert values["executives"] == ["Jane Roe, Co-founder & CEO"]
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["name"] == ("hunter:h1",)
    assert shown["email"] == ("https://acme.example/contact", "hunter:acme.example")


def test_what_the_search_says_of_another_domain_is_left_out():
    moved = {"data": COMPANY["data"] | {"domain": "acme-new.example"}}
    payload = answered(ask(ACME), Vendor(answer(moved), answer(SEARCH)))
    (finding,) = HUNTER.parse(payload, {})
    assert "ceo_name" not in cleaned(finding)


def test_a_person_is_asked_for_and_the_address_verified_over_the_wire():
    with loopback(reply(json.dumps(PERSON).encode())) as (http, server):
        payload = answered(ask(JANE, key=KEY), http)
    assert isinstance(payload, Payload)
    first, second = (head.decode() for head in server.heads)
    assert first.startswith("GET /people/find?email=jane%40acme.example HTTP/1.1")
    assert second.startswith("GET /email-verifier?email=jane%40acme.example HTTP/1.1")
    assert f"X-API-KEY: {KEY}" in first
    assert KEY not in payload.url
    assert KEY.encode() not in payload.body
    assert len(HUNTER.parse(payload, {})) == 1


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("valid", ("https://acme.example/team", "hunter:jane@acme.example")),
        ("invalid", None),
        ("unknown", None),
    ],
)
def test_the_verdict_on_an_address_is_final(status, shown):
    payload = answered(ask(JANE), Vendor(answer(PERSON), answer(verdict(status))))
    (finding,) = HUNTER.parse(payload, {})
    assert {claim.attribute: claim.references for claim in finding.claims}.get("email") == shown
    assert cleaned(finding)["job_title"] == "CEO"


def test_an_address_is_found_by_name_and_domain():
    vendor = Vendor(answer({"data": {}}))
    HUNTER.fetch(ask(Subject(kind=Kind.CONTACT, name="Jane Roe", domain="acme.example"), key=KEY), vendor)
    (request,) = vendor.requests
    assert request.url == "email-finder"
    assert request.params == {"domain": "acme.example", "full_name": "Jane Roe"}


@pytest.mark.parametrize(
    ("second", "calls"),
    [
        (SourceUnavailable("broken off"), 2),
        (answer({"errors": []}, status=429), 2),
        (MISS, 2),
        (answer(b"<html>"), 2),
    ],
)
def test_a_good_answer_outlives_the_failure_of_the_second_call(second, calls):
    vendor = Vendor(answer(COMPANY), second)
    payload = answered(ask(ACME), vendor)
    assert len(vendor.requests) == calls
    (finding,) = HUNTER.parse(payload, {})
    assert cleaned(finding)["name"] == "Acme"


def test_the_first_error_ends_the_question():
    vendor = Vendor(answer({"errors": []}, status=401))
    payload = answered(ask(ACME), vendor)
    assert len(vendor.requests) == 1
    with pytest.raises(SourceRefused):
        HUNTER.parse(payload, {})
    with pytest.raises(SourceUnavailable):
        HUNTER.fetch(ask(ACME), Vendor(SourceUnavailable("no answer")))


def test_an_unfinished_verification_alone_is_pending():
    (pending,) = HUNTER.fetch(ask(JANE), Vendor(MISS, answer({"data": {}}, status=202)))
    assert isinstance(pending, Pending)
    payload = answered(ask(JANE), Vendor(answer(PERSON), answer({"data": {}}, status=202)))
    assert isinstance(payload, Payload)
    assert HUNTER.parse(payload, {})


@pytest.mark.parametrize(
    "subject", [Subject(email="info@acme.example"), Subject(kind=Kind.CONTACT, domain="acme.example")]
)
def test_a_question_about_nobody_is_not_sent(subject):
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        HUNTER.fetch(ask(subject), vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(HUNTER, shared) == []
    for good in (COMPANY, SEARCH, PERSON, VERDICT):
        assert damage(HUNTER, answer(good)) == []
    joined = answered(ask(ACME), Vendor(answer(COMPANY), answer(SEARCH)))
    assert damage(HUNTER, joined) == []
    for name in ("domain_search_page1.json", "domain_search_example.json", "email_finder_example.json"):
        assert damage(HUNTER, recorded(shared, name)) == []
