"""The chief executive's address: what Hunter finds, what it only scores, and our own guess."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.adapters.ceo_email import CeoEmail
from sources.contract import Call, Finding, Payload, Question, Subject
from sources.errors import NotAllowed, PayloadChanged, RateLimited, SourceError, SourceRefused
from sources.identity import Verdict, compare
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback
from tests.sources.adapters.public_apis import answer, ask, damage, misbehaviour
from tests.sources.servers import reply

SOURCE = CeoEmail()
ACME = Subject(domain="acme.example", known={"ceo_name": "Dr. Zoë van Roe"})
FOUND: dict[str, Any] = {
    "first_name": "Zoë",
    "last_name": "van Roe",
    "email": "zoe@acme.example",
    "score": 92,
    "domain": "acme.example",
    "sources": [{"uri": "https://acme.example/team"}],
    "verification": {"status": "valid"},
}
ASKED = "https://api.hunter.io/v2/email-finder?domain=acme.example&full_name=Zo%C3%AB+van+Roe"


class Resolver(Vendor):
    """A vendor that also answers for DNS."""

    def __init__(self, *records: str) -> None:
        super().__init__(answer({}, status=500))
        self.mail = records

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        assert (name, kind) == ("acme.example", "MX")
        return self.mail


def guessed(subject: Subject, *records: str) -> Finding | None:
    resolver = Resolver(*records)
    (payload,) = SOURCE.fetch(ask(subject), resolver)
    assert resolver.requests == []
    findings = SOURCE.parse(payload, {})
    return findings[0] if findings else None


def found(**data: Any) -> dict[str, Any]:
    findings = SOURCE.parse(answer({"data": FOUND | data}, url=ASKED), {})
    return cleaned(findings[0]) if findings else {}


def told(finding: Finding | None) -> tuple[str, tuple[str, ...]]:
    assert finding is not None
    (claim,) = finding.claims
    return claim.value, claim.references


def test_without_a_key_the_address_is_a_guess_that_says_so():
    finding = guessed(ACME, "10 mail.acme.example.")
    assert told(finding) == (
        "zoe.roe@acme.example",
        ("guess:{first}.{last}/0.4", "dns:acme.example/MX"),
    )
    assert finding is not None and compare(ACME, finding.subject).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("{first}", "zoe@acme.example"),
        ("{f}{last}@acme.example", "zroe@acme.example"),
        ("{Last}.{first}", "roe.zoe@acme.example"),
        ("{l}-{first}", "r-zoe@acme.example"),
    ],
)
def test_a_known_pattern_makes_a_surer_guess(pattern, address):
    subject = Subject(domain="acme.example", known={**ACME.known, "email_pattern": pattern})
    value, (mark, _) = told(guessed(subject, "10 mail.acme.example"))
    assert (value, mark.rpartition("/")[2]) == (address, "0.75")


@pytest.mark.parametrize(
    "pattern", ["first.last", "{0}", "{first!r}", "{first.__class__}", "{{first}}", "", 3]
)
def test_what_is_no_pattern_is_not_used(pattern):
    subject = Subject(domain="acme.example", known={**ACME.known, "email_pattern": pattern})
    assert told(guessed(subject, "10 mail.acme.example"))[0] == "zoe.roe@acme.example"


@pytest.mark.parametrize("records", [(), ("0 .",), ("nonsense",)])
def test_a_domain_that_takes_no_mail_has_no_address(records):
    assert guessed(ACME, *records) is None


@pytest.mark.parametrize("name", ["Cher", "王小明", "Dr. Roe", "Иван Петров", "Jane 2nd"])
def test_a_name_that_makes_no_address(name):
    assert guessed(Subject(domain="acme.example", known={"ceo_name": name}), "10 mail.acme.example") is None


def test_hunter_is_asked_over_the_wire():
    with loopback(reply(json.dumps({"data": FOUND}).encode())) as (http, server):
        (payload,) = SOURCE.fetch(ask(ACME, key=KEY), http)
    head = server.heads[0].decode()
    assert head.startswith("GET /email-finder?domain=acme.example&full_name=Dr.+Zo%C3%AB+van+Roe HTTP/1.1")
    assert f"X-API-KEY: {KEY}" in head
    assert told(SOURCE.parse(payload, {})[0])[0] == "zoe@acme.example"


def test_the_key_of_the_source_hunter_is_used_too():
    vendor = Vendor(answer({"data": FOUND}))
    questions = [Question(subject=ACME)]
    SOURCE.fetch(Call(questions=questions, wanted={}, keys={"HUNTER_API_KEY": KEY}), vendor)
    assert vendor.requests[0].headers == {"X-API-KEY": KEY}


def test_an_address_seen_on_a_page_refers_to_it():
    (finding,) = SOURCE.parse(answer({"data": FOUND}, url=ASKED), {})
    assert told(finding) == ("zoe@acme.example", ("https://acme.example/team", "hunter:zoe@acme.example"))


def test_the_documented_find(shared):
    body = json.loads((shared / "payloads/hunter/email_finder_example.json").read_bytes())["response"]
    (finding,) = SOURCE.parse(answer(body), {})
    assert cleaned(finding) == {"ceo_email": "person563195@example.com"}
    assert finding.subject.domain == "stripe.com"


def test_an_address_that_nothing_confirms_is_a_guess_with_hunters_score():
    (finding,) = SOURCE.parse(
        answer({"data": FOUND | {"sources": [], "verification": {"status": None}, "score": 62}}), {}
    )
    assert told(finding)[1] == ("guess:hunter/0.62", "hunter:zoe@acme.example")


@pytest.mark.parametrize(
    "data",
    [
        {"email": None},
        {"sources": [], "verification": {}, "score": 20},
        {"verification": {"status": "invalid"}},
        {"first_name": "John", "last_name": "Doe"},
    ],
)
def test_no_address(data):
    assert found(**data) == {}


def test_the_address_of_another_company_is_told_by_its_domain():
    (finding,) = SOURCE.parse(answer({"data": FOUND | {"domain": "zenith.example"}}, url=ASKED), {})
    asked = Subject(name="Acme", domain="acme.example")
    assert compare(asked, finding.subject).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("value", "status", "error"),
    [
        ({"errors": [{"id": "authentication_failed", "code": 401}]}, 401, SourceRefused),
        ({"errors": [{"id": "no_credit", "code": 402}]}, 402, SourceRefused),
        ({"errors": []}, 403, RateLimited),
        ({"errors": []}, 429, RateLimited),
        ({"errors": []}, 422, PayloadChanged),
        ({"data": {"emails": []}}, 200, PayloadChanged),
        ({"data": None}, 200, PayloadChanged),
        ({"MX": [], "domain": None}, 200, PayloadChanged),
        (b"<html>", 200, PayloadChanged),
    ],
)
def test_errors(value, status, error):
    with pytest.raises(SourceError) as caught:
        SOURCE.parse(answer(value, status=status), {})
    assert type(caught.value) is error


def test_hunter_knows_nobody():
    assert list(SOURCE.parse(answer({"errors": [{"code": 404}]}, status=404), {})) == []


@pytest.mark.parametrize("subject", [Subject(domain="acme.example"), Subject(known={"ceo_name": "Jane Roe"})])
def test_a_question_without_name_or_domain_is_not_asked(subject):
    with pytest.raises(NotAllowed):
        SOURCE.fetch(ask(subject, key=KEY), Resolver())


def test_hostile_and_damaged_answers_are_contained(shared):
    assert misbehaviour(SOURCE, shared) == []
    assert damage(SOURCE, answer({"data": FOUND}, url=ASKED)) == []
    (payload,) = SOURCE.fetch(ask(ACME), Resolver("10 mail.acme.example"))
    assert isinstance(payload, Payload)
    assert damage(SOURCE, payload) == []
