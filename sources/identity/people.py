"""Names of people compared: order, titles and initials do not matter."""

from __future__ import annotations

from rapidfuzz.fuzz import ratio

from sources.identity.names import fold

_TITLES = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "prof",
        "professor",
        "sir",
        "dame",
        "herr",
        "frau",
        "ing",
        "dipl",
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
        "phd",
        "mba",
        "md",
        "esq",
        "cpa",
        "bsc",
        "msc",
        "ba",
        "ma",
    ]
)
_SAME, _ABBREVIATED, _MISSPELT = 0.95, 0.6, 0.5
_ALIKE = 88


def person_words(name: str) -> tuple[str, ...]:
    """The words of a person's name, folded, without titles, in alphabetical order."""
    words = fold(name).split()
    return tuple(sorted([word for word in words if word not in _TITLES] or words))


def compare_people(mine: str, theirs: str) -> tuple[float, str]:
    """How probable two names are one person's, 0 to 1, and why.

    0.95: the same words. 0.6: one leaves names out or abbreviates them ("J. Roe", "Jane Anna Roe"). 0.5: another
    spelling. Lower values are not told apart.
    """
    a, b = person_words(mine), person_words(theirs)
    names = f"{mine} / {theirs}"
    if not a or not b:
        return 0.0, "no name to compare"
    if a == b:
        return _SAME if len(a) > 1 else _ABBREVIATED, f"same name: {theirs}"
    if _fits(a, b) or _fits(b, a):
        return _ABBREVIATED, f"one name is shorter: {names}"
    alike = ratio(" ".join(a), " ".join(b))
    if alike >= _ALIKE:
        return _MISSPELT, f"names {int(alike)} % alike: {names}"
    return 0.0, f"name differs: {names}"


def _fits(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """True when every word of `short` is a word of `long` or its initial, at least one of them a whole word."""
    left, whole = list(long), 0
    for word in sorted(short, key=len, reverse=True):
        match = (
            word
            if word in left
            else next((other for other in left if len(word) == 1 and other[0] == word), None)
        )
        if match is None:
            return False
        whole += len(word) > 1
        left.remove(match)
    return whole > 0 and len(short) > 1
