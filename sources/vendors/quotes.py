"""Statements with a quote: each is believed only when the quote stands in a page, and the value in the quote.

The text of a page is its title, description and visible text, with every run of white space as one space.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote as encoded

from sources.attributes import Attribute, Type
from sources.cleaning import plain
from sources.contract import Payload
from sources.vendors.charset import decode
from sources.vendors.firecrawl import MARKDOWN
from sources.vendors.json_answers import mappings, text, texts
from sources.vendors.web_page import read_page

MOST_TEXT = 20_000
"""Characters of a page that are shown to a model and searched for quotes."""

_SHORTEST = 8
_LONGEST = 2_000
_WHOLE, _EDGE = 300, 60  # characters of a quote that an address holds, and of each end of a longer one
_NUMBERS = frozenset((Type.INTEGER, Type.YEAR, Type.DECIMAL, Type.PERCENT))
_TO_THE_LETTER = frozenset((Type.EMAIL, Type.DOMAIN))
_NAMES = frozenset(("ceo_name", "legal_name"))


def page_text(page: Payload) -> str:
    """The text of a page, HTML or Markdown, as quotes are looked for in it."""
    kind = page.headers.get("content-type", "")
    if kind.startswith(MARKDOWN):
        return plain(decode(page.body[: 4 * MOST_TEXT], kind))[:MOST_TEXT]
    read = read_page(page.body, kind)
    parts = (read.title, read.meta.get("description", ""), read.text)
    return plain(" ".join(filter(None, parts)))[:MOST_TEXT]


def believed(
    facts: Any, pages: Sequence[tuple[str, str]], attributes: Mapping[str, Attribute]
) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """By attribute the value of the first fact that is backed, of a list the items of all, and where that is said.

    `facts` are objects with attribute, value and quote, `pages` addresses with their texts.
    """
    found: dict[str, tuple[Any, tuple[str, ...]]] = {}
    for fact in mappings(facts)[:200]:
        attribute = attributes.get(text(fact.get("attribute")))
        quote = _quote(fact.get("quote"))
        if attribute is None or not quote or (attribute.slug in found and attribute.type is not Type.LIST):
            continue
        url = next((url for url, shown in pages if quote in shown), "")
        value = _backed(attribute, fact.get("value"), quote)
        if url and value:
            items, cited = found.get(attribute.slug, ([], ()))
            more = [*items, *value] if attribute.type is Type.LIST else value
            found[attribute.slug] = (more, (*cited, cite(url, quote)))
    return found


def cite(url: str, quote: str) -> str:
    """The address of a page that leads to the quote in it (a text fragment: browsers scroll there and mark it)."""
    ends = [quote] if len(quote) <= _WHOLE else [_cut(quote[:_EDGE], 0), _cut(quote[-_EDGE:], 1)]
    return f"{url.partition('#')[0]}#:~:text={','.join(encoded(end, safe='').replace('-', '%2D') for end in ends)}"


def _cut(text: str, side: int) -> str:
    """The beginning (0) or end (1) of a quote without the word that was cut."""
    return (text.rpartition(" ")[0] if side == 0 else text.partition(" ")[2]) or text


def _quote(value: Any) -> str:
    """A quote with its white space as one space each; "" for one that is too short to prove anything, or too long."""
    shown = plain(value[:_LONGEST]) if isinstance(value, str) and len(value) <= _LONGEST else ""
    return shown if len(shown) >= _SHORTEST else ""


def _backed(attribute: Attribute, value: Any, quote: str) -> Any:
    """The value as far as the quote holds it: a number's digits, each item of a list, a name to the letter."""
    said = quote.casefold()
    if attribute.type is Type.LIST:
        items = texts(value) if isinstance(value, list) else [part.strip() for part in text(value).split(";")]
        return [item for item in items if item and item.casefold() in said]
    shown = text(value[0] if isinstance(value, list) and len(value) == 1 else value)
    if attribute.type in _NUMBERS:
        digits = re.sub(r"\D", "", shown)
        return shown if digits and digits in re.sub(r"(?<=\d)[,.' ](?=\d)", "", quote) else ""
    if attribute.type is Type.PHONE:
        return shown if re.sub(r"\D", "", shown) in re.sub(r"\D", "", quote) else ""
    if attribute.type in _TO_THE_LETTER or attribute.slug in _NAMES:
        return shown if shown.casefold() in said else ""
    return shown
