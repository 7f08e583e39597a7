"""Cells of files that go out: no spreadsheet may take a text for a formula, and nothing is lost by that.

The rule of reliability.md §4.3, made reversible: a text whose first sign, after what spreadsheets skip,
begins a formula gets one `'` in front, and so does a text that already begins that way behind a `'`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_SKIPPED = "\\s\"',;\ufeff\u200b-\u200f\u2028-\u202f\u2060-\u2064\u00ad"
"""What may stand before a formula: blanks, invisible signs, and quotes or delimiters that may break a cell."""

_STARTS = "=+\\-@|\uff1d\uff0b\uff0d\uff20\uff5c\u2212"
"""What begins a formula or a command, full-width forms too."""

_DANGEROUS = re.compile(f"[{_SKIPPED}]*[\\t\\r\\n\\0{_STARTS}]")


def escape_cell(text: str) -> str:
    """The text as a CSV cell that opens as text."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def unescape_cell(text: str) -> str:
    """The text that `escape_cell` was given: exactly one `'` less where it had put one."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text[1:]) else text


def join(items: Iterable[object]) -> str:
    """A list in one cell, such that cleaning reads it back: separated by `; `, or as JSON where an item holds
    a separator."""
    texts = [str(item) for item in items]
    is_clear = not any(sign in text for text in texts for sign in ";|\n\r\u2028\u2029")
    if is_clear and (len(texts) != 1 or "," not in texts[0]):
        return "; ".join(texts)
    return json.dumps(texts, ensure_ascii=False)
