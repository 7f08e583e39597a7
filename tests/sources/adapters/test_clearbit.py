"""Clearbit: companies by domain, people by e-mail."""

from __future__ import annotations

import json

import pytest

from sources.adapters.clearbit import Clearbit
from sources.attributes import Kind
from sources.contract import Payload, Pending, Subject
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import AUTOMATIC, Verdict, compare
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback, references
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

CLEARBIT = Clearbit()
COMPANY = {
    "id": "c1",
    "name": "Acme",
    "legalName": "Acme, Inc.",
    "domain": "acme.example",
    "category": {"industry": "Machinery", "sector": "Industrials"},
    "geo": {"city": "Boston", "state": "Massachusetts", "country": "United States", "countryCode": "US"},
    "metrics": {"employees": None, "employeesRange": "251-1K", "raised": 1_500_000, "annualRevenue": 0},
    "site": {"phoneNumbers": ["+1 617-555-0142"]},
    "linkedin": {"handle": "company/acme"},
    "tech": ["nginx", "nginx", None],
}
PERSON = {
    "id": "p1",
    "name": {"fullName": None, "givenName": "Jane", "familyName": "Roe"},
    "email": "jane@acme.example",
    "employment": {"domain": "acme.example", "name": "Acme", "title": "CFO"},
    "linkedin": {"handle": "in/jane-roe"},
}


def recorded(shared, name: str, status: int = 200) -> Payload:
    body = (shared / "payloads/clearbit" / name).read_bytes()
    return Payload(status=status, body=body, url="https://company.clearbit.com/v2/companies/find")


def test_a_company_of_2021(shared):
    (finding,) = CLEARBIT.parse(recorded(shared, "company_segment_2021.json"), {})
    values = cleaned(finding)
    assert values.keys() <= set(CLEARBIT.provides)
    assert values.pop("tech_stack")[:3] == ["aws_route_53", "optimizely", "nginx"]
    assert values.pop("company_description").startswith("Segment is a customer data platform")
    assert values == {
        "name": "Segment",
        "domain": "segment.com",
        "legal_name": "Segment.io Inc",
        "industry": "Internet Software & Services",
        "headcount": 900,
        "revenue_range": "$100M-$250M",
        "total_funding": 283_700_000,
        "founded_year": 2012,
        "headquarters": "San Francisco, California, United States",
        "city": "San Francisco",
        "country": "United States",
        "phone": "+1 866-538-5962",
        "company_linkedin_url": "https://www.linkedin.com/company/segment-io",
        "twitter_url": "https://twitter.com/segment",
        "facebook_url": "https://www.facebook.com/segmentio",
        "crunchbase_url": "https://www.crunchbase.com/organization/segment-io",
        "email": "legal@segment.com",
    }
    assert references([finding]) == {"clearbit:f3514cf8-c3c1-4eb4-be6a-13604de59c8b"}
    assert finding.subject.aliases == ("Segment.io Inc",)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"ip": "192.0.2.1", "fuzzy": True, "domain": "acme.example", "company": COMPANY}, ["Acme"]),
        ([{"name": "Acme", "domain": "acme.example", "logo": None}, {"name": "Zenith", "domain": "z.example"}], ["Acme", "Zenith"]),
        ({"total": 1, "page": 1, "results": [COMPANY]}, ["Acme"]),
        ({"results": [{"id": "e", "name": {"fullName": "Jane Roe"}, "title": "CFO", "company": {"name": "Acme"}}]}, ["Jane Roe"]),
        ({"id": "1", "status": 200, "type": "company", "body": COMPANY}, ["Acme"]),
        ({"id": "1", "status": 404, "type": "company", "body": {"error": {"type": "unknown_record"}}}, []),
    ],
)  # fmt: skip
def test_other_answers_of_clearbit_name_the_same_records(value, names):
    assert [found.subject.name for found in CLEARBIT.parse(answer(value), {})] == names


def test_a_person_of_a_search_has_the_title_beside_the_name():
    value = {"name": {"fullName": "Jane Roe"}, "title": "CFO", "company": {"name": "Acme"}}
    (finding,) = CLEARBIT.parse(answer({"results": [value]}), {})
    values = cleaned(finding)
    assert (values["job_title"], values["current_company"]) == ("CFO", "Acme")


def test_numbers_beside_the_name_and_places_without_parts():
    early = {"id": "c", "name": "Acme", "domain": "acme.example", "employees": "51-200", "raised": 1_000_000}
    (finding,) = CLEARBIT.parse(
        answer(
            {**early, "category": "Software", "location": "San Diego, CA", "identifiers": {"usCIK": 320193}}
        ),
        {},
    )
    values = cleaned(finding)
    assert (values["headcount"], values["total_funding"], values["industry"]) == (51, 1_000_000, "Software")
    assert (values["headquarters"], values["cik"]) == ("San Diego, CA", "0000320193")


def test_the_mail_provider_is_told_by_its_host_or_not_at_all():
    for told, shown in (("google.com", "Google Workspace"), ("Own Mail", "Own Mail"), (False, None)):
        (finding,) = CLEARBIT.parse(answer(COMPANY | {"emailProvider": told}), {})
        assert cleaned(finding).get("email_provider") == shown


def test_an_old_company(shared):
    (finding,) = CLEARBIT.parse(recorded(shared, "company_uber_2016.json"), {})
    values = cleaned(finding)
    assert (values["headcount"], values["total_funding"], values["founded_year"]) == (
        20313,
        10_610_000_000,
        2009,
    )
    assert "revenue_range" not in values


def test_a_combined_answer_is_about_two(shared):
    person, company = CLEARBIT.parse(recorded(shared, "combined_thoughtbot.json"), {})
    assert (person.subject.kind, person.subject.name) == (Kind.CONTACT, "Sam Rivera")
    assert (company.subject.kind, company.subject.domain) == (Kind.ACCOUNT, "uber.com")
    assert cleaned(company)["founded_year"] == 2009  # of a "foundedDate"
    person, company = CLEARBIT.parse(recorded(shared, "combined_calvinklein_2018.json"), {})
    assert cleaned(person)["linkedin_url"] == "https://www.linkedin.com/in/jo-harper-7989ba41"
    assert cleaned(company)["headcount"] == 1001


def test_a_person(shared):
    (finding,) = CLEARBIT.parse(recorded(shared, "person_thoughtbot.json"), {})
    # The old LinkedIn handle "pub/…" names no page any more.
    assert cleaned(finding) == {
        "name": "Sam Rivera",
        "email": "person768233@example.com",
        "job_title": "Founder and CEO",
        "current_company": "Clearbit",
        "location": "San Francisco, CA, US",
        "city": "San Francisco",
        "country": "United States",
    }
    assert finding.subject.domain == "clearbit.com"


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("error_domain_invalid.json", 422, PayloadChanged),
        ("error_params_invalid.json", 422, PayloadChanged),
        ("error_params_invalid.json", 200, PayloadChanged),
        ("lookup_queued_202.json", 202, SourceUnavailable),
    ],
)
def test_recorded_errors(shared, name, status, error):
    with pytest.raises(SourceError) as caught:
        CLEARBIT.parse(recorded(shared, name, status), {})
    assert type(caught.value) is error


def test_partial_records_claim_what_they_have():
    (company,) = CLEARBIT.parse(answer(COMPANY), {})
    values = cleaned(company)
    assert values["headcount"] == 251
    assert values["tech_stack"] == ["nginx"]
    assert values["phone"] == "+1 617-555-0142"
    assert "revenue_range" not in values  # zero is unknown
    (person,) = CLEARBIT.parse(answer(PERSON), {})
    assert person.subject == Subject(
        kind=Kind.CONTACT,
        name="Jane Roe",
        domain="acme.example",
        email="jane@acme.example",
        linkedin_url="https://www.linkedin.com/in/jane-roe",
    )


@pytest.mark.parametrize("handle", ["N/A", "a b", "share?u=x", "a/b", ""])
def test_no_link_is_made_of_an_odd_handle(handle):
    (company,) = CLEARBIT.parse(
        answer(COMPANY | {"twitter": {"handle": handle}, "facebook": {"handle": handle}}), {}
    )
    assert not {"twitter_url", "facebook_url"} & cleaned(company).keys()


@pytest.mark.parametrize(
    "payload",
    [
        answer({"error": {"type": "unknown_record", "message": "Unknown person."}}, status=404),
        answer(b"", status=404),
        answer(b"", status=204),
        answer({"person": None, "company": None}),
        answer({"error": {"type": "unknown_record", "message": "Unknown company."}}),
    ],
)
def test_not_found(payload):
    assert list(CLEARBIT.parse(payload, {})) == []


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (answer({"error": {"type": "auth_required"}}, status=401), SourceRefused),
        (answer({"error": {"type": "quota"}}, status=402), SourceRefused),
        (answer({"error": {}}, status=429, headers={"retry-after": "7"}), RateLimited),
        (answer(b"<html>", status=503), SourceUnavailable),
        (answer(b"<html>no such page</html>", status=404), PayloadChanged),
        (answer(b"<html>", status=200), PayloadChanged),
        (answer(["x"]), PayloadChanged),
        (answer({"error": {"type": "queued", "message": "Lookup queued."}}), SourceUnavailable),
        (answer({"error": {"type": "over_quota", "message": "Over plan quota."}}), PayloadChanged),
        (answer({"id": "1", "status": 402, "type": "person", "body": {"error": {}}}), SourceRefused),
        (answer({"person": "x", "company": None}), PayloadChanged),
    ],
)
def test_errors(payload, error):
    with pytest.raises(SourceError) as caught:
        CLEARBIT.parse(payload, {})
    assert type(caught.value) is error


def test_the_engine_believes_the_right_company_only():
    (finding,) = CLEARBIT.parse(answer(COMPANY), {})
    assert compare(Subject(name="Acme", domain="acme.example"), finding.subject).verdict is Verdict.CONFIRMED
    assert compare(Subject(name="Zenith", domain="zenith.example"), finding.subject).verdict is Verdict.NONE


def test_a_company_found_by_a_former_domain_is_the_same():
    payload = answer(
        COMPANY | {"domain": "acme-new.example", "domainAliases": [None, "acme.example"]},
        url="https://company.clearbit.com/v2/companies/find?domain=acme.example",
    )
    (finding,) = CLEARBIT.parse(payload, {})
    assert finding.subject.domain == "acme-new.example"
    assert finding.confidence is not None
    assert finding.confidence >= AUTOMATIC
    (finding,) = CLEARBIT.parse(
        answer(json.loads(payload.body), url="https://x.example?domain=other.example"), {}
    )
    assert finding.confidence is None


def test_a_company_is_asked_for_by_its_domain_over_the_wire():
    call = ask(Subject(domain="acme.example"), key=KEY)
    with loopback(reply(json.dumps(COMPANY).encode())) as (http, server):
        (payload,) = CLEARBIT.fetch(call, http)
    assert isinstance(payload, Payload)
    assert CLEARBIT.parse(payload, {})
    head = server.heads[0].decode()
    assert head.startswith("GET /companies/find?domain=acme.example HTTP/1.1")
    assert f"Authorization: Bearer {KEY}" in head
    assert KEY not in payload.url


def test_a_person_is_asked_for_by_e_mail():
    vendor = Vendor(answer(PERSON))
    CLEARBIT.fetch(ask(Subject(kind=Kind.CONTACT, email="jane@acme.example"), key=KEY), vendor)
    (request,) = vendor.requests
    assert request.url == "https://person.clearbit.com/v2/people/find"
    assert request.params == {"email": "jane@acme.example"}
    assert request.headers == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "subject",
    [Subject(kind=Kind.CONTACT, domain="acme.example"), Subject(email="info@acme.example")],
)
def test_what_cannot_be_asked_is_not_sent(subject):
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        CLEARBIT.fetch(ask(subject, key=KEY), vendor)
    assert vendor.requests == []


def test_a_queued_look_up_is_pending():
    url = "https://company.clearbit.com/v2/companies/find?domain=acme.example"
    vendor = Vendor(answer({}, status=202, url=url))
    (pending,) = CLEARBIT.fetch(ask(Subject(domain="acme.example"), key=KEY), vendor)
    assert isinstance(pending, Pending)
    assert pending.token == url
    assert pending.poll_in == 300


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(CLEARBIT, shared) == []
    assert damage(CLEARBIT, answer(COMPANY)) == []
    assert damage(CLEARBIT, answer({"person": PERSON, "company": COMPANY})) == []
    assert damage(CLEARBIT, recorded(shared, "combined_calvinklein_2018.json")) == []
