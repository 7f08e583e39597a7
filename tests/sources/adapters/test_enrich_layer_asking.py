"""What Enrich Layer is asked: look-ups, roles, leaders, and the settings that choose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.attributes import Kind
from sources.contract import Call, Payload, Question, Subject
from sources.errors import (
    NotAllowed,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import Verdict, compare
from tests.sources.adapters.enrich_layer_samples import COMPANY, JOBS, PAGE, PERSON, SOURCE
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback
from tests.sources.adapters.public_apis import answer, ask
from tests.sources.servers import reply

ACME = Subject(name="Acme", domain="acme.example", linkedin_url=PAGE)


JANE = Subject(kind=Kind.CONTACT, name="Jane Roe", linkedin_url="https://www.linkedin.com/in/jane-roe")


def fetched(*answers: Payload | Exception, parts: Any = None) -> dict[str, Any]:
    settings = {} if parts is None else {"parts": parts}
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings=settings, key=KEY)
    (payload,) = SOURCE.fetch(call, Vendor(*answers))
    assert isinstance(payload, Payload)
    (finding,) = SOURCE.parse(payload, {})
    return cleaned(finding)


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ([], []),
        (["jobs"], ["company/job"]),
        (["executives"], ["find/company/role", "find/company/role"]),
    ],
)
def test_what_is_asked_besides_is_a_setting(parts, paths):
    vendor = Vendor(answer(COMPANY), answer({}))
    SOURCE.fetch(Call(questions=[Question(subject=ACME)], wanted={}, settings={"parts": parts}), vendor)
    assert [request.url for request in vendor.requests[1:]] == paths


def test_a_company_comes_with_its_open_roles_and_leaders():
    lead = {"linkedin_profile_url": "https://www.linkedin.com/in/jane-roe", "profile": PERSON}
    nobody = {"linkedin_profile_url": None, "profile": None}
    values = fetched(answer(COMPANY), answer(JOBS), answer(lead), answer(nobody))
    assert values["open_job_titles"] == [
        "Senior DevOps Engineer",
        "Site Reliability Engineer",
        "Accountant",
    ]
    assert values["recent_job_postings"] == 2
    assert values["executives"] == ["Jane Roe, Chief Technology Officer"]


def test_how_many_roles_is_not_said_when_there_is_another_page():
    values = fetched(answer(COMPANY), answer(JOBS | {"next_page_no": 2}), parts=["jobs"])
    assert "recent_job_postings" not in values
    assert len(values["open_job_titles"]) == 3


def test_a_listing_alone_tells_the_titles_of_each_company():
    acme, anonymous, zenith = (
        {claim.attribute: claim.value for claim in finding.claims} | {"name": finding.subject.name}
        for finding in SOURCE.parse(answer(JOBS), {})
    )
    assert acme == {"name": "Acme", "open_job_titles": ["Senior DevOps Engineer"]}
    assert anonymous["open_job_titles"] == ["Accountant"]
    assert zenith == {"name": "Zenith", "open_job_titles": ["Rust Developer"]}
    assert SOURCE.parse(answer({"job": []}), {}) == []


def test_a_leader_of_another_company_is_no_executive():
    elsewhere = PERSON | {"experiences": PERSON["experiences"][:2]}
    values = fetched(answer(COMPANY), answer({"profile": elsewhere}), parts=["executives"])
    assert "executives" not in values


@pytest.mark.parametrize(
    "failure", [answer({}, status=403), answer(b"<html>"), answer([1]), SourceUnavailable("no answer")]
)
def test_a_profile_is_kept_when_what_is_asked_besides_fails(failure):
    assert fetched(answer(COMPANY), failure)["name"] == "Acme Inc."


def test_the_wire():
    with loopback(reply(json.dumps(PERSON).encode())) as (http, server):
        (payload,) = SOURCE.fetch(ask(JANE, key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("GET /profile?profile_url=https%3A%2F%2Fwww.linkedin.com%2Fin%2Fjane-roe&")
    assert f"Authorization: Bearer {KEY}" in head
    assert isinstance(payload, Payload) and KEY not in payload.url
    (finding,) = SOURCE.parse(payload, {})
    assert compare(JANE, finding.subject).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("subject", "path", "parameter"),
    [
        (ACME, "company", ("url", PAGE)),
        (Subject(domain="acme.example"), "company/resolve", ("company_domain", "acme.example")),
        (
            Subject(kind=Kind.CONTACT, email="jane@acme.example"),
            "profile/resolve/email",
            ("email", "jane@acme.example"),
        ),
        (
            Subject(kind=Kind.CONTACT, name="Jane van Roe", domain="acme.example"),
            "profile/resolve",
            ("last_name", "van Roe"),
        ),
    ],
)
def test_each_input_has_its_look_up(subject, path, parameter):
    vendor = Vendor(answer({}, status=404))
    SOURCE.fetch(ask(subject, key=KEY), vendor)
    (request,) = vendor.requests
    assert request.url == path
    assert parameter in request.params.items()


def test_of_a_company_that_is_not_found_nothing_more_is_asked():
    vendor = Vendor(answer({"url": None}))
    SOURCE.fetch(ask(Subject(domain="gone.example")), vendor)
    assert len(vendor.requests) == 1


def test_all_calls_about_a_company():
    vendor = Vendor(answer({"url": PAGE, "profile": COMPANY}), answer(JOBS), answer({}))
    SOURCE.fetch(ask(Subject(domain="acme.example"), key=KEY), vendor)
    assert [request.url for request in vendor.requests] == [
        "company/resolve",
        "company/job",
        "find/company/role",
        "find/company/role",
    ]
    assert vendor.requests[1].params == {"search_id": "4711"}
    assert [request.params["role"] for request in vendor.requests[2:]] == ["CTO", "VP Engineering"]


@pytest.mark.parametrize("parts", ["jobs", ["news"], 3, [["jobs"]]])
def test_a_setting_that_names_no_part_sends_nothing(parts):
    vendor = Vendor(answer({}))
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings={"parts": parts})
    with pytest.raises(SourceRefused, match="parts"):
        SOURCE.fetch(call, vendor)
    assert vendor.requests == []


@pytest.mark.parametrize("subject", [Subject(name="Acme"), Subject(kind=Kind.CONTACT, name="Jane")])
def test_a_question_about_nobody_is_not_sent(subject):
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        SOURCE.fetch(ask(subject), vendor)
    assert vendor.requests == []


def test_a_company_found_for_a_nonsense_name_is_told_by_its_domain():
    (finding,) = SOURCE.parse(answer({"url": PAGE, "profile": COMPANY}), {})
    asked = Subject(name="Qwxz Gmbh", domain="qwxz.example")
    assert compare(asked, finding.subject).verdict is not Verdict.CONFIRMED
