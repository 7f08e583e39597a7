"""Countries: ISO 3166 codes, English and native names → one English short name."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache

from sources.cleaning.shared_hosts import DATA
from sources.cleaning.text import Refused, is_blank_word, plain, quote

# Official names say the form of government. "Democratic" is not among its words: it tells two Koreas apart.
_FORM = re.compile(
    r"(?:the )?(?:(?:federal|federative|islamic|socialist|hashemite|plurinational|bolivarian|eastern|independent|grand) )?"
    r"(?:republic|kingdom|state|commonwealth|principality|sultanate|duchy|union) of (?:the )?"
)


@lru_cache(maxsize=1024)
def country(text: str) -> str:
    """The English short name of the country: "USA", "us", "U.S." → "United States"; "" when blank.

    A code of two letters is a country, never a state of the USA ("CA" is Canada). Raises Refused when unknown.
    """
    shown = plain(text[:201])
    if is_blank_word(shown):
        return ""
    key = _key(shown)
    names = _names()
    found = names.get(key) or names.get(key.removeprefix("the ")) or names.get(_FORM.sub("", key, count=1))
    if not found:
        raise Refused(f"{quote(shown)} is not a country: write its English name or ISO code")
    return found


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for form in (row["code"], row["code3"], row["name"], *row["other_names"].split("|")):
                if form:
                    names[_key(form)] = row["name"]
    return names


def _key(text: str) -> str:
    """Words in lower case without accents and dots; "&" is "and", "St" is "saint"."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    for mark in ".'’":
        bare = bare.replace(mark, "")
    words = "".join(c if c.isalnum() else " " for c in bare.replace("&", " and ")).split()
    return " ".join("saint" if word == "st" else word for word in words)
