"""Company names reduced to what identifies a company: folding, keys, and names that name nobody."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

_FORMS_FILE = Path(__file__).resolve().parent.parent / "data" / "legal_forms.txt"
_LONGEST_NAME = 300

_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "&": " and ",
        "+": " and ",
    }
    | dict.fromkeys("'’‘`´ʼ\u200b\u200c\u200d\ufeff", "")
)
_WORDS = re.compile(r"[^\W_]+")
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?|\b(?:[^\W\d_]/)+[^\W\d_]\b(?!/)")
_SPACED_INITIALS = re.compile(r"(?<!\S)(?:[^\W\d_] ){1,}[^\W\d_](?!\S)")

_TAG_WORDS = (
    "hq|headquarters|main|new|old|duplicate|dup|prospect|customer|lead|partner|vendor|client|inactive|active|"
    "closed|test|do not use|do not contact|dnc|us|usa|uk|eu|emea|apac|latam|anz|na|amer|americas|row|publ|emmea"
)
_TAGS = (
    re.compile(r"\[[^\]]*\]?"),
    re.compile(rf"\((?:\s*(?:{_TAG_WORDS})?\s*|[A-Z0-9.:\- ]{{1,12}})\)\s*$"),
    re.compile(rf"\((?:{_TAG_WORDS})\)", re.I),
    re.compile(rf"\s+[-–—|/]+\s*(?:{_TAG_WORDS})\s*$", re.I),
    re.compile(r"\s+\|\s*\w{1,5}\s*$"),
    re.compile(r"(?<=\w{3})\s*/\s?[A-Z]{2,3}/?\s*$"),
    re.compile(r"\s*(?:/[A-Za-z]{2,3}/|\\[A-Za-z]{2,3}\\)\s*$"),
)

_NOBODY = frozenset(
    [
        "none",
        "null",
        "nan",
        "test",
        "testing",
        "tests",
        "tester",
        "asdf",
        "asdfg",
        "qwerty",
        "qwertz",
        "foobar",
        "unknown",
        "tbd",
        "tba",
        "todo",
        "xxx",
        "xxxx",
        "dummy",
        "sample",
        "example",
        "fake",
        "delete",
        "deleted",
        "blank",
        "various",
        "miscellaneous",
        "noname",
        "nobody",
        "notapplicable",
        "notavailable",
        "notprovided",
        "notknown",
        "unnamed",
        "untitled",
        "undisclosed",
        "selfemployed",
        "unemployed",
        "retired",
        "nocompany",
        "nocompanyname",
        "donotuse",
    ]
)
"""Words that name nobody even with a legal form behind them ("Unknown Company LLC")."""
_NOBODY_BARE = _NOBODY | frozenset(
    [
        "na",
        "nil",
        "foo",
        "bar",
        "total",
        "totals",
        "subtotal",
        "sum",
        "grandtotal",
        "xyz",
        "abc",
        "abcd",
        "demo",
        "duplicate",
        "empty",
        "misc",
        "other",
        "others",
        "self",
        "freelance",
        "freelancer",
        "freelancing",
        "independent",
        "student",
        "homemaker",
        "private",
        "individual",
        "personal",
        "privat",
        "confidential",
        "stealth",
        "startup",
        "stealthstartup",
        "company",
        "companyname",
        "account",
        "accountname",
        "name",
        "customer",
        "client",
        "prospect",
        "organization",
        "organisation",
        "business",
        "mycompany",
        "nocompanyprovided",
        "testcompany",
        "testaccount",
        "testinc",
        "testcorp",
        "abccompany",
        "abccorp",
        "abcinc",
        "xyzcompany",
        "unknowncompany",
        "newaccount",
        "newcompany",
        "tobedetermined",
        "header",
        "footer",
        "privatecompany",
        "privateperson",
        "privatperson",
        "selfowned",
        "ownbusiness",
        "athome",
        "autonomo",
        "independiente",
        "freiberufler",
    ]
)
"""Names that name nobody as they stand; with a legal form they are companies (Total S.A., abc Co., Ltd.)."""
_NOBODY_START = re.compile(
    r"(?:test|dummy|sample) (?:account|company|record|lead|row|data|entry|\d+)\b|(?:tbd|tba|todo)\b|(?:n a|na)(?: n a| na)*$"
)
_REPEATED = re.compile(r"x{2,}|(\w)\1{3,}")
_JOINED_FORM = re.compile(r"[(（](?:주|유|株|有)[)）]")


def fold(text: str) -> str:
    """`text` in lower case without accents and punctuation, `&` as `and`, initials joined, words by one space."""
    text = text[:_LONGEST_NAME]
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
        text = _JOINED_FORM.sub(" ", unicodedata.normalize("NFC", text))
    text = text.casefold()
    if "." in text or "/" in text:
        text = _INITIALS.sub(lambda found: re.sub(r"[./]", "", found[0]), text)
    folded = " ".join(_WORDS.findall(text.translate(_LETTERS)))
    return _SPACED_INITIALS.sub(lambda found: found[0].replace(" ", ""), folded)


def squeeze(text: str) -> str:
    """A folded text without its spaces."""
    return text.replace(" ", "")


def strip_tags(name: str) -> str:
    """`name` without what a CRM or a stock list hung on it: `- HQ`, `| Main`, `[Prospect]`, `(AAPL)`, `/DE/`."""
    if not any(mark in name for mark in "([|/\\-–—"):
        return name
    for tag in _TAGS:
        shorter = tag.sub(" ", name)
        if any(c.isalnum() for c in shorter):
            name = shorter
    return name


def _read_forms() -> tuple[dict[str, list[tuple[str, ...]]], frozenset[str]]:
    """Legal forms of the data file: those at the end by their last word, longest first; those at the start."""
    text = _FORMS_FILE.read_text(encoding="utf-8")
    end, start = (
        [line for line in part.splitlines() if line and not line.startswith("#")]
        for part in text.split("[start]")
    )
    by_last: dict[str, list[tuple[str, ...]]] = {}
    for line in dict.fromkeys(end):
        words = tuple(line.split())
        by_last.setdefault(words[-1], []).append(words)
    for forms in by_last.values():
        forms.sort(key=len, reverse=True)
    return by_last, frozenset(start)


_END_FORMS, _START_FORMS = _read_forms()
_GLUED_FORMS = tuple(
    sorted((f for f in (*_END_FORMS, *_START_FORMS) if not f.isascii()), key=len, reverse=True)
)


def split_form(folded: str) -> tuple[str, str]:
    """A folded name as (name without legal forms, the legal forms); the first is never empty for a name.

    What is left of a name such as "SA" or "Company Limited" is its first word: a form alone is a name.
    """
    words = folded.split()
    taken: list[str] = []
    while len(words) > 1:
        form = next((f for f in _END_FORMS.get(words[-1], ()) if tuple(words[-len(f) :]) == f), None)
        if form is None or len(form) >= len(words):
            break
        taken.append(" ".join(form))
        del words[-len(form) :]
        while len(words) > 1 and words[-1] == "and":
            words.pop()
    while len(words) > 1 and words[0] in _START_FORMS:
        taken.append(words.pop(0))
    if not folded.isascii():
        words = [_without_glued_form(word) for word in words]
    return " ".join(words), " ".join(taken)


def _without_glued_form(word: str) -> str:
    """A word of a script without spaces, without the legal forms written onto it (トヨタ自動車株式会社)."""
    for form in _GLUED_FORMS:
        if len(form) > 2 or ord(form[0]) > 0x2E80:
            word = (word.removesuffix(form) or word).removeprefix(form) or word
    return word


@lru_cache(maxsize=16_384)  # an import asks for each name of its file several times
def name_key(name: str) -> str:
    """The words of `name` that identify the company, folded; equal for spellings of one name.

    Tags, legal forms and "the" are taken off unless nothing else is left; "" only when `name` has no letter or digit.
    """
    folded = fold(strip_tags(name))
    if "the" in folded:
        folded = " ".join(word for word in folded.split() if word != "the") or folded
    return split_form(folded)[0]


def is_junk_name(name: str) -> bool:
    """True when `name` names no company at all: "n/a", "Test Account", "asdf", "Self Employed", "-", "123"."""
    folded = fold(strip_tags(name))
    if not any(c.isalpha() for c in folded):
        return True
    squeezed = squeeze(folded)
    if squeezed in _NOBODY_BARE or _REPEATED.fullmatch(squeezed) or _NOBODY_START.match(folded):
        return True
    return squeeze(split_form(folded)[0]) in _NOBODY
