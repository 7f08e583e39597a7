"""How alike a wanted and a found company are: one probability, and reasons in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from sources.identity import model
from sources.identity.evidence import (
    FEATURES,
    STRUCTURE,
    Facts,
    Name,
    evidence,
    in_company,
    initials,
    stem_of,
    take_apart,
    worth,
)
from sources.identity.names import name_key

_SHORT = 4
_DOUBLED = re.compile(r"(.)\1+")
_LONG = 8
_DIGITS = re.compile(r"\d+")
_ALIKE_ENOUGH = 0.5
_ONE_NAME = 0.85  # two spellings of one name, whatever words a slip made of it
_RELATED = 0.6
_SPEAKING = 0.5  # what shared words must be worth to relate two names

UNRELATED = "the domain is the same, the names have nothing in common"

_MODEL = model.load(FEATURES)


def probabilities(asked: Facts, found: Sequence[Facts]) -> list[float]:
    """How probable it is, 0 to 1, that each of `found` is the asked company, given that the others are there too."""
    if not found:
        return []
    return [_MODEL.probability(pair) for pair in in_company([evidence(asked, facts) for facts in found])]


class Finding(NamedTuple):
    """What a pair amounts to, beside its probability.

    strategy  domain, name+location, name or fuzzy: what the pair agrees in
    likeness  how alike the names are, 0 to 1; 1: the same but for legal forms, "and" and "group"
    reasons   what agrees and what differs, in short sentences
    caution   why a person has to look however high the probability is, or ""
    """

    strategy: str
    likeness: float
    reasons: tuple[str, ...]
    caution: str


def _is_slip(a: str, f: str) -> bool:
    """True when a finger slipped: a letter doubled or two swapped. One lost, added or changed may be another name."""
    if _DOUBLED.sub(r"\1", a) == _DOUBLED.sub(r"\1", f):
        return True
    return sorted(a) == sorted(f) and OSA.distance(a, f) == 1


def are_spellings(mine: str, theirs: str) -> bool:
    """Whether two names of one list, which nothing else tells apart, are one name.

    They have the same key, or the same two telling words beside "group" or "holding", or a finger slipped in a long
    name.
    """
    a, f = take_apart(name_key(mine)), take_apart(name_key(theirs))
    if a.text == f.text:
        return a.text != ""
    if a.core == f.core:
        return (set(a.words) ^ set(f.words)) <= STRUCTURE and len(set(a.words) - STRUCTURE) > 1
    if min(len(a.core), len(f.core)) < _LONG or a.core[0] != f.core[0]:
        return False
    return _DIGITS.findall(a.core) == _DIGITS.findall(f.core) and _is_slip(a.core, f.core)


def spellings_of(name: str) -> set[str]:
    """The forms of a name under which others are found that `are_spellings` may call the same.

    Its numbers stay in their order: Unit 123 and Unit 321 need not be compared, nor all others of these digits.
    """
    text = take_apart(name_key(name)).core
    return {text, _DOUBLED.sub(r"\1", text), "".join([*sorted(text), *_DIGITS.findall(text)])} - {""}


def _is_named_as_domain(name: Facts, domain: Facts) -> bool:
    """True when the name of one is what stands in the domain of the other: "State Farm" and statefarm.com."""
    stem = stem_of(domain.domain)
    apart = take_apart(name.key)
    return stem != "" and stem in (apart.text, apart.core)


def are_related(asked: Facts, found: Facts) -> bool:
    """Whether the asked name has anything in common with the found one or with the domain of the found company.

    A word, initials, a beginning or a likeness will do; names in other scripts cannot be told to differ.
    """
    mine, theirs, stem = take_apart(asked.key), take_apart(found.key), stem_of(found.domain)
    if not mine.text or not theirs.text or not (mine.text.isascii() and theirs.text.isascii()):
        return True
    if worth(set(mine.words) & set(theirs.words)) >= _SPEAKING:
        return True
    return _resemble(mine, theirs.text) or _resemble(theirs, mine.text) or _resemble(mine, stem)


def _resemble(name: Name, text: str) -> bool:
    """Whether a name and a text without spaces look alike, or one is in the other or made of its initials."""
    if not text:
        return False
    shorts = {initials(name.words), "".join(word[0] for word in name.words)}
    if len(name.words) > 1 and any(len(short) > 1 and text.startswith(short) for short in shorts):
        return True
    if len(name.core) > 2 and (name.core in text or (len(text) > 1 and text in name.text)):
        return True
    return ratio(name.core, text) / 100 >= _RELATED or any(len(w) > 3 and w in text for w in name.words)


def _have_own_words(mine: Name, theirs: Name) -> bool:
    """Whether each of two names has a distinctive word that is nowhere in the other."""
    return all(
        worth(word for word in one.words if word not in other.text) >= _SPEAKING
        for one, other in ((mine, theirs), (theirs, mine))
    )


def describe(asked: Facts, found: Facts, asked_name: str, found_name: str) -> Finding:
    """Put the comparison of `asked` and `found` into words."""
    mine, theirs = take_apart(asked.key), take_apart(found.key)
    a, f = mine.core, theirs.core
    likeness = 1.0 if a and a == f else ratio(mine.text, theirs.text) / 100
    same_city = bool(asked.city) and asked.city == found.city
    same_domain = bool(asked.domain) and asked.domain == found.domain
    same_stem = bool(asked.domain) and stem_of(asked.domain) == stem_of(found.domain)
    named_as_domain = _is_named_as_domain(asked, found) or _is_named_as_domain(found, asked)
    caution = ""
    if same_domain:
        strategy = "domain"
        caution = "" if are_related(asked, found) else UNRELATED
    elif likeness == 1.0:
        strategy = "name+location" if same_city else "name"
    else:
        strategy = "fuzzy"
        if min(len(a), len(f)) <= _SHORT:
            caution = "a short name, spelt differently"
        elif not (same_stem or named_as_domain or _is_slip(a, f)):
            if not same_city:
                caution = "nothing but a similar name agrees"
            elif likeness < _ONE_NAME and _have_own_words(mine, theirs):
                caution = "each name has a word that the other lacks"
    if asked.domain and found.domain and not same_stem:
        caution = "the domain is another one"
    return Finding(strategy, likeness, _explain(asked, found, likeness, asked_name, found_name), caution)


def _explain(
    asked: Facts, found: Facts, likeness: float, asked_name: str, found_name: str
) -> tuple[str, ...]:
    reasons = []
    names = f"{asked_name.strip()} / {found_name}"
    if asked.domain and asked.domain == found.domain:
        reasons.append(f"same domain {found.domain}")
    if asked.key and likeness == 1.0:
        reasons.append(f"same name: {found_name}")
    elif asked.key and likeness >= _ALIKE_ENOUGH:
        reasons.append(f"names {math.floor(likeness * 100)} % alike: {names}")
    elif asked.key:
        reasons.append(f"name differs: {names}")
    if asked.domain and found.domain and asked.domain != found.domain:
        same_stem = stem_of(asked.domain) == stem_of(found.domain)
        words = "domains differ in the ending only" if same_stem else "other domain"
        reasons.append(f"{words}: {found.domain}, not {asked.domain}")
    elif likeness < 1.0 and not asked.domain and _is_named_as_domain(asked, found):
        reasons.append(f"its domain is {found.domain}")
    for word, mine, theirs in (("city", asked.city, found.city), ("country", asked.country, found.country)):
        if mine and theirs and mine == theirs:
            reasons.append(f"same {word}: {theirs.title()}")
        elif mine and theirs:
            reasons.append(f"other {word}: {theirs.title()}, not {mine.title()}")
    return tuple(reasons)
