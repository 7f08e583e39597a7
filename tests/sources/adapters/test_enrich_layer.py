"""Enrich Layer: LinkedIn's companies with their roles and leaders, people, and look-ups that find nobody or another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.attributes import Kind
from sources.contract import Payload, Subject
from sources.errors import (
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import Verdict, compare
from tests.sources.adapters.enrich_layer_samples import COMPANY, JOBS, PAGE, PERSON, SOURCE
from tests.sources.adapters.paid_apis import cleaned, references
from tests.sources.adapters.public_apis import JUNK, answer, damage, misbehaviour
from tests.sources.adapters.public_apis import recorded as shipped


def recorded(name: str, status: int = 200) -> Payload:
    return shipped(f"linkedin_data/{name}", status=status, url="https://enrichlayer.com/api/v2/x")


def claimed(value: Any) -> dict[str, Any]:
    (finding,) = SOURCE.parse(answer(value), {})
    return cleaned(finding)


def test_lists_of_people_and_companies_and_a_count_of_employees():
    person = {"public_identifier": "jane-roe", "full_name": "Jane Roe", "headline": "CTO", "experiences": []}
    employees = [
        {"profile_url": "https://www.linkedin.com/in/jane-roe", "profile": person},
        {"profile_url": "https://www.linkedin.com/in/john-doe", "profile": None},
    ]
    found = SOURCE.parse(answer({"employees": employees, "next_page": None}), {})
    assert [each.subject.linkedin_url for each in found] == [
        "https://www.linkedin.com/in/jane-roe",
        "https://www.linkedin.com/in/john-doe",
    ]
    results = [{"linkedin_profile_url": "https://www.linkedin.com/company/acme", "profile": None}]
    (finding,) = SOURCE.parse(answer({"results": results, "total_result_count": 1}), {})
    assert finding.subject.linkedin_url == "https://www.linkedin.com/company/acme"
    (finding,) = SOURCE.parse(answer({"total_employee": 9, "linkedin_employee_count": 12}), {})
    assert (cleaned(finding), finding.names_nobody) == ({"headcount": 12}, True)


def test_a_recorded_company():
    (finding,) = SOURCE.parse(recorded("company_finitec.json"), {})
    values = cleaned(finding)
    assert values.pop("company_description").startswith("Finitec is Finland’s leading Tech Talent Agency")
    assert values == {
        "name": "Finitec Oy",
        "domain": "finitec.fi",
        "industry": "Information Technology & Services",
        "headcount": 37,
        "founded_year": 2005,
        "city": "Helsinki",
        "country": "Finland",
        "headquarters": "Helsinki, Finland",
        "follower_count": 1870,
        "company_linkedin_url": "https://www.linkedin.com/company/finitec-oy",
        "twitter_url": "https://twitter.com/finitecoy",
    }
    assert references([finding]) == {"https://www.linkedin.com/company/finitec-oy"}


def test_a_recorded_person():
    (finding,) = SOURCE.parse(recorded("person_profile_anonymised.json"), {})
    assert cleaned(finding) == {
        "name": "Sample Person",
        "linkedin_url": "https://www.linkedin.com/in/sample-person",
        "headline": "Digital Business Craftsman",
        "job_title": "Chief Technology Officer",
        "current_company": "Get Leads",
        "location": "Helsinki, Uusimaa, Finland",
        "city": "Helsinki",
        "country": "Finland",
        "follower_count": 2024,
    }


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        (
            "company_resolve_domain.json",
            Kind.ACCOUNT,
            {"company_linkedin_url": "https://www.linkedin.com/company/finitec-oy"},
        ),
        (
            "role_lookup.json",
            Kind.CONTACT,
            {"linkedin_url": "https://www.linkedin.com/in/sample-person"},
        ),
        (
            "job.json",
            Kind.ACCOUNT,
            {
                "name": "Polar Squad",
                "company_linkedin_url": "https://www.linkedin.com/company/polarsquad",
                "open_job_titles": ["Azure Expert"],
            },
        ),
    ],
)
def test_recorded_look_ups(name, kind, values):
    (finding,) = SOURCE.parse(recorded(name), {})
    assert (finding.subject.kind, cleaned(finding)) == (kind, values)


def test_a_page_without_a_profile_is_not_taken_for_the_asked_company():
    (finding,) = SOURCE.parse(recorded("company_resolve_domain.json"), {})
    asked = Subject(name="Acme", domain="acme.example")
    assert compare(asked, finding.subject).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("name", "status"),
    [("company_404.json", 404), ("company_404.json", 200), ("company_resolve_null.json", 200)],
)
def test_the_recorded_nobody(name, status):
    assert list(SOURCE.parse(recorded(name, status), {})) == []


@pytest.mark.parametrize(
    ("value", "status", "error"),
    [
        ({"code": 400, "description": "Bad request.", "name": "Bad Request"}, 400, PayloadChanged),
        ({"code": 401, "description": "Invalid API key", "name": "Unauthorized"}, 401, SourceRefused),
        ({"code": 401, "description": "Invalid API key", "name": "Unauthorized"}, 200, SourceRefused),
        ({"code": 403, "description": "Not enough credits", "name": "Forbidden"}, 403, SourceRefused),
        ({"code": 429, "description": "Slow down", "name": "Too Many Requests"}, 429, RateLimited),
        ({"code": 500, "description": "x", "name": "Internal Server Error"}, 500, SourceUnavailable),
        ({"code": 410, "description": "gone", "name": "Gone"}, 410, PayloadChanged),
        ({"credit_balance": 12}, 200, PayloadChanged),
        ({"answers": []}, 200, PayloadChanged),
        ([COMPANY], 200, PayloadChanged),
        (b"<html>", 200, PayloadChanged),
    ],
)
def test_errors(value, status, error):
    with pytest.raises(SourceError) as caught:
        SOURCE.parse(answer(value, status=status), {})
    assert type(caught.value) is error


def test_the_recorded_bad_request():
    with pytest.raises(PayloadChanged):
        SOURCE.parse(recorded("company_400.json", 400), {})


def test_a_company_with_its_rounds():
    (finding,) = SOURCE.parse(answer(COMPANY), {})
    values = cleaned(finding)
    assert values.keys() <= set(SOURCE.provides)
    assert values == {
        "name": "Acme Inc.",
        "domain": "acme.example",
        "headcount": 51,
        "city": "Boston",
        "country": "United States",
        "headquarters": "Boston, Massachusetts, United States",
        "company_linkedin_url": PAGE,
        "facebook_url": "https://www.facebook.com/acme",
        "twitter_url": "https://twitter.com/acmehq",
        "crunchbase_url": "https://www.crunchbase.com/organization/acme",
        "email": "hello@acme.example",
        "ticker": "ACME",
        "funding_stage": "Series A",
        "last_funding_date": "2024-04-03",
        "last_funding_amount": 9_000_000,
        "total_funding": 30_000_000,
        "investors": ["First Fund", "Second Fund"],
    }
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["funding_stage"] == (PAGE, "https://www.crunchbase.com/organization/acme")


@pytest.mark.parametrize(
    ("size", "people"), [([51, 200], 51), ([10_001, None], 10_001), ([None, 10], None), ("51-200", None)]
)
def test_a_size_is_a_band_of_numbers(size, people):
    assert claimed(COMPANY | {"company_size": size}).get("headcount") == people


def test_the_position_that_began_last_and_has_not_ended_is_the_current_one():
    values = claimed(PERSON)
    assert (values["job_title"], values["current_company"]) == ("Chief Technology Officer", "Acme")


def test_without_positions_the_occupation_tells_title_and_company():
    values = claimed(PERSON | {"experiences": [], "occupation": "Head of Data at Scale at Acme"})
    assert (values["job_title"], values["current_company"]) == ("Head of Data at Scale", "Acme")
    assert "job_title" not in claimed(PERSON | {"experiences": None, "occupation": "Consultant"})


def test_a_profile_found_for_an_address_has_the_page_of_the_look_up():
    profile = PERSON | {"public_identifier": None}
    found = claimed({"linkedin_profile_url": "https://uk.linkedin.com/in/jane-roe", "profile": profile})
    assert found["linkedin_url"] == "https://www.linkedin.com/in/jane-roe"


def test_a_company_found_for_a_domain_has_the_page_of_the_look_up():
    found = claimed(
        {"url": "https://linkedin.com/company/acme/", "profile": COMPANY | {"universal_name_id": None}}
    )
    assert found["company_linkedin_url"] == PAGE


def test_an_account_on_twitter_may_be_known_by_its_name_only():
    nowhere = COMPANY | {"social_networking_services": None, "extra": {"twitter_id": "acmehq"}}
    assert claimed(nowhere)["twitter_url"] == "https://twitter.com/acmehq"


@pytest.mark.parametrize(
    ("number", "reference"),
    [("123", "https://www.linkedin.com/jobs/view/123"), (None, PAGE), ("x/../y", PAGE)],
)
def test_a_role_refers_to_its_page_or_to_the_companys(number, reference):
    job = {"linkedin_internal_id": number, "title": "Engineer", "company": {"name": "Acme", "url": PAGE}}
    assert references(SOURCE.parse(answer(job), {})) == {reference}


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    joined = {"answers": [{"body": json.dumps(part)} for part in (COMPANY, JOBS, {"profile": PERSON})]}
    for whole in (COMPANY, PERSON, joined, {"url": PAGE, "profile": COMPANY}):
        assert damage(SOURCE, answer(whole)) == []
    for part in (JOBS, {"profile": PERSON}):
        for torn in _torn(part):
            bodies = [{"body": json.dumps(COMPANY)}, {"body": json.dumps(torn)}]
            assert SOURCE.parse(answer({"answers": bodies}), {})
    for name in ("company_finitec.json", "person_profile_anonymised.json", "job.json"):
        assert damage(SOURCE, recorded(name)) == []


def _torn(part: dict[str, Any]) -> list[Any]:
    """A part with each of its values replaced by junk."""
    return [part | {key: junk} for key in part for junk in JUNK]
