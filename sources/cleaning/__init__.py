"""Text from spreadsheets, vendors and web pages → a typed value, or a refusal in one clear sentence.

The rules stand in one module for each kind of value; `clean` picks the one an attribute's type asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from sources.cleaning.countries import country
from sources.cleaning.dates import day, year
from sources.cleaning.keys import domain, domain_of_email, email, url
from sources.cleaning.linkedin import linkedin_url
from sources.cleaning.lists import items
from sources.cleaning.numbers import decimal, integer, money, percent
from sources.cleaning.phones import phone
from sources.cleaning.ranges import dollar_range
from sources.cleaning.scalars import scalar, text_of
from sources.cleaning.shared_hosts import FREE_MAIL, is_free_mail, is_shared_host
from sources.cleaning.stages import stage
from sources.cleaning.text import MAX_TEXT, Refused, cut, is_blank, is_blank_word, plain, quote

__all__ = [
    "FREE_MAIL",
    "Refused",
    "Value",
    "clean",
    "country",
    "domain",
    "domain_of_email",
    "email",
    "is_blank",
    "is_free_mail",
    "is_shared_host",
    "linkedin_url",
    "plain",
    "url",
]

Value = str | int | float | bool | list[str]
"""What is stored: JSON, never NaN or infinite, integers within 64 bits."""

_MAX_RAW = 2 * MAX_TEXT
_YES = frozenset(("yes", "y", "true", "t", "1", "1.0", "on"))
_NO = frozenset(("no", "n", "false", "f", "0", "0.0", "-0", "-0.0", "off"))


class Typed(Protocol):
    """What `clean` needs to know of an attribute; `sources.attributes.Attribute` is one."""

    @property
    def slug(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def unit(self) -> str: ...


def clean(attribute: Typed, raw: Any) -> Value | None:
    """The canonical value of `raw` for the attribute's type; None when `raw` is blank; raises Refused.

    Text over 10,000 characters is cut at a word. Mappings are refused for every type, lists for all but lists.
    """
    kind = attribute.type
    if kind == "list":
        return None if raw in (None, {}) else items(raw) or None
    if isinstance(raw, str):
        raw = plain(raw if len(raw) <= _MAX_RAW else raw[:_MAX_RAW])
        if is_blank_word(raw):
            return None
    elif is_blank(raw):
        return None
    else:
        raw = scalar(raw)
    if isinstance(raw, bool) and kind not in ("boolean", "text"):
        raise Refused(f"'{raw}' is yes or no, where {_ARTICLES.get(kind, 'a ' + kind)} is wanted")
    value = _READERS[kind](raw, attribute)
    return None if value == "" else value


def _read_text(raw: Any, attribute: Typed) -> str:
    if isinstance(raw, str):
        return raw if len(raw) <= MAX_TEXT else cut(raw, MAX_TEXT)
    return text_of(raw)


def _read_boolean(raw: Any, attribute: Typed) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise Refused(f"{quote(raw)} is neither yes nor no")


def _read_link(raw: Any, attribute: Typed) -> str:
    return linkedin_url(text_of(raw)) if "linkedin" in attribute.slug else url(text_of(raw))


_ARTICLES = {"integer": "an integer", "email": "an e-mail address", "url": "a link"}

_READERS: dict[str, Callable[[Any, Typed], Value]] = {
    "text": _read_text,
    "integer": lambda raw, attribute: integer(raw, attribute.unit),
    "decimal": lambda raw, attribute: decimal(raw),
    "percent": lambda raw, attribute: percent(raw),
    "money": lambda raw, attribute: money(raw),
    "range": lambda raw, attribute: dollar_range(raw),
    "date": lambda raw, attribute: day(raw),
    "year": lambda raw, attribute: year(raw),
    "stage": lambda raw, attribute: stage(text_of(raw)),
    "url": _read_link,
    "domain": lambda raw, attribute: domain(text_of(raw)),
    "email": lambda raw, attribute: email(text_of(raw)),
    "phone": lambda raw, attribute: phone(text_of(raw)),
    "country": lambda raw, attribute: country(text_of(raw)),
    "boolean": _read_boolean,
}
