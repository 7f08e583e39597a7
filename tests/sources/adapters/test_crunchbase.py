"""Crunchbase: organizations by domain or page, their rounds, and what is about somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sources.contract import Payload
from sources.errors import (
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from tests.sources.adapters.crunchbase_samples import CRUNCHBASE, ORGANIZATION, changed
from tests.sources.adapters.paid_apis import cleaned, references
from tests.sources.adapters.public_apis import answer, damage, misbehaviour
from tests.sources.adapters.public_apis import recorded as shipped


def recorded(name: str, status: int = 200) -> Payload:
    return shipped(f"crunchbase/{name}", status=status, url="https://api.crunchbase.com/api/v4/x")


def in_shared(shared: Path, name: str, status: int = 200) -> Payload:
    """A recording whose licence does not let us ship it."""
    return Payload(status=status, body=(shared / "payloads/crunchbase" / name).read_bytes())


def claimed(organization: dict[str, Any]) -> dict[str, Any]:
    (finding,) = CRUNCHBASE.parse(answer(organization), {})
    return cleaned(finding)


def a_round(day: str, stage: str, dollars: int | None, *backers: str, **more: Any) -> dict[str, Any]:
    money = {"value": dollars, "currency": "USD", "value_usd": dollars}
    return {
        "identifier": {"permalink": f"acme-{stage}", "entity_def_id": "funding_round"},
        "announced_on": day,
        "investment_type": stage,
        "money_raised": money if dollars else None,
        "investor_identifiers": [{"value": name} for name in backers],
        **more,
    }


def test_an_organization():
    (finding,) = CRUNCHBASE.parse(answer(ORGANIZATION), {})
    assert cleaned(finding) == {
        "name": "Acme",
        "domain": "acme.example",
        "city": "Boston",
        "country": "United States",
        "headquarters": "Boston, Massachusetts, United States",
        "crunchbase_url": "https://www.crunchbase.com/organization/acme",
        "legal_name": "Acme Robotics Inc.",
        "headcount": 101,
        "revenue_range": "$10M-$50M",
        "founded_year": 2015,
        "ticker": "ACME",
        "funding_stage": "Series B",
        "last_funding_date": "2026-05-04",
        "last_funding_amount": 20_000_000,
        "total_funding": 30_000_000,
        "investors": ["First Fund", "Second Fund"],
    }
    assert cleaned(finding).keys() <= set(CRUNCHBASE.provides)
    assert references([finding]) == {"https://www.crunchbase.com/organization/acme"}
    assert finding.subject.aliases == ("Acme Robotics Inc.", "Acme Robots")


def test_the_card_with_all_fields_stands_for_them_and_executives_have_a_card_of_their_own():
    jobs = [
        {"person_identifier": {"value": "Jane Roe"}, "title": "Founder & CEO", "job_type": "executive", "is_current": True},
        {"person_identifier": {"value": "John Doe"}, "title": "CTO", "job_type": "executive", "is_current": False},
        {"person_identifier": {"value": "Max Poe"}, "title": "CFO", "job_type": "executive", "ended_on": None},
        {"person_identifier": {"value": "Ann Loe"}, "title": "CEO", "job_type": "board_member", "is_current": True},
    ]  # fmt: skip
    values = claimed({"cards": {"fields": ORGANIZATION["properties"], "jobs": jobs}})
    assert (values["name"], values["funding_stage"]) == ("Acme", "Series B")
    assert values["executives"] == ["Jane Roe, Founder & CEO", "Max Poe, CFO"]
    assert values["ceo_name"] == "Jane Roe"


def test_an_error_is_known_by_its_code_under_any_status():
    missing = {"error": "requested resource could not be found", "code": "CS404"}
    assert list(CRUNCHBASE.parse(answer(missing), {})) == []
    with pytest.raises(SourceRefused):
        CRUNCHBASE.parse(answer([{"status": 401, "code": "LA401", "message": "Unauthorized user_key"}]), {})


def test_other_words_for_size_site_and_round():
    values = claimed(
        {
            "properties": {
                "identifier": {"value": "Acme", "permalink": "acme"},
                "homepage_url": "acme.example",
                "num_employees_enum": "11-50",
                "last_equity_funding_type": "series_a",
                "last_equity_funding_total": {"value": 3_000_000, "currency": "USD"},
            }
        }
    )
    assert (values["domain"], values["headcount"]) == ("acme.example", 11)
    assert (values["funding_stage"], values["last_funding_amount"]) == ("Series A", 3_000_000)


def test_a_recorded_organization():
    (finding,) = CRUNCHBASE.parse(recorded("recorded_organization_ekohe.json"), {})
    values = cleaned(finding)
    assert values.pop("company_description").startswith("Creating cutting-edge, useful technical solutions")
    assert values.pop("industry").startswith("Apps, Artificial Intelligence, Big Data")
    assert values == {
        "name": "Ekohe",
        "domain": "ekohe.com",
        "city": "Shanghai",
        "country": "China",
        "headquarters": "Shanghai, China",
        "headcount": 51,
        "revenue_range": "$1M-$10M",
        "founded_year": 2007,
        "phone": "+81 3-6427-6105",
        "email": "info@ekohe.com",
        "company_linkedin_url": "https://www.linkedin.com/company/ekohe",
        "twitter_url": "https://twitter.com/ekohe",
        "facebook_url": "https://www.facebook.com/ekohe.co",
        "crunchbase_url": "https://www.crunchbase.com/organization/ekohe",
    }


def test_recorded_rounds():
    name = "recorded_organization-calendly-with-raised_funding_rounds.json"
    (finding,) = CRUNCHBASE.parse(recorded(name), {})
    values = cleaned(finding)
    assert {slug: values[slug] for slug in ("name", "domain", "funding_stage", "last_funding_date")} == {
        "name": "Calendly",
        "domain": "calendly.com",
        "funding_stage": "Series B",
        "last_funding_date": "2021-01-26",
    }
    assert (values["last_funding_amount"], values["total_funding"]) == (350_000_000, 350_550_000)
    assert values["investors"][:2] == ["OpenView", "ICONIQ Capital"]
    assert references([finding]) == {
        "https://www.crunchbase.com/funding_round/calendly-series-b--67403774",
        "https://www.crunchbase.com/organization/calendly",
    }


@pytest.mark.parametrize(
    ("name", "number", "known"),
    [
        ("searches_organizations_france.json", 5, {"city", "country", "industry"}),
        ("recorded_searches_organizations_with_funding_total_order_company_type.json", 10, set()),
        ("recorded_searches_organizations_with_recently_updated_and_limit.json", 8, set()),
    ],
)
def test_recorded_searches_for_organizations(shared, name, number, known):
    findings = CRUNCHBASE.parse(in_shared(shared, name), {})
    whole = [values for finding in findings if (values := cleaned(finding)).keys() >= {"name", "domain"}]
    assert len(whole) == number
    assert all(values.keys() >= known for values in whole)


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("error_401_live_shape.json", 401, SourceRefused),
        ("recorded_acquisition-7638eae9-07b7-4fc6-ad20-5d99de3ff928.json", 200, PayloadChanged),
        ("recorded_funding_round-371c20af-8aa9-4bcb-a8da-0694d138f247.json", 200, PayloadChanged),
        (
            "recorded_searches_funding_rounds_with_money_raised_order_money_raised.json",
            200,
            PayloadChanged,
        ),
        ("recorded_searches_funding_rounds_with_recently_updated_and_limit.json", 200, PayloadChanged),
    ],
)
def test_recorded_errors_and_answers_to_other_questions(shared, name, status, error):
    with pytest.raises(SourceError) as caught:
        CRUNCHBASE.parse(in_shared(shared, name, status), {})
    assert type(caught.value) is error


def test_the_recorded_nobody():
    assert CRUNCHBASE.parse(recorded("recorded_organization_ekohe-encore-2020.json", 404), {}) == ()


@pytest.mark.parametrize("value", [{"count": 0, "entities": []}, {"properties": {}}])
def test_nothing_is_known(value):
    assert list(CRUNCHBASE.parse(answer(value), {})) == []


@pytest.mark.parametrize(
    ("value", "status", "error"),
    [
        ([{"code": "LA402"}], 402, SourceRefused),
        ({"error": "not in your plan"}, 403, SourceRefused),
        ({"message": "limit"}, 429, RateLimited),
        ([{"code": "MD101", "message": "invalid field_ids"}], 400, PayloadChanged),
        ({}, 502, SourceUnavailable),
        ({"entities": "x"}, 200, PayloadChanged),
        ({"entities": ["x"]}, 200, PayloadChanged),
        ({"data": {}}, 200, PayloadChanged),
        (b"<html>Upgrade required</html>", 426, PayloadChanged),
        (b"<html>gone</html>", 404, PayloadChanged),
    ],
)
def test_errors(value, status, error):
    with pytest.raises(SourceError) as caught:
        CRUNCHBASE.parse(answer(value, status=status), {})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "people"),
    [("c_00001_00010", 1), ("c_10001_max", 10_001), ("c_05001_10000", 5_001), ("c_x", None), (12, None)],
)
def test_codes_of_headcount(code, people):
    assert claimed(changed(num_employees_enum=code)).get("headcount") == people


def test_an_unknown_code_of_revenue_is_no_claim():
    assert "revenue_range" not in claimed(changed(revenue_range="r_00000123"))
    assert claimed(changed(revenue_range="r_10000000"))["revenue_range"] == "$10B+"


def test_without_fields_of_its_own_the_newest_round_speaks():
    fields = {"last_funding_type": None, "last_funding_at": None, "last_funding_total": None}
    rounds = [
        a_round("2020-01-01", "seed", 2_000_000, "First Fund"),
        a_round("2024-02-03", "series_a", 9_000_000, "Second Fund", "First Fund"),
        a_round("", "series_c", 90_000_000),
    ]
    organization = changed(**fields) | {"cards": {"raised_funding_rounds": rounds}}
    (finding,) = CRUNCHBASE.parse(answer(organization), {})
    values = cleaned(finding)
    assert (values["funding_stage"], values["last_funding_date"]) == ("Series A", "2024-02-03")
    assert (values["last_funding_amount"], values["investors"]) == (9_000_000, ["First Fund", "Second Fund"])
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["funding_stage"] == (
        "https://www.crunchbase.com/funding_round/acme-series_a",
        "https://www.crunchbase.com/organization/acme",
    )


def test_a_round_of_undisclosed_kind_and_amount_has_a_date_only():
    fields = {"last_funding_type": None, "last_funding_at": None, "last_funding_total": None}
    card = {"cards": {"raised_funding_rounds": [a_round("2024-02-03", "undisclosed", None)]}}
    values = claimed(changed(**fields) | card)
    assert values["last_funding_date"] == "2024-02-03"
    assert not {"funding_stage", "last_funding_amount"} & values.keys()


@pytest.mark.parametrize(
    ("day", "claim"),
    [
        ({"value": "2026-05-04", "precision": "day"}, "2026-05-04"),
        ({"value": "2026-05-01", "precision": "month"}, None),
        ("2026-05-04T10:00:00Z", "2026-05-04"),
    ],
)
def test_a_date_that_is_not_certain_is_no_claim(day, claim):
    assert claimed(changed(last_funding_at=day)).get("last_funding_date") == claim


@pytest.mark.parametrize(
    ("money", "dollars"),
    [
        ({"value": 5, "currency": "EUR", "value_usd": 6}, 6),
        ({"value": 5, "currency": "USD"}, 5),
        ({"value": 5, "currency": "EUR"}, None),
        ({"value_usd": 0}, None),
        ({"value_usd": "6"}, None),
    ],
)
def test_amounts_are_dollars(money, dollars):
    assert claimed(changed(funding_total=money)).get("total_funding") == dollars


def test_other_cards_of_an_organization_are_read_too():
    cards = {
        "investors": [{"identifier": {"value": "Third Fund"}}, {"identifier": None}],
        "ipos": [
            {"stock_symbol": "OLD", "went_public_on": "1999-01-01", "delisted_on": "2003-01-01"},
            {"stock_symbol": {"label": "ACM", "value": "ACM"}, "went_public_on": "2021-01-01"},
        ],
        "headquarters_address": [{"location_identifiers": [{"value": "Oslo", "location_type": "city"}]}],
    }
    values = claimed(changed(stock_symbol=None, investor_identifiers=None) | {"cards": cards})
    assert (values["investors"], values["ticker"], values["city"]) == (["Third Fund"], "ACM", "Oslo")
    assert "headquarters" not in values


def test_a_card_may_be_a_single_entry():
    seat = {"location_identifiers": [{"value": "Oslo", "location_type": "city"}]}
    assert claimed(ORGANIZATION | {"cards": {"headquarters_address": seat}})["city"] == "Oslo"


@pytest.mark.parametrize(
    ("properties", "reference"),
    [
        ({"name": "Acme", "website": {"value": "https://acme.example"}}, "crunchbase:acme.example"),
        ({"name": "Acme"}, "crunchbase:Acme"),
        ({"name": "Acme", "uuid": "u-1"}, "https://www.crunchbase.com/organization/u-1"),
    ],
)
def test_an_organization_without_a_page_is_named_otherwise(properties, reference):
    assert references(CRUNCHBASE.parse(answer({"properties": properties}), {})) == {reference}


def test_an_autocompletion_names_organizations():
    entity = {
        "identifier": {"value": "Acme", "permalink": "acme", "entity_def_id": "organization"},
        "short_description": "Builds robots.",
    }
    (finding,) = CRUNCHBASE.parse(answer({"count": 1, "entities": [entity]}), {})
    assert cleaned(finding)["company_description"] == "Builds robots."
    assert finding.subject.name == "Acme"


def test_a_list_of_deleted_entities_is_no_answer():
    with pytest.raises(PayloadChanged):
        CRUNCHBASE.parse(answer([{"uuid": "u", "entity_def_id": "organization", "deleted_at": "x"}]), {})


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(CRUNCHBASE, shared) == []
    assert damage(CRUNCHBASE, answer(ORGANIZATION)) == []
    for name in (
        "recorded_organization_ekohe.json",
        "recorded_organization-calendly-with-raised_funding_rounds.json",
        "searches_organizations_france.json",
    ):
        assert damage(CRUNCHBASE, in_shared(shared, name)) == []
