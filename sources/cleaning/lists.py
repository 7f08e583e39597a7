"""Lists: JSON arrays and separated text → distinct texts in their first spelling."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from sources.cleaning.scalars import text_of
from sources.cleaning.text import Refused, cut, is_blank_word, plain, quote

MAX_ITEMS, MAX_ITEM = 500, 200
"""Most items of a list, and most characters of an item; more is cut."""

_MAX_SOURCE = 200_000
_SEPARATORS = (re.compile(r"[\r\n\u2028\u2029]+"), re.compile(";"), re.compile(r"\|"), re.compile(","))


def items(raw: Any) -> list[str]:
    """The distinct items of a list, a JSON array as text, or text separated by lines, `;`, `|`, else commas.

    Blank items are left out; of items that differ only in case the first stays. Raises Refused when an item is
    itself a list or a mapping.
    """
    if isinstance(raw, str):
        raw = _split(raw)
    elif not isinstance(raw, list | tuple):
        raw = [raw]
    found: dict[str, str] = {}
    for item in _texts(raw):
        found.setdefault(item.casefold(), item)
        if len(found) == MAX_ITEMS:
            break
    return list(found.values())


def _texts(raw: Iterable[Any]) -> Iterable[str]:
    for item in raw:
        if item is None:
            continue
        text = plain(item[: MAX_ITEM * 20] if isinstance(item, str) else text_of(item))
        if not is_blank_word(text):
            yield cut(text, MAX_ITEM)


def _split(text: str) -> list[Any]:
    if len(text) > _MAX_SOURCE:
        raise Refused(f"{quote(text)} is over {_MAX_SOURCE} characters, too long for a list")
    text = text.strip("\ufeff \t\r\n")
    if text.startswith("[") and text.endswith("]"):
        try:
            return list(json.loads(text))
        except (ValueError, RecursionError):
            pass  # brackets of plain text
    for separator in _SEPARATORS:
        if separator.search(text):
            return separator.split(text)
    return [text]
