"""Text as it may be stored: no invisible, control or broken characters, and what counts as blank."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

MAX_TEXT = 10_000
"""Longest stored text in characters; more is cut at a word and ends with an ellipsis."""


def words(text: str) -> frozenset[str]:
    """The words of `text`, for tables of short words."""
    return frozenset(text.split())


_BLANK = words("""
    - -- --- – — . .. ... … ? ?? n/a n.a. n.a na #n/a #na #ref! #value! #name? #null! #num! #div/0! #error! #spill!
    #calc! #getting_data null (null) <null> nil none (none) undefined unknown (unknown) unspecified undisclosed
    tbd tba (blank) empty \\n [] {}
""") | {"not specified", "not available", "not applicable", "not provided", "not disclosed"}
_LONGEST_BLANK = max(map(len, _BLANK))

# Control characters that are not blanks, format characters (zero width, bidi, tags, soft hyphen), lone
# surrogates, and letters that print as nothing (fillers). Prepended number signs (U+0600 …) are visible and stay.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
_MAX_MARKS = 30  # of UAX 15's stream-safe format; longer runs make normalising quadratic


class Refused(ValueError):
    """The text is not a value of the wanted type; `str(error)` is one sentence that says why."""


def plain(text: str) -> str:
    """`text` in NFC, one line, single blanks, without control, zero-width, bidi and lone surrogate characters.

    Joiners go too: two names that differ only in what cannot be seen are the same name. Runs of more than 30
    combining marks are cut.
    """
    if text.isascii() and text.isprintable():
        if "  " not in text:
            return text.strip()
        return " ".join(text.split())
    text = _UNWANTED.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub(_cut_marks, text))
    return " ".join(text.split())


def _cut_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in run[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def is_blank(raw: Any) -> bool:
    """Whether `raw` says nothing: None, no characters, a word such as "n/a", "-", "#REF!", "unknown", or [].

    "NA" is blank too, also for countries: Namibia is written "Namibia" or "NAM".
    """
    if raw is None:
        return True
    if isinstance(raw, str):
        return is_blank_word(plain(raw)) if len(raw) <= MAX_TEXT else not plain(raw)
    return isinstance(raw, list | tuple | set | frozenset | dict) and not raw


def is_blank_word(text: str) -> bool:
    """`is_blank` for a text that is plain already."""
    return not text or (len(text) <= _LONGEST_BLANK and text.lower() in _BLANK)


def quote(text: Any) -> str:
    """The start of `text` in quotes, for a sentence to a person."""
    shown = plain(str(text)[:200])
    return f"'{shown[:57]}…'" if len(shown) > 60 else f"'{shown}'"


def cut(text: str, most: int) -> str:
    """`text` when it has at most `most` characters, otherwise its start up to a word and an ellipsis."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    word = head.rfind(" ")
    # Normalising again: the cut may part a letter from the marks it was composed with.
    return plain((head[:word] if word > most // 2 else head) + "…")
