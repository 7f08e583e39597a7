"""Firecrawl: pages read by its browsers, as Markdown. Shape: docs.firecrawl.dev, API v2, `POST /scrape`."""

from __future__ import annotations

from sources.contract import Http, Payload
from sources.errors import PayloadChanged, SourceError
from sources.vendors.json_answers import mapping, raise_for_status, read_object, text, texts
from sources.vendors.web_page import MAX_BODY, Page

BASE_URL = "https://api.firecrawl.dev/v2"
MARKDOWN = "text/markdown"


def scrape(http: Http, key: str, base_url: str, url: str) -> Payload:
    """Firecrawl's answer about the page at `url`."""
    question = {"url": url, "formats": ["markdown", "links"], "onlyMainContent": False}
    return http.post(f"{base_url}/scrape", json=question, headers={"Authorization": f"Bearer {key}"})


def page(payload: Payload, url: str) -> tuple[Payload, Page]:
    """The page at `url` as a payload of its own, with its links; raises SourceError.

    The payload has the status and the address that the site answered with, Firecrawl's own are another matter.
    """
    raise_for_status(payload)
    answer = read_object(payload, "success")
    data, said = mapping(answer.get("data")), mapping(mapping(answer.get("data")).get("metadata"))
    markdown, status = data.get("markdown"), said.get("statusCode", 200)
    if answer["success"] is not True or not isinstance(markdown, str) or not isinstance(status, int):
        raise PayloadChanged("Firecrawl's answer is no page")
    where = text(said.get("url")) or text(said.get("sourceURL")) or url
    body = markdown.encode("utf-8", "replace")[:MAX_BODY]
    found = Payload(status=status, body=body, url=where, headers={"content-type": MARKDOWN})
    links = tuple(texts(data.get("links")))
    return found, Page(title=text(said.get("title")), meta={}, links=links, structured=(), text="")


def try_page(payload: Payload, url: str) -> Payload | None:
    """The page as `page`, None when there is none to read."""
    try:
        found, _ = page(payload, url)
    except SourceError:
        return None
    return found if found.status == 200 and found.body.strip() else None
