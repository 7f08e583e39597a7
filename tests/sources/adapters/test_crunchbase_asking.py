"""What Crunchbase is asked: by domain, by page, under the paths that a setting names."""

from __future__ import annotations

import json

import pytest

from enrichment.subjects import has_inputs
from sources.contract import Call, Question, Subject
from sources.errors import (
    NotAllowed,
    SourceRefused,
)
from sources.identity import Verdict, compare
from tests.sources.adapters.crunchbase_samples import CRUNCHBASE, ORGANIZATION, changed
from tests.sources.adapters.paid_apis import KEY, Vendor, loopback
from tests.sources.adapters.public_apis import answer, ask
from tests.sources.servers import reply

ACME = Subject(name="Acme", domain="acme.example")


def test_a_domain_is_searched_for_over_the_wire():
    body = {"count": 1, "entities": [{"uuid": "u1", **ORGANIZATION}]}
    with loopback(reply(json.dumps(body).encode())) as (http, server):
        (payload,) = CRUNCHBASE.fetch(ask(ACME, key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("POST /api/v4/searches/organizations HTTP/1.1")
    assert f"X-cb-user-key: {KEY}" in head
    assert '"operator_id":"domain_eq","values":["acme.example"]' in head
    assert CRUNCHBASE.parse(payload, {})[0].subject.name == "Acme"


def test_a_known_page_is_asked_for_with_its_rounds():
    vendor = Vendor(answer(ORGANIZATION))
    page = {"crunchbase_url": "https://www.crunchbase.com/organization/acme%2Frobots?utm=1"}
    CRUNCHBASE.fetch(ask(Subject(domain="acme.example", known=page), key=KEY), vendor)
    (request,) = vendor.requests
    assert (request.method, request.headers) == ("GET", {"X-cb-user-key": KEY})
    assert request.url == "api/v4/entities/organizations/acme%2Frobots"
    assert request.params["card_ids"] == "raised_funding_rounds"
    assert {"last_funding_type", "website_url", "identifier"} <= set(request.params["field_ids"].split(","))


def test_the_page_alone_will_do():
    page = {"crunchbase_url": "https://www.crunchbase.com/organization/acme"}
    subject = Subject(name="Acme", known=page)
    assert has_inputs(subject, CRUNCHBASE.needs)
    assert CRUNCHBASE.question(subject) == page


@pytest.mark.parametrize("page", ["https://evil.example/organization/acme", "acme", "", None, ["x"]])
def test_what_is_no_page_of_an_organization_is_not_asked_for(page):
    vendor = Vendor(answer({"entities": []}))
    CRUNCHBASE.fetch(ask(Subject(domain="acme.example", known={"crunchbase_url": page})), vendor)
    assert vendor.requests[0].url == "api/v4/searches/organizations"


def test_the_place_of_the_api_is_a_setting():
    vendor = Vendor(answer({"entities": []}))
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings={"path": "/v4/data/"})
    CRUNCHBASE.fetch(call, vendor)
    assert vendor.requests[0].url == "v4/data/searches/organizations"


@pytest.mark.parametrize("path", ["../x", "https://evil.example", "a b", {"a": 1}])
def test_a_setting_that_is_no_path_sends_nothing(path):
    vendor = Vendor(answer({}))
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings={"path": path})
    with pytest.raises(SourceRefused, match="path"):
        CRUNCHBASE.fetch(call, vendor)
    assert vendor.requests == []


def test_a_question_about_nobody_is_not_sent():
    vendor = Vendor(answer({}))
    with pytest.raises(NotAllowed):
        CRUNCHBASE.fetch(ask(Subject(name="Acme")), vendor)
    assert vendor.requests == []


def test_of_organizations_at_one_domain_the_one_at_its_home_counts():
    branch = changed(website_url="https://acme.example/stores/12", name="Acme Store 12")
    body = {"count": 2, "entities": [branch, ORGANIZATION]}
    assert [found.subject.name for found in CRUNCHBASE.parse(answer(body), {})] == ["Acme"]


def test_another_company_is_told_by_its_domain():
    other = changed(
        website_url="https://zenith.example",
        legal_name="",
        aliases=[],
        identifier={"value": "Zenith", "permalink": "zenith"},
    )
    (finding,) = CRUNCHBASE.parse(answer(other), {})
    assert compare(ACME, finding.subject).verdict is not Verdict.CONFIRMED
