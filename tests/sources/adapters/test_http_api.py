"""An API that a user describes: what its settings may say, what is asked, and what is read of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources import registry
from sources.attributes import Kind
from sources.contract import Call, Finding, Payload, Question, Source, Subject
from sources.errors import NotAllowed, PayloadChanged, RateLimited, SourceError, SourceRefused
from sources.http import Client
from sources.vendors.configured_api import check
from tests.sources.servers import Answer, reply, serving

SETTINGS: dict[str, Any] = {
    "url": "https://api.example.com/v1/company?domain={domain}",
    "headers": {"Authorization": "Bearer {secret}", "Accept": "application/json"},
    "secret": "ACME_API_KEY",
    "attributes": {"headcount": "company.size", "tech_stack": "company.tags[?kind=='tech'].name", "tier": "company.tier"},
    "identity": {"name": "company.name", "domain": "company.site"},
    "reference": "https://example.com/c/{company.id}",
    "miss": "company == null",
}  # fmt: skip
ANSWER = {
    "company": {
        "id": 7, "name": "Acme", "site": "https://www.acme.com/", "size": "51-200",
        "tags": [{"kind": "tech", "name": "Go"}, {"kind": "x", "name": "y"}], "tier": None,
    }
}  # fmt: skip
ACME = Subject(name="Acme", domain="acme.com")


def configured(**changes: Any) -> Source:
    return registry.get("http_api").configured(SETTINGS | changes)


def payload(body: Any = ANSWER, status: int = 200, **headers: str) -> Payload:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Payload(
        status=status, body=raw, url="https://api.example.com/v1/company?domain=acme.com", headers=headers
    )


def found(body: Any = ANSWER, **changes: Any) -> Finding:
    (finding,) = configured(**changes).parse(payload(body), {})
    return finding


def ask(
    answer: Answer, *, key: str = "sesame-123", subject: Subject = ACME, **changes: Any
) -> tuple[Payload, bytes]:
    """The payload of a question to a loopback server, and the head it was asked with."""
    with serving(answer) as server:
        settings = SETTINGS | {"url": f"{server.url}/v1/company?domain={{domain}}"} | changes
        settings["url"] = settings["url"].replace("{server}", server.url)
        source = registry.get("http_api").configured(settings)
        client = Client(user_agent="Tests", allow=frozenset({server.netloc}), base_url=source.base_url)
        call = Call(questions=[Question(subject=subject)], wanted={}, settings=settings, key=key)
        (kept,) = source.fetch(call, client)
        client.close()
    assert isinstance(kept, Payload)
    return kept, server.heads[0]


def test_its_declarations_come_from_the_settings():
    source = configured()
    assert (source.needs, source.provides) == ((("domain",),), ("headcount", "tech_stack", "tier"))
    assert source.kinds == {Kind.ACCOUNT} and source.base_url == "https://api.example.com"
    assert source.secret and source.secret.env == "ACME_API_KEY"
    assert configured(kind="contact", url="https://a.example/{name}/{domain}").needs == (("name", "domain"),)


def test_the_paths_find_claims_with_the_reference_filled():
    claims = {claim.attribute: claim.value for claim in found().claims}
    assert claims == {"headcount": "51-200", "tech_stack": ["Go"]}
    assert {claim.references for claim in found().claims} == {("https://example.com/c/7",)}


def test_whom_it_is_about_is_read_where_the_settings_say_how():
    assert (found().subject.name, found().subject.domain, found().names_nobody) == ("Acme", "acme.com", False)
    assert found(identity={}).names_nobody
    assert found(identity={"domain": "company.nothing"}).names_nobody


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("", "https://api.example.com/v1/company?domain=acme.com"),
        ("{url}", "https://api.example.com/v1/company?domain=acme.com"),
        ("acme:{company.id}", "acme:7"),
        ("https://example.com/{domain}", "https://example.com/acme.com"),
        ("https://example.com/{company.nothing}", "https://api.example.com/v1/company?domain=acme.com"),
        ("https://example.com/{company.tags}", "https://api.example.com/v1/company?domain=acme.com"),
    ],
)
def test_a_reference_that_cannot_be_filled_is_the_address_asked(reference, says):
    asked: dict[str, Any] = {"footnote-asked": '{"domain": "acme.com"}'}
    kept = payload(**asked)
    (finding,) = configured(reference=reference).parse(kept, {})
    assert finding.claims[0].references == (says,)


@pytest.mark.parametrize(
    ("body", "status", "changes"),
    [
        ({}, 404, {}),
        ({"company": None}, 200, {}),
        ({"company": {"size": None, "tags": []}}, 200, {}),
        ({}, 204, {"miss_statuses": [204, 404]}),
        ({"error": "unknown"}, 200, {"miss": "error == 'unknown'"}),
    ],
)
def test_a_miss_is_not_found(body, status, changes):
    assert configured(**changes).parse(payload(body, status), {}) == ()


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 401, SourceRefused), ({}, 402, SourceRefused), ({}, 429, RateLimited), ({}, 500, SourceError),
        (b"<html>", 200, PayloadChanged), (b"[" * 100_000, 200, PayloadChanged), ({}, 301, PayloadChanged),
        ({"company": {"size": 3}}, 404, PayloadChanged),
    ],
)  # fmt: skip
def test_errors_have_their_names(body, status, error):
    with pytest.raises(error):
        configured(miss_statuses=[]).parse(payload(body, status), {})


def test_a_path_that_does_not_fit_the_answer_is_one_sentence():
    with pytest.raises(PayloadChanged, match=r"^length\(company\) does not work on this answer: ") as caught:
        configured(attributes={"headcount": "length(company)"}, miss="").parse(payload({"company": 3}), {})
    assert "\n" not in str(caught.value)


def test_the_question_is_one_get_with_the_inputs_and_the_key_in_their_places():
    kept, head = ask(reply(json.dumps(ANSWER).encode()))
    assert head.startswith(b"GET /v1/company?domain=acme.com HTTP/1.1")
    assert b"Authorization: Bearer sesame-123" in head
    assert json.loads(kept.headers["footnote-asked"]) == {"domain": "acme.com"}


def test_what_is_put_into_the_address_stays_in_its_place():
    evil = Subject(name="Acme & Söhne/../?x=1#", domain="acme.com")
    _, head = ask(reply(b"{}"), subject=evil, url="{server}/by/{name}")
    assert head.startswith(b"GET /by/Acme%20%26%20S%C3%B6hne%2F..%2F%3Fx%3D1%23 HTTP/1.1")


def test_a_key_that_the_api_says_back_is_not_kept():
    kept, head = ask(
        reply(b'{"you": "ses/me&123"}', X_Echo="ses/me&123"),
        key="ses/me&123",
        url="{server}/x?d={domain}&k={secret}",
    )
    assert b"k=ses%2Fme%26123" in head
    assert "ses" not in kept.url and b"ses" not in kept.body and "ses" not in str(kept.headers)


def test_a_redirect_is_not_followed_with_the_key():
    kept, _ = ask(reply(status="302 Found", Location="https://elsewhere.example/"))
    assert kept.status == 302


def test_what_is_missing_is_said_before_anything_is_sent():
    source = configured()
    call = Call(questions=[Question(subject=Subject(name="Acme"))], wanted={}, settings=SETTINGS, key="k")
    with pytest.raises(NotAllowed, match="asked with domain"):
        source.fetch(call, None)  # type: ignore[arg-type]
    with pytest.raises(SourceRefused, match="ACME_API_KEY is not set"):
        source.fetch(Call(questions=[Question(subject=ACME)], wanted={}, settings=SETTINGS), None)  # type: ignore[arg-type]


def test_settings_that_make_no_sense_refuse_in_one_sentence():
    source = registry.get("http_api").configured({"url": 3})
    call = Call(questions=[Question(subject=ACME)], wanted={}, settings={"url": 3})
    with pytest.raises(SourceRefused, match=r"^Its url cannot be used: Write a text\.$"):
        source.fetch(call, None)  # type: ignore[arg-type]
    with pytest.raises(SourceRefused):
        source.parse(payload(), {})


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "", "Write the address"),
        ("url", "example.com/{domain}", "This is no address"),
        ("url", "ftp://example.com/{domain}", "This is no address"),
        ("url", "https://[/{domain}", "This is no address"),
        ("url", "https://example.com/", "The address names nobody"),
        ("url", "https://example.com/{domian}", "{domian} is no input"),
        ("url", "https://{domain}/api", "The host depends on whom is asked about"),
        ("url", "https://example.com/{domain}?api_key=abc", "The address holds a key"),
        ("url", "https://example.com/{domain}" + "x" * 2000, "This is longer than 2,000 characters."),
        ("kind", "planet", "Choose companies or people."),
        ("headers", {"Authorization": "Bearer abc"}, "Authorization holds a key"),
        ("headers", {"X-Api-Key": "abc"}, "X-Api-Key holds a key"),
        ("headers", {"Bad Name": "x"}, "'Bad Name' is no header"),
        ("headers", {"X": "a\r\nHost: evil"}, "'X' is no header"),
        ("headers", ["X"], "Write a header as Name: value."),
        ("secret", "sk_live_abc", "Write the name of an environment variable"),
        ("secret", "SECRET_KEY", "Write the name of an environment variable"),
        ("secret", "FOOTNOTE_METRICS_TOKEN", "Write the name of an environment variable"),
        ("secret", "DATABASE_URL", "Write the name of an environment variable"),
        ("attributes", {}, "Give at least one attribute"),
        ("attributes", {"headcount": "company.[}"}, "headcount: company.[} is no JMESPath: "),
        ("attributes", {"headcount": ""}, "headcount: nothing is no JMESPath: "),
        ("attributes", {"Head Count": "a"}, "'Head Count' is no slug"),
        ("identity", {"industry": "a"}, "industry tells nobody from others"),
        ("reference", "company {id}", "A reference is an address, or scheme:id"),
        ("reference", "https://x.example/{a..b}", "a..b is no JMESPath"),
        ("miss_statuses", [4], "Write HTTP statuses"),
        ("miss_statuses", "404", "Write HTTP statuses"),
        ("miss", "==", "== is no JMESPath"),
    ],
)
def test_a_field_that_is_wrong_has_its_own_sentence(field, value, says):
    wrong = check(SETTINGS | {field: value})
    assert wrong[field].startswith(says) and "\n" not in wrong[field]
    assert set(wrong) == {field} or field == "secret"


def test_a_secret_that_is_used_must_be_named():
    wrong = check(SETTINGS | {"secret": "", "url": "https://example.com/{domain}?k={secret}"})
    assert wrong == {
        "url": "The address holds {secret}: name the variable of the key below.",
        "headers": "The header Authorization holds {secret}: name the variable of the key below.",
    }


def test_good_settings_have_nothing_wrong():
    assert check(SETTINGS) == {}
    assert check({"url": "https://{domain}/card.json", "attributes": {"headcount": "@"}}) == {}


POSTED = SETTINGS | {
    "url": "https://api.example.com/v1/search",
    "method": "POST",
    "body": '{"query": {"site": "{domain}", "text": "{name} of {city}"}, "year": "{founded_year}", "key": "{secret}", "n": 1}',
}


def test_a_body_is_posted_with_values_as_json_values():
    hostile = Subject(
        name='A "quoted" \\ {domain} name', domain="acme.com", city="Köln", known={"founded_year": 1999}
    )
    changes = {**POSTED, "url": "{server}/v1/search"}
    kept, head = ask(reply(json.dumps(ANSWER).encode()), subject=hostile, **changes)
    start, _, body = head.partition(b"\r\n\r\n")
    assert start.startswith(b"POST /v1/search HTTP/1.1")
    assert b"Content-Type: application/json" in start and b"Authorization: Bearer sesame-123" in start
    assert json.loads(body) == {
        "query": {"site": "acme.com", "text": 'A "quoted" \\ {domain} name of Köln'},
        "year": 1999,
        "key": "sesame-123",
        "n": 1,
    }
    assert "sesame" not in kept.url + str(kept.headers)
    needs = (("domain", "name", "city", "founded_year"),)
    assert registry.get("http_api").configured(POSTED).needs == needs


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"method": "PUT"}, "method", "Choose GET or POST."),
        ({"method": "GET"}, "body", "A GET sends no body"),
        ({"body": ""}, "body", "Write the JSON that is sent"),
        ({"body": '{"site": {domain}}'}, "body", "This is no JSON"),
        ({"body": '"{domain}"'}, "body", "Write a JSON object or list."),
        ({"body": '{"n": 1}'}, "body", "Neither address nor body names anybody"),
        ({"body": '{"site": "{domian}"}'}, "body", "{domian} is no input"),
        ({"body": '{"{domain}": 1}'}, "body", "placeholders stand in values only"),
        ({"body": '{"a": "{domain}", "api_key": "abc"}'}, "body", "api_key holds a key"),
        ({"secret": "", "headers": {}}, "body", "name the variable of the key below"),
        ({"body": '{"a": "{domain}", "n": 1e999}'}, "body", "This is no JSON"),
        ({"body": '{"a": "{domain}", "n": NaN}'}, "body", "This is no JSON"),
        ({"body": '{"a": "{domain}", "n": "\\ud800"}'}, "body", "This is no JSON"),
        ({"body": '["{domain}"' + "," + "[" * 5000 + "]" * 5000 + "]"}, "body", "This is no JSON"),
        ({"body": '["{domain}",' + "[" * 50 + "]" * 50 + "]"}, "body", "nested more than 20 levels"),
        ({"body": ["{domain}"]}, "body", "Write a text."),
        ({"body": '["{domain}", "' + "x" * 20_000 + '"]'}, "body", "longer than 20,000 characters"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_in_one_sentence(changes, field, says):
    assert says in check(POSTED | changes)[field]


def test_a_post_whose_address_names_the_subject_needs_no_name_in_its_body():
    assert check(POSTED | {"url": "https://a.example/{domain}", "body": '{"n": 1}'}) == {}
