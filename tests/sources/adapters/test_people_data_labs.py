"""People Data Labs: companies and people, single and bulk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.people_data_labs import PeopleDataLabs
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
from sources.identity import AUTOMATIC
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback, put, references
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

PDL = PeopleDataLabs()
COMPANY = {
    "status": 200,
    "name": "acme",
    "id": "acme-1",
    "website": "acme.example",
    "size": "51-200",
    "inferred_revenue": "$10M-$25M",
    "employee_growth_rate": {"6_month": 0.0512},
    "alternative_domains": ["acme-old.example"],
    "linkedin_follower_count": 4200,
    "likelihood": 6,
}
PERSON: dict[str, Any] = {
    "status": 200,
    "likelihood": 9,
    "data": {
        "id": "p_0000",
        "full_name": "Jane Roe",
        "work_email": "jane@acme.example",
        "mobile_phone": True,
        "headline": None,
        "job_title": "Chief Financial Officer",
        "job_company_name": "Acme",
        "job_company_website": "acme.example",
        "linkedin_url": "linkedin.com/in/jane-roe",
        "location_name": "Boston, Massachusetts, United States",
        "location_locality": "Boston",
        "location_country": "United States",
    },
}
MISS = {"status": 404, "error": {"type": "not_found", "message": "No records were found"}}


def recorded(shared, name: str, status: int = 200, **headers: str) -> Payload:
    body = (shared / "payloads/pdl" / name).read_bytes()
    url = "https://api.peopledatalabs.com/v5/company/enrich?website=stripe.com"
    return Payload(status=status, body=body, url=url, headers=headers)


def test_a_recorded_company(shared):
    (finding,) = PDL.parse(recorded(shared, "company_enrich_stripe.json"), {})
    values = cleaned(finding)
    assert values.keys() <= set(PDL.provides)
    assert values.pop("company_description").startswith("stripe is a financial infrastructure platform")
    assert values == {
        "name": "Stripe",
        "domain": "stripe.com",
        "industry": "internet",
        "headcount": 7458,  # not the lower bound of the band "1001-5000", which is older
        "founded_year": 2010,
        "funding_stage": "Grant",
        "last_funding_date": "2023-04-25",
        "total_funding": 8_746_087_947,
        "headquarters": "South San Francisco, California, United States",
        "city": "South San Francisco",
        "country": "United States",
        "company_linkedin_url": "https://www.linkedin.com/company/stripe",
        "twitter_url": "https://twitter.com/stripe",
        "facebook_url": "https://facebook.com/stripehq",
    }
    assert references([finding]) == {"people_data_labs:stripe"}


def test_recorded_errors(shared):
    assert PDL.parse(recorded(shared, "error_404.json", 404), {}) == ()
    with pytest.raises(SourceRefused):
        PDL.parse(recorded(shared, "error_402.json", 402), {})
    headers = json.loads((shared / "payloads/pdl/response_headers_example.json").read_text())
    kept = {name: value if isinstance(value, str) else str(value) for name, value in headers.items()}
    with pytest.raises(RateLimited) as caught:
        PDL.parse(recorded(shared, "error_429.json", 429, date="Wed, 23 Feb 2022 20:19:35 GMT", **kept), {})
    assert caught.value.retry_after == 20


def test_bands_and_fractions():
    (finding,) = PDL.parse(answer(COMPANY), {})
    values = cleaned(finding)
    assert values["headcount"] == 51
    assert values["revenue_range"] == "$10M-$25M"
    assert values["employee_growth_6mo"] == 5.12
    assert values["follower_count"] == 4200


def test_technologies_and_open_engineering_roles():
    more = {
        "technologies_used": [{"name": "kubernetes", "num_job_posting_mentions": 4}, {"name": None}],
        "active_job_postings": 40,
        "active_job_postings_by_role": {"engineering": 12, "sales": 9},
    }
    (finding,) = PDL.parse(answer(COMPANY | more), {})
    values = cleaned(finding)
    assert (values["tech_stack"], values["recent_job_postings"]) == (["kubernetes"], 12)
    (finding,) = PDL.parse(answer(COMPANY | {"active_job_postings": 40}), {})
    assert "recent_job_postings" not in cleaned(finding)


def test_the_latest_round_has_its_amount_and_all_rounds_their_investors():
    rounds = [
        {"funding_round_date": "2023-03-15", "funding_raised": 6_000_000, "funding_currency": "usd", "funding_type": "series_b", "investing_companies": ["second fund"], "investing_individuals": []},
        {"funding_round_date": "2021-01-10", "funding_raised": 1_000_000, "funding_currency": "usd", "funding_type": "seed", "investing_companies": ["first fund"], "investing_individuals": ["jane roe"]},
    ]  # fmt: skip
    (finding,) = PDL.parse(answer(COMPANY | {"funding_details": rounds}), {})
    values = cleaned(finding)
    assert (values["funding_stage"], values["last_funding_date"]) == ("Series B", "2023-03-15")
    assert values["last_funding_amount"] == 6_000_000
    assert values["investors"] == ["second fund", "first fund", "jane roe"]
    (finding,) = PDL.parse(
        answer(COMPANY | {"funding_details": rounds, "last_funding_date": "2024-05-01"}), {}
    )
    assert "last_funding_amount" not in cleaned(finding)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ([COMPANY, {"status": 404, "error": {"type": "not_found"}}], ["acme"]),
        ({"status": 200, "data": [COMPANY, COMPANY | {"name": "zenith"}], "total": 2}, ["acme", "zenith"]),
        ({"status": 200, "matches": [{"data": PERSON["data"], "match_score": 99}]}, ["Jane Roe"]),
        ({"status": 200, "data": [], "total": 0}, []),
        (
            {name: value for name, value in COMPANY.items() if name != "status"} | {"linkedin_url": None},
            ["acme"],
        ),
    ],
)
def test_bulk_answers_searches_and_bare_records(value, names):
    assert [found.subject.name for found in PDL.parse(answer(value), {})] == names


def test_the_address_at_work_may_stand_among_others():
    emails = [{"address": "j@mail.example", "type": "personal"}, {"address": "j@acme.example", "type": "current_professional"}]  # fmt: skip
    person = PERSON["data"] | {"work_email": None, "emails": emails, "phone_numbers": ["+16195550100"]}
    (finding,) = PDL.parse(answer({"status": 200, "data": person}), {})
    values = cleaned(finding)
    assert (values["email"], values["phone"]) == ("j@acme.example", "+1 619-555-0100")


def test_a_person_and_what_the_plan_hides():
    (finding,) = PDL.parse(answer(PERSON), {})
    assert cleaned(finding) == {
        "name": "Jane Roe",
        "email": "jane@acme.example",
        "job_title": "Chief Financial Officer",
        "current_company": "Acme",
        "linkedin_url": "https://www.linkedin.com/in/jane-roe",
        "location": "Boston, Massachusetts, United States",
        "city": "Boston",
        "country": "United States",
    }
    assert (finding.subject.kind, finding.subject.domain) == (Kind.CONTACT, "acme.example")
    assert finding.confidence is None


def test_a_former_domain_is_the_same_company():
    url = "https://api.peopledatalabs.com/v5/company/enrich?website="
    (finding,) = PDL.parse(answer(COMPANY, url=f"{url}acme-old.example"), {})
    assert (finding.confidence or 0) >= AUTOMATIC
    (finding,) = PDL.parse(answer(COMPANY, url=f"{url}zenith.example"), {})
    assert finding.confidence is None


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (answer({"status": 401, "error": {"type": "authentication_error"}}, status=401), SourceRefused),
        (answer({"status": 401, "error": {}}), SourceRefused),  # an item of a bulk answer
        (answer({"status": 500, "error": {"type": "api_error"}}, status=500), SourceUnavailable),
        (answer({"status": 400, "error": {"type": "invalid_request_error"}}, status=400), PayloadChanged),
        (answer({"status": "ok", "name": "acme"}), PayloadChanged),
        (answer({"status": 200}), PayloadChanged),
        (answer([COMPANY, [COMPANY]]), PayloadChanged),
        (answer({"name": "acme", "website": "acme.example"}), PayloadChanged),
        (answer(b"<html>", status=404), PayloadChanged),
    ],
)
def test_errors(payload, error):
    with pytest.raises(SourceError) as caught:
        PDL.parse(payload, {})
    assert type(caught.value) is error


def test_one_company_is_asked_for_over_the_wire():
    call = ask(Subject(domain="acme.example", name="Acme"), key=KEY)
    with loopback(reply(json.dumps(COMPANY).encode())) as (http, server):
        (payload,) = put(PDL, call, http)
    head = server.heads[0].decode()
    assert head.startswith("GET /company/enrich?website=acme.example&name=Acme&titlecase=true HTTP/1.1")
    assert f"X-Api-Key: {KEY}" in head
    assert KEY not in payload.url


def test_several_people_go_in_one_request_and_come_back_in_order():
    jane = Subject(kind=Kind.CONTACT, email="jane@acme.example")
    john = Subject(kind=Kind.CONTACT, name="John Doe", domain="acme.example")
    nobody = Subject(kind=Kind.CONTACT, domain="acme.example")
    with loopback(reply(json.dumps([PERSON, MISS]).encode(), content_type="application/json")) as (
        http,
        server,
    ):
        found, left_out, missing = put(PDL, ask(jane, nobody, john, key=KEY), http)
    head, _, body = server.heads[0].decode().partition("\r\n\r\n")
    assert head.startswith("POST /person/bulk HTTP/1.1")
    assert json.loads(body) == {
        "requests": [
            {"params": {"email": "jane@acme.example", "titlecase": True}},
            {"params": {"name": "John Doe", "company": "acme.example", "titlecase": True}},
        ]
    }
    assert PDL.parse(found, {})[0].subject.email == "jane@acme.example"
    assert (missing.status, PDL.parse(missing, {})) == (404, ())
    with pytest.raises(NotAllowed, match="needs a domain"):
        PDL.parse(left_out, {})


def test_cut_companies_have_the_shape_and_url_of_single_ones():
    vendor = Vendor(answer([COMPANY, COMPANY | {"status": 429}]))
    first, second = put(PDL, ask(Subject(domain="acme-old.example"), Subject(domain="b.example")), vendor)
    assert vendor.requests[0].url == "company/enrich/bulk"
    assert "website=acme-old.example" in first.url
    assert (PDL.parse(first, {})[0].confidence or 0) >= AUTOMATIC
    with pytest.raises(RateLimited):
        PDL.parse(second, {})


@pytest.mark.parametrize(
    ("bulk", "error"),
    [
        (answer({"status": 401, "error": {}}, status=401), SourceRefused),
        (answer({"status": 429, "error": {}}, status=429), RateLimited),
        (answer([COMPANY, None]), PayloadChanged),
        (answer(b"[{"), PayloadChanged),
        (answer(b'{"status":'), PayloadChanged),
        (answer({"status": 402, "error": {}}), SourceRefused),
    ],
)
def test_a_bulk_answer_that_cannot_be_cut_is_every_questions_answer(bulk, error):
    payloads = put(PDL, ask(Subject(domain="a.example"), Subject(domain="b.example")), Vendor(bulk))
    assert len(payloads) == 2
    with pytest.raises(SourceError) as caught:
        PDL.parse(payloads[1], {})
    assert type(caught.value) is error


def test_a_question_about_nobody_is_not_sent():
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        put(PDL, ask(Subject(kind=Kind.CONTACT, domain="acme.example")), vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(PDL, shared) == []
    assert damage(PDL, answer(COMPANY)) == []
    assert damage(PDL, answer(PERSON)) == []
    assert damage(PDL, recorded(shared, "company_enrich_stripe.json")) == []
