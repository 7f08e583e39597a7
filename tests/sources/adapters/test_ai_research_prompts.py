"""Research by prompts and attributes of a user's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sources.attributes import BY_SLUG, Attribute, Kind, Type
from sources.contract import Call, Question, Subject
from sources.errors import (
    NotAllowed,
)
from tests.sources.adapters.ai_research_samples import (
    ACME,
    FACTS,
    SITE,
    SOURCE,
    Web,
    completion,
    fact,
    fetched,
)
from tests.sources.adapters.pages import page
from tests.sources.adapters.paid_apis import KEY

CARGO = Attribute("cargo", "Cargo", Type.TEXT, frozenset({Kind.ACCOUNT}), description="What it carries")


PEOPLES = Attribute("mood", "Mood", Type.TEXT, frozenset({Kind.CONTACT}))


NEWS = page("<title>News</title><p>May 3: Acme opens a plant in Graz.</p>", url="https://acme.example/press")


def prompted(
    prompt: str, *facts: Any, subject: Subject = ACME, **settings: Any
) -> tuple[Web, dict[str, Any]]:
    """What is asked with a prompt for `cargo` and more, and the values that are believed."""
    wanted = {"cargo": CARGO, "mood": PEOPLES, "name": BY_SLUG["name"], "investors": BY_SLUG["investors"]}
    web = Web(SITE, completion(json.dumps({"facts": facts})))
    attributes = ["cargo", "mood", "name", "investors"]
    payload = fetched(web, wanted=wanted, subject=subject, prompt=prompt, attributes=attributes, **settings)
    found = [claim for each in SOURCE.parse(payload, wanted) for claim in each.claims]
    return web, {claim.attribute: claim.value for claim in found}


def test_a_prompt_is_asked_with_what_is_known_for_its_attributes_alone():
    subject = Subject(name="Acme {{ secret }}", domain="acme.example", known={"headcount": 1200})
    web, values = prompted(
        "Tell what {{ name }} with {{headcount}} people in {{ city }} {{- topic -}}s.", subject=subject, given={"topic": "{{ x }}"},
    )  # fmt: skip
    asked = web.requests[0].json["messages"][1]["content"]
    assert "Tell what Acme {{ secret }} with 1,200 people in unknown {{ x }}s." in asked
    assert "cargo: What it carries" in asked
    fields = web.requests[0].json["response_format"]["json_schema"]["schema"]["properties"]["facts"]["items"]
    assert fields["properties"]["attribute"]["enum"] == ["cargo", "investors"]
    assert values == {}


def test_what_a_prompt_did_not_ask_for_is_not_believed():
    _, values = prompted(
        "Go on.", fact("cargo", "boxes", "robots that carry boxes"), fact("mood", "fine", "robots that carry boxes"),
        fact("name", "Robots", "Robots for warehouses"), FACTS[0],
    )  # fmt: skip
    assert values == {"cargo": "boxes"}


def test_a_prompt_reads_the_news_too():
    home = page("<title>Acme</title><a href='/press'>Press</a>")
    pages = {"https://acme.example/": home, "https://acme.example/press": NEWS}
    told: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"prompt": "Plants?", "attributes": ["cargo"]}, True),
    ]
    for settings, is_read in told:
        web = Web(pages, completion('{"facts": []}'))
        fetched(web, wanted={"cargo": CARGO}, **settings)
        assert ("opens a plant in Graz" in web.requests[0].json["messages"][1]["content"]) is is_read


def test_what_a_prompt_says_of_the_company_belongs_to_the_question():
    source = SOURCE.configured({"prompt": "{{ name }} {{ headcount }} {{ topic }}", "given": {"topic": "t"}})
    subject = Subject(name="Acme", domain="acme.example", known={"headcount": 7})
    assert source.question(subject) == {"domain": "acme.example", "name": "Acme", "headcount": 7}
    assert SOURCE.question(subject) == {"domain": "acme.example"}


@pytest.mark.parametrize(
    "settings",
    [
        {"prompt": "{{ name | upper }}", "attributes": ["cargo"]},
        {"prompt": "{% for a in b %}", "attributes": ["cargo"]},
        {"prompt": "Tell all."},
        {"prompt": "Tell all.", "attributes": ["mood", "domain"]},
    ],
    ids=["filter", "loop", "no attribute", "none of companies"],
)
def test_a_prompt_that_cannot_be_asked_reads_no_page(settings):
    web = Web({"https://acme.example/": AssertionError("read")}, completion("{}"))
    source = SOURCE.configured(settings)
    call = Call(
        questions=[Question(subject=ACME)],
        wanted={"cargo": CARGO, "mood": PEOPLES},
        settings=settings,
        key=KEY,
    )
    with pytest.raises(NotAllowed, match="prompt"):
        source.fetch(call, web)


def test_a_users_own_attributes_are_a_setting():
    configured = SOURCE.configured({"attributes": ["cargo", "headcount", None]})
    assert configured.provides == (*SOURCE.provides, "cargo")
    assert (configured.slug, configured.secret) == (SOURCE.slug, SOURCE.secret)
    assert SOURCE.configured({}).provides == SOURCE.configured({"attributes": 3}).provides == SOURCE.provides
