"""What sources of company and people data share."""

from __future__ import annotations

import json

import pytest

from sources.contract import Payload, Subject
from sources.errors import NotAllowed, PayloadChanged, RateLimited
from sources.vendors.firmographics import (
    address,
    amount,
    ask_those,
    claims,
    company_page,
    confidence,
    cut,
    growth,
    is_miss,
    land,
    place,
    profile_page,
    refuse_unasked,
    site,
)
from tests.sources.adapters.public_apis import JUNK, answer, ask


def test_only_what_says_something_is_claimed():
    found = claims(
        {"name": "Acme", "city": "", "investors": [], "headcount": None, "founded_year": 0}, "", "x:1", "x:1"
    )
    assert [(claim.attribute, claim.value, claim.references) for claim in found] == [
        ("name", "Acme", ("x:1",)),
        ("founded_year", 0, ("x:1",)),
    ]


def test_keys_are_normalised_or_empty():
    assert site("https://www.shop.acme.co.uk/about") == "acme.co.uk"
    assert site("gmail.com") == ""
    assert address("Jane@Acme.example") == "jane@acme.example"
    assert company_page("company/Acme") == "https://www.linkedin.com/company/acme"
    assert company_page("https://www.linkedin.com/in/jane") == ""
    assert profile_page("linkedin.com/in/jane") == "https://www.linkedin.com/in/jane"
    assert profile_page("company/acme") == ""
    assert (land("us"), land("Deutschland"), land("Nowhere")) == ("United States", "Germany", "")
    for read in (site, address, company_page, profile_page, land, place):
        assert [read(junk) for junk in JUNK if not isinstance(junk, int)] == [""] * sum(
            not isinstance(junk, int) for junk in JUNK
        )


def test_places_amounts_and_growth():
    assert place("Boston", None, "N/A", "United States") == "Boston, United States"
    assert place("Singapore", "Singapore") == "Singapore"
    junk: list[object] = [5, 1.5, "$1M-$10M", 0, -1, True, "N/A", None, []]
    assert [amount(value) for value in junk] == [*(5, 1.5, "$1M-$10M", None, None, None, None, None, None)]
    assert [growth(value) for value in (0.0107, -0.5, 0, 12.3, -2, True, "0.1", None)] == [
        *(1.07, -50.0, 0, None, None, None, None, None)
    ]


def test_who_is_unknown():
    assert is_miss(answer({}, status=404))
    assert is_miss(answer(b" ", status=404))
    assert is_miss(answer(b"", status=204))
    assert not is_miss(answer({}))
    with pytest.raises(PayloadChanged):
        is_miss(answer(b"<html>", status=404))


@pytest.mark.parametrize(
    "url", ["", "https://[", "https://x.example/?domain=zenith.example", "dns:acme.example"]
)
def test_no_confidence_without_an_alias(url):
    assert confidence(answer({}, url=url), "domain", ["acme.example", None, 5]) is None
    assert confidence(answer({}, url=url), "domain", "acme.example") is None


def test_a_bulk_answer_is_cut_or_left_whole():
    asked = [{"domain": "a.example"}, {"domain": "b.example"}]
    bulk = answer([1, None], url="https://x.example/bulk", headers={"date": "now"})
    first, second = cut(bulk, asked, lambda body: body)
    assert (json.loads(first.body), first.url) == (1, "https://x.example/bulk?domain=a.example")
    assert (json.loads(second.body), second.headers) == (None, {"date": "now"})
    for whole in (answer([1]), answer(b"["), answer([1, 2], status=500)):
        assert cut(whole, asked, lambda body: body) == [whole, whole]
    assert cut(bulk, asked, lambda body: None) == [bulk, bulk]


def test_questions_that_cannot_be_asked_are_told_why():
    def question(subject: Subject) -> dict[str, str]:
        return {"domain": subject.domain} if subject.domain else {}

    def echo(asked):
        return [Payload(status=200, body=one["domain"].encode()) for one in asked]

    call = ask(Subject(domain="a.example"), Subject(name="B"), Subject(domain="c.example"))
    first, second, third = (
        each for each in ask_those(call, question, echo, "needs a domain") if isinstance(each, Payload)
    )
    assert (first.body, third.body) == (b"a.example", b"c.example")
    refuse_unasked(first)
    with pytest.raises(NotAllowed, match="needs a domain"):
        refuse_unasked(second)
    with pytest.raises(NotAllowed, match="needs a domain"):
        ask_those(ask(Subject(name="B")), question, echo, "needs a domain")

    def fail(asked):
        raise RateLimited("pause")

    with pytest.raises(RateLimited):
        ask_those(call, question, fail, "needs a domain")
