"""What can be measured of two companies: names, domains and places side by side, as numbers."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import partial_ratio, ratio, token_sort_ratio

from sources.identity.names import fold, squeeze

_DATA = Path(__file__).resolve().parent.parent / "data"
_LINKS = frozenset(
    [
        "of",
        "and",
        "de",
        "du",
        "da",
        "do",
        "des",
        "del",
        "della",
        "la",
        "le",
        "les",
        "el",
        "for",
        "e",
        "y",
        "und",
        "et",
        "di",
        "den",
        "der",
        "das",
        "van",
        "in",
    ]
)


def _read_word_weights() -> dict[str, float]:
    """Common words of company names with what sharing them is worth: 0.1 ("group") to almost 1 (rare words)."""
    with (_DATA / "common_words.csv").open(encoding="utf-8", newline="") as file:
        counts = {row["word"]: float(row["per_10000_names"]) for row in csv.DictReader(file)}
    return {word: max(0.1, min(1.0, 1.0 - math.log(1 + count / 4) / 5)) for word, count in counts.items()}


_WORTH = _read_word_weights()


class Facts(NamedTuple):
    """One company as it is compared: name key (folded), domain (registrable), city and country (folded)."""

    key: str
    domain: str = ""
    city: str = ""
    country: str = ""


class Name(NamedTuple):
    """A name key taken apart.

    words   its words, in order
    text    the words written together
    core    the words that tell companies apart, written together
    worth   what its words are worth, see `worth`
    """

    words: list[str]
    text: str
    core: str
    worth: float


@lru_cache(maxsize=4096)
def take_apart(key: str) -> Name:
    """The name of a key; the asked one is taken apart once for all it is compared with."""
    words = key.split()
    return Name(words, squeeze(key), core(words), worth(words))


_SAINT = re.compile(r"^st ")


@lru_cache(maxsize=16384)
def fold_place(text: str) -> str:
    """A city or country folded; "New York City" is "new york", "St. Paul" is "saint paul"."""
    folded = fold(text) if text else ""
    return _SAINT.sub("saint ", folded.removesuffix(" city"))


def worth(words: Iterable[str]) -> float:
    """What sharing these words says: the sum of their weights, a rare word counting 1."""
    total = 0.0
    for word in words:
        total += _WORTH.get(word, 1.0)
    return total


def initials(words: Sequence[str]) -> str:
    """First letters of the words that are not mere links ("of", "and")."""
    return "".join(word[0] for word in words if word not in _LINKS)


def stem_of(domain: str) -> str:
    """The name in a registrable domain: `acme` of acme.co.uk, without hyphens."""
    return domain.partition(".")[0].replace("-", "")


def core(words: Sequence[str]) -> str:
    """The words that tell companies apart, written together: without "and", "group" and misspelt legal forms."""
    strong = [word for word in words if word not in _WEAK]
    if len(strong) > 1 and strong[-1] in _MISSPELT:
        strong.pop()
    if len(strong) > 1 and strong[0] in _MISSPELT_THE:
        del strong[0]
    return "".join(strong or words)


def _misspellings(word: str) -> set[str]:
    """`word` with one letter left out, doubled, or swapped with the next."""
    places = range(len(word))
    return (
        {word[:i] + word[i + 1 :] for i in places}
        | {word[:i] + word[i] + word[i:] for i in places}
        | {word[:i] + word[i + 1 : i + 2] + word[i : i + 1] + word[i + 2 :] for i in places}
    ) - {word}


STRUCTURE = frozenset(
    [
        "and",
        "group",
        "groupe",
        "grupo",
        "gruppe",
        "gruppo",
        "holding",
        "holdings",
        "company",
        "companies",
        "corporation",
        "corp",
        "inc",
        "limited",
        "ltd",
        "co",
    ]
)
"""Words for how a company is made up: two that differ in them alone may be one, if nothing else speaks against it."""
_WEAK = STRUCTURE | {"international", "global", "worldwide"}
"""Words that a name may have or lack without being another name."""
_FORMS = [
    "inc",
    "ltd",
    "llc",
    "plc",
    "gmbh",
    "corp",
    "limited",
    "company",
    "group",
    "incorporated",
    "corporation",
    "holding",
    "holdings",
]
_MISSPELT = frozenset().union(*map(_misspellings, _FORMS)) - {"in", "lt", "ll", "pl", "cor"}
_MISSPELT_THE = frozenset({"teh", "hte", "th", "thhe", "tthe", "thee"})

FEATURES = (
    # names
    "alike", "edits", "few_edits", "start_alike", "same_key", "same_words", "covers_asked", "covers_found",
    "words_alike", "prefix", "partial", "initials", "core_alike", "core_same", "core_edits", "shortest", "longest",
    "numbers_other", "first_letter", "asked_worth", "found_worth", "missing_worth",
    # domains
    "stem_alike", "stem_same", "domain_same", "domain_other",
    # places
    "city_same", "city_other", "country_other", "alike_in_city", "covers_in_city",
    # the other candidates
    "ahead", "ahead_in_city", "namesakes",
)  # fmt: skip
"""What `evidence` measures of a pair, then what `in_company` adds."""
_ALIKE, _SAME, _CITY = (FEATURES.index(name) for name in ("core_alike", "core_same", "city_same"))
_COVERS = FEATURES.index("covers_asked")
_CITY_BONUS = 0.3
_MOST_NAMESAKES = 5
_MOST_WORTH = 4.0


def evidence(asked: Facts, found: Facts) -> list[float]:
    """The features of a pair, each about 0 to 1, in the order of FEATURES but for the last three."""
    mine = take_apart(asked.key)
    names = _compare_names(asked.key, mine, found.key, take_apart(found.key))
    alike, covers = names[_ALIKE], max(names[_COVERS], names[_COVERS + 1])
    return [*names, *_compare_domains(asked, mine, found), *_compare_places(asked, found, alike, covers)]


def _compare_names(my_key: str, mine: Name, their_key: str, theirs: Name) -> list[float]:
    a, f = mine.text, theirs.text
    shortest, longest = min(len(a), len(f)), max(len(a), len(f), 1)
    edits = min(OSA.distance(a, f, score_cutoff=6), longest)
    shared = set(mine.words).intersection(theirs.words)
    common = worth(shared) if shared else 0.0
    is_same = a == f
    is_start = shortest > 0 and (a.startswith(f) or f.startswith(a))
    return [
        ratio(a, f) / 100,
        1 - edits / longest,
        max(0.0, 1 - edits / 4),
        JaroWinkler.similarity(a, f),
        is_same,
        not is_same and len(shared) == len(mine.words) == len(theirs.words),
        common / mine.worth if common else 0.0,
        common / theirs.worth if common else 0.0,
        token_sort_ratio(my_key, their_key) / 100,
        shortest / longest if is_start else 0.0,
        partial_ratio(a, f) / 100 if shortest > 3 else 0.0,
        _abbreviates(a, theirs.words) or _abbreviates(f, mine.words),
        ratio(mine.core, theirs.core) / 100,
        mine.core != "" and mine.core == theirs.core,
        max(0.0, 1 - OSA.distance(mine.core, theirs.core, score_cutoff=4) / 4),
        min(shortest, 20) / 20,
        min(longest, 30) / 30,
        _numbers(mine.words) != _numbers(theirs.words),
        a[:1] == f[:1],
        min(mine.worth, _MOST_WORTH) / _MOST_WORTH,
        min(theirs.worth, _MOST_WORTH) / _MOST_WORTH,
        min(mine.worth + theirs.worth - 2 * common, _MOST_WORTH) / _MOST_WORTH,
    ]


def _compare_domains(asked: Facts, mine: Name, found: Facts) -> list[float]:
    """Another ending of the domain (acme.io, acme.com) is neither the same nor another one; it supports the name."""
    if not found.domain:
        return [0.0, 0.0, 0.0, 0.0]
    stem = stem_of(found.domain)
    is_same = asked.domain == found.domain
    is_other = asked.domain != "" and not is_same
    is_stem = stem in (mine.text, mine.core) or mine.text == found.domain.replace(".", "").replace("-", "")
    if is_other and stem == stem_of(asked.domain):
        is_other, is_stem = False, True
    return [max(ratio(mine.text, stem), ratio(mine.core, stem)) / 100, is_stem, is_same, is_other]


def _compare_places(asked: Facts, found: Facts, alike: float, covers: float) -> list[float]:
    is_same = asked.city != "" and asked.city == found.city
    is_other = asked.city != "" and found.city != "" and not is_same
    other_country = asked.country != "" and found.country != "" and asked.country != found.country
    return [is_same, is_other, other_country, alike if is_same else 0.0, covers if is_same else 0.0]


def _numbers(words: Sequence[str]) -> set[str]:
    return {word for word in words if word.isdigit()}


def _abbreviates(text: str, words: Sequence[str]) -> bool:
    """True when `text` is made of the initials of several words."""
    return 2 <= len(text) <= 8 and len(words) > 1 and text in (initials(words), "".join(w[0] for w in words))


def in_company(pairs: Sequence[list[float]]) -> list[list[float]]:
    """The evidence of all candidates of one question, each with how far it is ahead of the best other one.

    The same name says less when several companies have it, and a likeness more when nothing else comes near.
    """
    first, second = _two_best([pair[_ALIKE] for pair in pairs])
    first_near, second_near = _two_best([pair[_ALIKE] + _CITY_BONUS * pair[_CITY] for pair in pairs])
    same = sum(pair[_SAME] for pair in pairs)
    result = []
    for pair in pairs:
        alike, near = pair[_ALIKE], pair[_ALIKE] + _CITY_BONUS * pair[_CITY]
        ahead = alike - (second if alike == first else first)
        ahead_near = near - (second_near if near == first_near else first_near)
        result.append([*pair, ahead, ahead_near, min(same - pair[_SAME], _MOST_NAMESAKES) / _MOST_NAMESAKES])
    return result


def _two_best(values: Sequence[float]) -> tuple[float, float]:
    ranked = sorted(values, reverse=True)
    return ranked[0], ranked[1] if len(ranked) > 1 else 0.0
