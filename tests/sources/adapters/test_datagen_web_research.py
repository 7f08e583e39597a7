"""DataGen's web research and its CEO finder: the question, the JSON in the answer, and what it rests on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.datagen_find_ceo import DatagenFindCeo
from sources.adapters.datagen_web_research import DatagenWebResearch
from sources.contract import Payload, Subject
from sources.errors import NotAllowed, PayloadChanged, SourceUnavailable
from sources.identity import Verdict, compare
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, references
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour, recorded

RESEARCH, FIND_CEO = DatagenWebResearch(), DatagenFindCeo()
ACME = Subject(domain="acme.example")
FACTS: dict[str, Any] = {
    "company_name": "Acme",
    "website": "https://acme.example",
    "company_description": "Acme builds robots for warehouses.",
    "tech_stack": ["AWS", "React"],
    "headcount": 120,
    "sources": ["https://acme.example/about", "not a link"],
}
CHIEF: dict[str, Any] = {
    "company_name": "Acme",
    "website": "acme.example",
    "ceo_name": "Jane Roe",
    "ceo_linkedin_url": "https://www.linkedin.com/in/jane-roe",
}


def wrapped(result: Any) -> Payload:
    return answer({"success": True, "data": {"success": True, "result": result}})


def said(text: str, **more: Any) -> Payload:
    return wrapped({"answer": text, **more})


def test_a_company_is_described_with_its_sources():
    (finding,) = RESEARCH.parse(said(json.dumps(FACTS)), {})
    assert cleaned(finding) == {
        "company_description": "Acme builds robots for warehouses.",
        "tech_stack": ["AWS", "React"],
        "headcount": 120,
    }
    assert references([finding]) == {"https://acme.example/about"}
    assert (finding.subject.name, finding.subject.domain) == ("Acme", "acme.example")


def test_a_chief_executive():
    citations = [{"url": "https://news.example/acme", "title": "News"}, {"link": "https://b.example/"}, 3]
    (finding,) = FIND_CEO.parse(said(f"Sure:\n```json\n{json.dumps(CHIEF)}\n```", citations=citations), {})
    assert cleaned(finding) == {
        "ceo_name": "Jane Roe",
        "ceo_linkedin_url": "https://www.linkedin.com/in/jane-roe",
    }
    assert references([finding]) == {"https://news.example/acme", "https://b.example/"}


@pytest.mark.parametrize(
    "result",
    [
        CHIEF,
        {"ceo": {"name": "Jane Roe", "linkedin_url": "linkedin.com/in/jane-roe"}, "domain": "acme.example"},
        {"CEO": "Jane Roe", "linkedinUrl": "https://linkedin.com/in/jane-roe", "website": "acme.example"},
    ],
    ids=["asked", "nested", "camel"],
)
def test_a_chief_executive_under_other_words(result):
    (finding,) = FIND_CEO.parse(wrapped(result), {})
    values = cleaned(finding)
    assert values["ceo_name"] == "Jane Roe"
    assert values["ceo_linkedin_url"] == "https://www.linkedin.com/in/jane-roe"
    assert references([finding]) == {"datagen:chatgpt_webresearch/acme.example"}


def test_the_page_of_a_company_is_nobodys_profile():
    (finding,) = FIND_CEO.parse(
        wrapped(CHIEF | {"ceo_linkedin_url": "https://linkedin.com/company/acme"}), {}
    )
    assert cleaned(finding) == {"ceo_name": "Jane Roe"}


@pytest.mark.parametrize("blank", [None, "", "N/A", "unknown"])
def test_nothing_was_found(blank):
    nobody = CHIEF | {"ceo_name": blank, "ceo_linkedin_url": None}
    assert list(FIND_CEO.parse(said(json.dumps(nobody)), {})) == []


@pytest.mark.parametrize(
    "result",
    [None, "The CEO is Jane Roe.", {"answer": "The CEO is Jane Roe."}, {"answer": '{"a": 1}'}, [[]], 3],
    ids=["nothing", "text", "prose", "other keys", "empty", "number"],
)
def test_an_answer_without_the_json_asked_for_is_refused(result):
    with pytest.raises(PayloadChanged):
        FIND_CEO.parse(wrapped(result), {})


@pytest.mark.parametrize("source", [RESEARCH, FIND_CEO])
def test_the_recorded_answers_of_other_tools(source):
    with pytest.raises(PayloadChanged):
        source.parse(recorded("datagen/execute_tool_success.json"), {})
    with pytest.raises(SourceUnavailable):
        source.parse(recorded("datagen/tool_failure_fc6b31.json"), {})


def test_research_about_another_company_is_not_believed():
    (finding,) = RESEARCH.parse(
        said(json.dumps(FACTS | {"website": "zenith.example", "company_name": "Zenith"})), {}
    )
    assert (
        compare(Subject(name="Acme", domain="acme.example"), finding.subject).verdict is not Verdict.CONFIRMED
    )


def test_research_that_names_no_company_waits_for_a_person():
    anonymous = {key: FACTS[key] for key in ("company_description", "headcount")}
    (finding,) = RESEARCH.parse(wrapped(anonymous), {})
    assert compare(ACME, finding.subject).verdict is Verdict.REVIEW


@pytest.mark.parametrize(("source", "words"), [(RESEARCH, "headcount"), (FIND_CEO, "ceo_linkedin_url")])
def test_the_question_names_the_domain_and_the_keys_of_the_answer(source, words):
    vendor = Vendor(wrapped(FACTS))
    source.fetch(ask(ACME, key=KEY), vendor)
    (request,) = vendor.requests
    assert request.headers == {"X-API-Key": KEY}
    assert request.json["tool_alias_name"] == "chatgpt_webresearch"
    question = request.json["parameters"]["query"]
    assert "acme.example" in question and words in question and "sources" in question


@pytest.mark.parametrize("source", [RESEARCH, FIND_CEO])
def test_a_question_without_a_domain_is_not_sent(source):
    vendor = Vendor(wrapped(None))
    with pytest.raises(NotAllowed):
        source.fetch(ask(Subject(name="Acme")), vendor)
    assert vendor.requests == []


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(RESEARCH, shared) == []
    assert misbehaviour(FIND_CEO, shared) == []
    assert damage(RESEARCH, wrapped(FACTS)) == []
    assert damage(FIND_CEO, wrapped(CHIEF | {"citations": [{"url": "https://a.example"}]})) == []
