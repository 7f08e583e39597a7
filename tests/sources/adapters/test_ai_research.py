"""AI research: pages and answer in, and of the answer only what a page backs word for word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.attributes import Attribute, Kind, Type
from sources.contract import Call, Payload, Question
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.identity import Verdict, compare
from sources.vendors import openai_chat
from sources.vendors.kept_pages import join
from sources.vendors.quotes import cite
from tests.sources.adapters.ai_research_samples import (
    ABOUT,
    ACME,
    FACTS,
    HOME,
    PEOPLE,
    SITE,
    SOURCE,
    Web,
    completion,
    fact,
    fetched,
)
from tests.sources.adapters.pages import page
from tests.sources.adapters.paid_apis import KEY, cleaned, loopback
from tests.sources.adapters.public_apis import answer, damage, misbehaviour
from tests.sources.servers import reply


def kept(said: Payload, *pages: Payload) -> Payload:
    """What `fetch` makes of pages and an answer."""
    body = said.body.decode("utf-8", "replace")
    return join(pages or [HOME, ABOUT], answer={"status": said.status, "headers": {}, "body": body})


def stated(*facts: Any, **custom: Attribute) -> dict[str, Any]:
    findings = SOURCE.parse(kept(completion(json.dumps({"facts": facts}))), custom)
    return {claim.attribute: claim.value for finding in findings for claim in finding.claims}


def test_what_pages_back_is_believed_with_the_page_as_reference():
    web = Web(SITE, completion(json.dumps({"facts": FACTS})))
    (finding,) = SOURCE.parse(fetched(web), {})
    assert cleaned(finding) == {
        "headcount": 1200,
        "founded_year": 2015,
        "company_description": "Builds robots.",
        "ceo_name": "Jane Roe",
        "tech_stack": ["AWS", "Kubernetes"],
        "phone": "+1 617-555-0100",
    }
    shown = {claim.attribute: claim.references for claim in finding.claims}
    assert shown["headcount"] == (f"https://acme.example/{PEOPLE}",)
    assert shown["ceo_name"] == (
        "https://acme.example/about#:~:text=Jane%20Roe%2C%20our%20chief%20executive",
    )
    assert compare(ACME, finding.subject).verdict is Verdict.CONFIRMED


def test_the_model_is_asked_with_a_schema_and_the_pages():
    web = Web(SITE, completion('{"facts": []}'))
    fetched(web, model="my-model")
    (request,) = web.requests
    assert (request.url, request.headers) == ("chat/completions", {"Authorization": f"Bearer {KEY}"})
    assert request.json["model"] == "my-model"
    form = request.json["response_format"]
    assert form["type"] == "json_schema" and form["json_schema"]["strict"] is True
    fields = form["json_schema"]["schema"]["properties"]["facts"]["items"]["properties"]
    assert "headcount" in fields["attribute"]["enum"]
    asked = request.json["messages"][1]["content"]
    assert "Robots for warehouses" in asked and "Jane Roe, our chief executive" in asked


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_schemas_is_asked_for_plain_json(status):
    web = Web(SITE, answer({"error": {}}, status=status), completion(json.dumps({"facts": FACTS})))
    (finding,) = SOURCE.parse(fetched(web), {})
    assert [request.json["response_format"]["type"] for request in web.requests] == [
        "json_schema",
        "json_object",
    ]
    assert len(finding.claims) == 6


@pytest.mark.parametrize(
    "invented",
    [
        fact("headcount", "1200", "our 1,300 people build robots"),
        fact("headcount", "1300", "our 1,200 people build robots"),
        fact("headcount", "1200", ""),
        fact("headcount", "1200", None),
        fact("headcount", "1200", "1,200"),
        fact("company_description", "Builds robots.", ""),
        fact("company_description", "Builds robots.", "Robots"),
        fact("ceo_name", "John Doe", "Jane Roe, our chief executive"),
        fact("tech_stack", "React; Vue", "We run on AWS and Kubernetes."),
        fact("phone", "+1 617 555 0199", "Call +1 617 555 0100"),
        fact("company_description", "Builds boats.", "Boats for warehouses"),
        fact("company_description", "Builds robots.", "robots for Warehouses"),
        fact("ceo_linkedin_url", "https://www.linkedin.com/in/jane", "Jane Roe, our chief executive"),
        fact("shoe_size", "44", "Jane Roe, our chief executive"),
        "headcount",
        None,
    ],
    ids=[
        *("other quote", "other number", "no quote", "null quote", "short quote", "described without"),
        *(
            "described short",
            "other name",
            "other items",
            "other phone",
            "invented",
            "other case",
            "not asked",
        ),
        *("unknown attribute", "text", "null"),
    ],
)
def test_a_value_without_a_quote_that_holds_it_is_refused(invented):
    assert stated(invented) == {}


def test_white_space_is_all_that_a_quote_may_differ_in():
    assert stated(fact("company_description", "Robots", "Robots \n for\twarehouses")) != {}


def test_the_first_backed_value_counts():
    assert stated(
        fact("headcount", "7", "our 1,300 people"), fact("headcount", "1200", "our 1,200 people build robots")
    ) == {"headcount": "1200"}
    assert stated(
        fact("industry", "Robotics", "Robots for warehouses"),
        fact("industry", "Logistics", "Robots for warehouses"),
    ) == {"industry": "Robotics"}


def test_a_users_own_attribute_is_asked_for_and_believed():
    custom = Attribute("cargo", "Cargo", Type.TEXT, frozenset({Kind.ACCOUNT}), description="What it carries")
    values = stated(fact("cargo", "boxes", "robots that carry boxes"), cargo=custom)
    assert values == {"cargo": "boxes"}
    web = Web(SITE, completion('{"facts": []}'))
    call = Call(questions=[Question(subject=ACME)], wanted={"cargo": custom}, key=KEY)
    SOURCE.fetch(call, web)
    assert "cargo: What it carries" in web.requests[0].json["messages"][1]["content"]


def test_what_pages_say_of_a_list_is_put_together():
    payload = kept(completion(json.dumps({"facts": [
        fact("tech_stack", "AWS", "We run on AWS and Kubernetes."),
        fact("tech_stack", "Kubernetes; React", "AWS and Kubernetes."),
        fact("tech_stack", "React", "We run on React and Vue."),
    ]})))  # fmt: skip
    (finding,) = SOURCE.parse(payload, {})
    (claim,) = finding.claims
    assert claim.value == ["AWS", "Kubernetes"]
    assert claim.references == (
        "https://acme.example/about#:~:text=We%20run%20on%20AWS%20and%20Kubernetes.",
        "https://acme.example/about#:~:text=AWS%20and%20Kubernetes.",
    )


def test_a_long_quote_is_cited_by_its_ends():
    long = " ".join(f"well-known{number}," for number in range(60))
    assert cite("https://acme.example/a#b", long) == (
        "https://acme.example/a#:~:text=well%2Dknown0%2C%20well%2Dknown1%2C%20well%2Dknown2%2C%20well%2Dknown3%2C"
        ",well%2Dknown56%2C%20well%2Dknown57%2C%20well%2Dknown58%2C%20well%2Dknown59%2C"
    )


def test_an_answer_without_pages_backs_nothing():
    assert list(SOURCE.parse(completion(json.dumps({"facts": FACTS})), {})) == []


def test_pages_of_another_site_back_nothing():
    foreign = page("<p>our 1,200 people build robots</p>", url="https://zenith.example/")
    said = completion(json.dumps({"facts": FACTS[:1]}))
    assert list(SOURCE.parse(kept(said, page("<p>Hello, this is Acme</p>"), foreign), {})) == []


def test_a_domain_that_leads_to_another_company_is_told_by_its_address():
    foreign = page("<p>our 1,200 people build robots</p>", url="https://zenith.example/")
    (finding,) = SOURCE.parse(kept(completion(json.dumps({"facts": FACTS[:1]})), foreign), {})
    assert compare(ACME, finding.subject).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize(
    "content",
    [
        '<think>hm {"x"</think>\n{"facts": []}',
        [{"type": "text", "text": '{"facts": []}'}],
        '```json\n{"facts": []}\n```',
        '  {"facts": []}',
        '{"facts": [], "x": 1}',
    ],
)
def test_nothing_was_found(content):
    assert list(SOURCE.parse(kept(completion(content)), {})) == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (answer({"error": {"code": "invalid_api_key"}}, status=401), SourceRefused),
        (answer({"error": {"code": "model_not_found"}}, status=404), SourceRefused),
        (answer({"error": {"type": "insufficient_quota"}}, status=429), SourceRefused),
        (answer({"error": {"code": "rate_limit_exceeded"}}, status=429), RateLimited),
        (answer(b"busy", status=429), RateLimited),
        (answer({"error": {}}, status=500), SourceUnavailable),
        (completion(None, refusal="I cannot help with that."), NotAllowed),
        (completion('{"facts": []}', reason="content_filter"), NotAllowed),
        (completion('{"fac', reason="length"), PayloadChanged),
        (completion("Acme builds robots."), PayloadChanged),
        (completion('{"city": "Oslo"}'), PayloadChanged),
        (completion('{"facts": {}}'), PayloadChanged),
        (completion("[]"), PayloadChanged),
        (completion(None), PayloadChanged),
        (answer({"choices": []}), PayloadChanged),
        (answer({"error": {"code": 402, "message": "Insufficient credits"}}), SourceRefused),
        (answer({"error": {"code": 429, "message": "Slow down"}}), RateLimited),
        (answer({"object": "error", "message": "too long", "code": 400}), PayloadChanged),
        (answer({"error": {"message": "Billing hard limit has been reached"}}, status=400), SourceRefused),
        (answer({"object": "list"}), PayloadChanged),
        (answer(b"<html>"), PayloadChanged),
    ],
)
def test_errors_and_answers_of_another_shape(said, error):
    for payload in (kept(said), said):
        with pytest.raises(SourceError) as caught:
            SOURCE.parse(payload, {})
        assert type(caught.value) is error


@pytest.mark.parametrize("number", ["1", "2", "4", "5", "7", "8", "10", "11", "13", "14"])
def test_recorded_answers_to_other_questions(shared, number):
    body = (shared / f"payloads/openai_chat/completion_{number}.json").read_bytes()
    with pytest.raises(PayloadChanged):
        SOURCE.parse(Payload(status=200, body=body), {})


@pytest.mark.parametrize("name", ["spec_default.json", "spec_functions.json"])
def test_documented_answers_to_other_questions(shared, name):
    body = (shared / "payloads/openai_chat" / name).read_bytes()
    with pytest.raises(PayloadChanged):
        SOURCE.parse(Payload(status=200, body=body), {})


def test_a_recorded_answer_read_as_json(shared):
    body = (shared / "payloads/openai_chat/completion_13.json").read_bytes()
    said = openai_chat.read_answer(Payload(status=200, body=body))
    assert said == {"city": "San Francisco", "temperature": 58, "units": "f"}


def test_the_wire():
    with loopback(reply(completion('{"facts": []}').body)) as (http, server):
        said = openai_chat.ask(http, KEY, model="m", system="s", user="u", schema={"type": "object"})
    head = server.heads[0].decode()
    assert head.startswith("POST /chat/completions HTTP/1.1")
    assert f"Authorization: Bearer {KEY}" in head
    assert openai_chat.read_answer(said) == {"facts": []}


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    good = kept(completion(json.dumps({"facts": FACTS})))
    assert damage(SOURCE, good) == []
    for junk in (None, 3, "x", [None], {"a": 1}):
        for torn in (FACTS[0] | {"value": junk}, FACTS[0] | {"quote": junk}, FACTS[0] | {"attribute": junk}):
            stated(torn)
