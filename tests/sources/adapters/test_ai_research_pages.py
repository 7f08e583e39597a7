"""The pages that the model is given: by Firecrawl or fetched by us, with their troubles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sources.contract import Payload
from sources.errors import (
    AddressRefused,
    NotAllowed,
    PayloadChanged,
    SourceRefused,
    Unreachable,
)
from tests.sources.adapters.ai_research_samples import (
    FACTS,
    HOME,
    NOT_THERE,
    PEOPLE,
    SOURCE,
    Web,
    completion,
    fact,
    fetched,
)
from tests.sources.adapters.pages import page
from tests.sources.adapters.public_apis import answer


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
