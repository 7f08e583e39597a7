"""A web page → its title, descriptions, links, structured data and visible text."""

from __future__ import annotations

import html
from dataclasses import dataclass

from sources.cleaning import plain
from sources.vendors.charset import decode
from sources.vendors.markup import MAX_VALUE, read_attributes, read_tags

MAX_BODY = 1_500_000
MAX_LINKS = 5_000
MAX_SCRIPTS = 50
MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says: texts are plain (one line, no control characters) and cut at MAX_VALUE.

    `meta` holds the content of meta tags by name or property in lower case, the first of each.
    `links` are the targets of `<a>` as written; `structured` the raw texts of JSON-LD scripts;
    `text` the start of the visible text.
    """

    title: str = ""
    meta: dict[str, str]
    links: tuple[str, ...]
    structured: tuple[str, ...]
    text: str


def read_page(body: bytes, content_type: str = "") -> Page:
    """Read the first MAX_BODY bytes of a page; never raises, whatever they are."""
    title: str | None = None
    meta: dict[str, str] = {}
    links: list[str] = []
    structured: list[str] = []
    text: list[str] = []
    room, drawings = MAX_TEXT, 0
    for tag in read_tags(decode(body[:MAX_BODY], content_type)):
        if room > 0 and tag.before:
            text.append(tag.before[:room])
            room -= len(tag.before)
        if tag.name == "svg":
            drawings = max(0, drawings + (-1 if tag.closes else 1))
        elif tag.closes:
            continue
        elif tag.name == "title" and title is None and not drawings:
            title = _text(tag.inside)
        elif tag.name == "meta":
            _add_meta(meta, read_attributes(tag.attributes))
        elif tag.name == "a" and len(links) < MAX_LINKS:
            links.append(read_attributes(tag.attributes).get("href", ""))
        elif tag.name == "script" and len(structured) < MAX_SCRIPTS:
            kind = read_attributes(tag.attributes).get("type", "")
            if kind.partition(";")[0].strip().lower() == "application/ld+json":
                structured.append(tag.inside)
    return Page(
        title=title or "",
        meta=meta,
        links=tuple(link for link in links if link),
        structured=tuple(structured),
        text=_text(" ".join(text), MAX_TEXT),
    )


def _add_meta(meta: dict[str, str], attributes: dict[str, str]) -> None:
    content = plain(attributes.get("content", ""))
    for key in ("property", "name", "itemprop"):
        if content and (name := attributes.get(key, "").strip().lower()):
            meta.setdefault(name[:100], content)


def _text(source: str, most: int = MAX_VALUE) -> str:
    return plain(html.unescape(source[:most]))
