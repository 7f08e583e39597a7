"""AI research: pages and answer in, and of the answer only what a page backs word for word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sources.adapters.ai_research import AiResearch
from sources.attributes import BY_SLUG, Attribute, Kind, Type
from sources.contract import Call, Payload, Question, Subject
from sources.errors import (
    AddressRefused,
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Unreachable,
)
from sources.identity import Verdict, compare
from sources.vendors import openai_chat
from sources.vendors.kept_pages import join
from sources.vendors.quotes import cite
from tests.sources.adapters.pages import page
from tests.sources.adapters.paid_apis import KEY, Vendor, cleaned, loopback
from tests.sources.adapters.public_apis import answer, damage, misbehaviour
from tests.sources.servers import reply

SOURCE = AiResearch()
ACME = Subject(name="Acme", domain="acme.example")
PEOPLE = "#:~:text=our%201%2C200%20people%20build%20robots"
"""Where the quote of the headcount leads to on its page."""
NOT_THERE = answer(b"", status=404)
HOME = page(
    "<title>Acme Robotics</title><h1>Robots for\n   warehouses</h1>"
    "<p>Since 2015 our 1,200 people build robots that carry boxes.</p><a href='/about'>About</a>"
)
ABOUT = page(
    "<title>About</title><p>Jane Roe, our chief executive, founded Acme Robotics Inc.</p>"
    "<p>We run on AWS and Kubernetes. Call +1 617 555 0100.</p>",
    url="https://acme.example/about",
)
FACTS: list[dict[str, Any]] = [
    {"attribute": "headcount", "value": "1200", "quote": "our 1,200 people build robots"},
    {"attribute": "founded_year", "value": "2015", "quote": "Since 2015 our 1,200 people"},
    {"attribute": "company_description", "value": "Builds robots.", "quote": "Robots for   warehouses"},
    {"attribute": "ceo_name", "value": "Jane Roe", "quote": "Jane Roe, our chief executive"},
    {"attribute": "tech_stack", "value": "AWS; Kubernetes; React", "quote": "We run on AWS and Kubernetes."},
    {"attribute": "phone", "value": "+16175550100", "quote": "Call +1 617 555 0100"},
]


def completion(content: Any, *, status: int = 200, reason: str = "stop", refusal: Any = None) -> Payload:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return answer({"choices": [{"message": message, "finish_reason": reason}]}, status=status)


def kept(said: Payload, *pages: Payload) -> Payload:
    """What `fetch` makes of pages and an answer."""
    body = said.body.decode("utf-8", "replace")
    return join(pages or [HOME, ABOUT], answer={"status": said.status, "headers": {}, "body": body})


def stated(*facts: Any, **custom: Attribute) -> dict[str, Any]:
    findings = SOURCE.parse(kept(completion(json.dumps({"facts": facts}))), custom)
    return {claim.attribute: claim.value for finding in findings for claim in finding.claims}


def fact(attribute: str, value: Any, quote: Any) -> dict[str, Any]:
    return {"attribute": attribute, "value": value, "quote": quote}


class Web(Vendor):
    """A vendor for what is posted, and a site from memory for what is got."""

    def __init__(self, pages: Mapping[str, Payload | Exception], *answers: Payload) -> None:
        super().__init__(*answers)
        self.pages = pages

    def get(self, url: str, *, params: Any = None, headers: Any = None) -> Payload:
        found = self.pages.get(url, NOT_THERE)
        if isinstance(found, Exception):
            raise found
        return Payload(status=found.status, body=found.body, url=url, headers=found.headers)


SITE = {"https://acme.example/": HOME, "https://acme.example/about": ABOUT}


def fetched(
    web: Vendor,
    firecrawl: str = "",
    wanted: Mapping[str, Attribute] | None = None,
    subject: Subject = ACME,
    **settings: Any,
) -> Payload:
    keys = {"FIRECRAWL_API_KEY": firecrawl} if firecrawl else {}
    call = Call(
        questions=[Question(subject=subject)], wanted=wanted or {}, settings=settings, key=KEY, keys=keys
    )
    (payload,) = SOURCE.fetch(call, web)
    assert isinstance(payload, Payload)
    return payload


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


def firecrawled(shared: Path, name: str, status: int = 200) -> Payload:
    return Payload(status=status, body=(shared / "payloads/firecrawl" / name).read_bytes())


@pytest.mark.parametrize(("name", "status"), [("error_401.json", 401), ("error_402.json", 402)])
def test_firecrawl_that_refuses_us_is_the_answer(shared, name, status):
    web = Web({}, firecrawled(shared, name, status))
    payload = fetched(web, firecrawl="fc-1")
    assert len(web.requests) == 1
    with pytest.raises(SourceRefused):
        SOURCE.parse(payload, {})


def test_a_documented_page_of_firecrawl(shared):
    facts = [fact("company_description", "Launches weekly", "[💥 Get 2 months free...")]
    web = Web({}, firecrawled(shared, "scrape_base_output.json"), completion(json.dumps({"facts": facts})))
    (finding,) = SOURCE.parse(fetched(web, firecrawl="fc-1"), {})
    assert finding.claims[0].references[0].partition("#")[0] == "https://firecrawl.dev"
    assert finding.subject.domain == "firecrawl.dev"
    scraped, asked = web.requests
    assert scraped.url == "https://api.firecrawl.dev/v2/scrape"
    assert scraped.headers == {"Authorization": "Bearer fc-1"}
    assert scraped.json["url"] == "https://acme.example/"
    assert "Launch Week I is here!" in asked.json["messages"][1]["content"]


@pytest.mark.parametrize(
    "name",
    [
        "extract_base_output.json",
        "batch-scrape_base_async-output.json",
        "map_base_output.json.txt",
        "search_base_output.json.txt",
        "scrape_json_base_output.json.txt",
    ],
)
def test_other_answers_of_firecrawl_are_no_page(shared, name):
    with pytest.raises(PayloadChanged):
        fetched(Web({}, firecrawled(shared, name)), firecrawl="fc-1")
    with pytest.raises(PayloadChanged):
        SOURCE.parse(firecrawled(shared, name), {})


def scraped(markdown: str, status: int = 200, **more: Any) -> Payload:
    metadata = {"sourceURL": "https://acme.example/", "statusCode": status}
    return answer({"success": True, "data": {"markdown": markdown, "metadata": metadata} | more})


def test_pages_that_firecrawl_finds_links_to_are_read_too():
    home = scraped("# Acme", links=["https://acme.example/contact", "/about", 3])
    about = scraped("our 1,200 people build robots", metadata={"url": "https://acme.example/about"})
    said = completion(json.dumps({"facts": FACTS[:1]}))
    web = Web({}, home, about, answer({}, status=500), said)
    (finding,) = SOURCE.parse(fetched(web, firecrawl="fc-1", firecrawl_url="https://own.example/v2/"), {})
    assert finding.claims[0].references == (f"https://acme.example/about{PEOPLE}",)
    assert [request.json.get("url") for request in web.requests] == [
        "https://acme.example/",
        "https://acme.example/about",
        "https://acme.example/contact",
        None,
    ]
    assert {request.url for request in web.requests[:3]} == {"https://own.example/v2/scrape"}


def test_a_page_error_inside_firecrawls_200_is_no_page():
    with pytest.raises(NotAllowed):
        fetched(Web({}, scraped("Not found", status=404)), firecrawl="fc-1")


@pytest.mark.parametrize(
    "trouble",
    [
        {"https://acme.example/": page("Forbidden", status=403)},
        {"https://acme.example/": page("<title>This domain is for sale</title>")},
        {"https://acme.example/robots.txt": answer(b"User-agent: *\nDisallow: /")},
        {"https://acme.example/robots.txt": answer(b"", status=503)},
        {"https://acme.example/robots.txt": AddressRefused("inner")},
        {
            f"{origin}/robots.txt": Unreachable("nobody")
            for origin in ("https://acme.example", "https://www.acme.example", "http://acme.example")
        },
    ],
    ids=["forbidden", "parked", "robots", "busy", "inner", "nobody"],
)
def test_a_site_that_cannot_be_read_is_no_trouble_of_the_model(trouble):
    web = Web(trouble, completion("{}"))
    with pytest.raises(NotAllowed):
        fetched(web)
    assert web.requests == []


def test_redirects_of_a_site_are_followed():
    moved = answer(b"", status=301, headers={"location": "https://www.acme.example/"})
    pages = {
        "https://acme.example/robots.txt": NOT_THERE,
        "https://acme.example/": moved,
        "https://www.acme.example/": HOME,
    }
    (finding,) = SOURCE.parse(fetched(Web(pages, completion(json.dumps({"facts": FACTS[:1]})))), {})
    assert finding.claims[0].references == (f"https://www.acme.example/{PEOPLE}",)


def test_redirects_without_end_are_given_up():
    loop = answer(b"", status=302, headers={"location": "/"})
    with pytest.raises(NotAllowed, match="redirects"):
        fetched(Web({"https://acme.example/": loop}, completion("{}")))


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
