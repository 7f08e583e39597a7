"""A registered table: whom its rows are about, what they claim, and what is refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.adapters.reference_table import ReferenceTable
from sources.contract import Call, Finding, Payload, Question, Subject
from sources.errors import PayloadChanged, SourceRefused

ROWS = """Company,Web,Town,Staff,Link
Brightwater Analytics,https://www.brightwater-analytics.com,Leeds,120,https://example.org/1
Brightwater Analytics,brightwater-analytics.com,Leeds,125,
Kestrel Foundry,kestrelfoundry.com,Bristol,,
Meridian Partners,,Oslo,10,
Meridian Partners,,Lisbon,20,
"""
MAPPING = {"Company": "name", "Web": "domain", "Town": "city", "Staff": "headcount"}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "table.csv"
    path.write_text(ROWS)
    return {
        "path": str(path),
        "slug": "ours",
        "mapping": MAPPING,
        "reference": "Link",
        "origin": "https://example.org/about",
    }


def ask(settings: dict[str, Any], *subjects: Subject) -> list[Payload]:
    call = Call(questions=[Question(subject=subject) for subject in subjects], wanted={}, settings=settings)
    return list(ReferenceTable().fetch(call, None))  # type: ignore[arg-type]  # no network is used


def findings(settings: dict[str, Any], subject: Subject) -> list[Finding]:
    (payload,) = ask(settings, subject)
    return list(ReferenceTable().parse(payload, {}))


def test_a_domain_finds_its_row_with_the_link_of_the_row_first(settings: dict[str, Any]) -> None:
    (finding,) = findings(settings, Subject(domain="brightwater-analytics.com"))
    assert finding.subject == Subject(
        name="Brightwater Analytics", domain="brightwater-analytics.com", city="Leeds"
    )
    claims = {claim.attribute: claim for claim in finding.claims}
    assert claims["headcount"].value == "120"
    assert claims["headcount"].references == ("https://example.org/1", "table:ours#2")
    assert finding.confidence is not None
    assert finding.confidence >= 0.88


def test_a_company_listed_twice_is_confirmed_by_its_first_row(settings: dict[str, Any]) -> None:
    (payload,) = ask(settings, Subject(name="Brightwater Analytics", domain="brightwater-analytics.com"))
    rows = json.loads(payload.body)["rows"]
    assert [(row["row"], row["verdict"]) for row in rows] == [(2, "confirmed")]


def test_blank_cells_claim_nothing_and_the_origin_stands_in_for_a_link(settings: dict[str, Any]) -> None:
    (finding,) = findings(settings, Subject(domain="kestrelfoundry.com"))
    assert {claim.attribute for claim in finding.claims} == {"name", "domain", "city"}
    assert set(finding.claims[0].references) == {"table:ours#4", "https://example.org/about"}


def test_two_companies_of_one_name_are_both_shown_and_neither_is_sure(settings: dict[str, Any]) -> None:
    found = findings(settings, Subject(name="Meridian Partners"))
    assert {finding.subject.city for finding in found} == {"Oslo", "Lisbon"}
    assert all(finding.confidence is not None and finding.confidence <= 0.5 for finding in found)


def test_every_question_is_answered_in_order_and_strangers_with_404(settings: dict[str, Any]) -> None:
    payloads = ask(
        settings, Subject(name="Zyqqort Vlimp", domain="zyqqort.com"), Subject(domain="kestrelfoundry.com")
    )
    assert [payload.status for payload in payloads] == [404, 200]
    assert payloads[0].url == "table:ours"
    assert ReferenceTable().parse(payloads[0], {}) == []


def test_a_changed_file_is_read_again(settings: dict[str, Any]) -> None:
    findings(settings, Subject(domain="kestrelfoundry.com"))
    Path(settings["path"]).write_text(ROWS.replace("Bristol,,", "Bristol,77,"))
    (finding,) = findings(settings, Subject(domain="kestrelfoundry.com"))
    assert "77" in [claim.value for claim in finding.claims]


def test_a_missing_file_or_setting_is_refused_in_a_sentence(settings: dict[str, Any]) -> None:
    Path(settings["path"]).unlink()
    with pytest.raises(SourceRefused, match="cannot be read"):
        ask(settings, Subject(domain="kestrelfoundry.com"))
    with pytest.raises(SourceRefused, match="name no 'path'"):
        ask({"slug": "ours"}, Subject(domain="kestrelfoundry.com"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"rows": [1]}',
        b'{"rows": [{"cells": {}, "references": [], "score": 1' + b"0" * 400 + b', "verdict": "review"}]}',
        b'{"rows": [{"cells": {}, "references": [], "score": NaN, "verdict": "confirmed"}]}',
    ],
)
def test_a_broken_answer_is_said_to_be_one(body: bytes) -> None:
    with pytest.raises(PayloadChanged):
        ReferenceTable().parse(Payload(status=200, body=body), {})


@given(st.binary(max_size=60))
def test_any_bytes_are_findings_or_a_changed_payload(body: bytes) -> None:
    with contextlib.suppress(PayloadChanged):
        assert ReferenceTable().parse(Payload(status=200, body=body), {}) is not None


@pytest.fixture
def offices(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "offices.csv"
    path.write_text(
        "Company,Town,Country\nIron Mountain,Boston,United States\nVolt,Boston,United States\n"
        "Copper Valley,Boston,United States\nCopper Valley,Reno,United States\n"
    )
    mapping = {"Company": "name", "Town": "city", "Country": "country"}
    return {"path": str(path), "slug": "offices", "mapping": mapping}


@pytest.mark.parametrize(
    ("name", "country", "is_sure"),
    [
        ("Iron Mountain, Inc.", "United States", True),
        ("Iron Mountain", "Norway", False),
        ("Iron Mountain", "", False),
        ("Volt", "United States", False),
        ("Copper Valley", "United States", False),
    ],
)
def test_only_a_telling_name_alone_in_its_country_is_sure_in_another_city(
    offices: dict[str, Any], name: str, country: str, is_sure: bool
) -> None:
    found = findings(offices, Subject(name=name, city="Portsmouth", country=country))
    assert [(finding.confidence or 0) >= 0.88 for finding in found] == [is_sure] * len(found)
    assert bool(found) or not is_sure
