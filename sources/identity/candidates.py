"""An index of known companies, asked by name, domain and place."""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rapidfuzz import process
from rapidfuzz.fuzz import ratio, token_set_ratio

from sources import cleaning
from sources.contract import Subject
from sources.identity.evidence import Facts, core, fold_place, initials, stem_of
from sources.identity.names import name_key, squeeze
from sources.identity.postings import Asked, Crowded, Draft, Postings
from sources.identity.similarity import describe, probabilities
from sources.identity.texts import Texts

Scorer = Callable[..., float]

# How wide to search. Chosen on the labelled rows of `benchmarks.matching`: the company meant is among the rows compared
# for 94 % of the rows whose company is known, with 4.4 rows compared on average.
_LONGEST_TYPO = 14  # letters; longer names share enough letter pieces even when misspelt
_LONG_ENOUGH = 8  # letters from which a near spelling is enough and letter pieces are not asked
_PIECE_BUDGET = 1800  # rows read for the letter pieces of one name
_WORD_ROWS = 120  # a word in more names than that is not rare
_CITY_ROWS = 150
_MOST_SHARED = 40  # rows taken of one spelling or domain
_MOST_NEAR = 30  # rows taken of one spelling with a letter missing
_MOST_SHORT = 60  # rows taken of one abbreviation
_MOST_SHARING = 100  # rows that share two pieces; when there are more, three are wanted
_KEPT = 3  # rows compared for each kind of likeness
_KEPT_BESIDE = 3  # and further ones in the same place
_WORST_RATIO = 40  # per cent
_ALIKE_FOR_DOMAIN = 70  # per cent; from there on a shared domain settles the search
_MOST_NAMES = 4  # names of one question that are searched
_WORST_SCORE = 0.05
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A known company; `aliases` are former and legal names, `domain` is registrable."""

    id: Any
    name: str
    domain: str = ""
    city: str = ""
    country: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known company that may be the one asked for.

    score     probability from 0 to 1 that it is
    strategy  what found it: domain, name+location, name or fuzzy
    reasons   short sentences for people
    likeness  how alike the names are, 0 to 1
    caution   why a person has to look however high the score is, or ""
    """

    id: Any
    score: float
    strategy: str
    reasons: tuple[str, ...]
    likeness: float = 1.0
    caution: str = ""


def spellings(key: str) -> set[str]:
    """A name key in the forms under which it is looked up exactly: without spaces, "and", weak words, order."""
    words = key.split()
    forms = {squeeze(key)}
    if len(words) > 1:
        forms.add("".join(sorted(words)))
        if "and" in words:
            forms.add("".join(word for word in words if word != "and"))
        forms.add(core(words))
    return forms


def shorthands(words: list[str]) -> set[str]:
    """The abbreviations that the initials of several words make."""
    forms = {initials(words), "".join(word[0] for word in words)} if len(words) > 1 else set()
    return {form for form in forms if len(form) > 1}


def _deletions(text: str) -> set[str]:
    """`text` and what is left of it when any one letter is taken out: two texts one edit apart share one of them."""
    if len(text) > _LONGEST_TYPO:
        return set()
    return {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}


def _pieces(text: str) -> Collection[str]:
    """The three-letter pieces of `text`, its ends marked."""
    text = f"^{text}$"
    return dict.fromkeys(text[i : i + 3] for i in range(len(text) - 2))


def _near(city: str, key: str) -> str:
    """A city with the first letter of a name: what a large one is asked with."""
    return f"{city}|{key[:1]}"


def _names_of(subject: Subject) -> Iterable[str]:
    """The names of a subject that are searched."""
    return dict.fromkeys((subject.name, *subject.aliases[: _MOST_NAMES - 1]))


def _asked_spellings(asked: Facts) -> set[str]:
    """The spellings under which a company is asked for exactly."""
    forms = spellings(asked.key)
    words = asked.key.split()
    if len(words) > 1 and words[-1].isdigit():
        forms |= spellings(" ".join(words[:-1]))
    if asked.domain:
        forms.add(stem_of(asked.domain))
    return forms - {""}


def _forms_of_all(subjects: Iterable[Subject]) -> Asked:
    """Every text that a search for `subjects` may look up."""
    forms = Asked()
    for subject in subjects:
        domain, city = clean_domain(subject.domain), fold_place(subject.city)
        for name in _names_of(subject):
            key = name_key(name)
            text, words = squeeze(key), key.split()
            forms.add((domain, text, city, _near(city, text), *words))
            forms.add(_asked_spellings(Facts(key, domain)) | shorthands(words))
            forms.add(_deletions(text) | _deletions(core(words)))
    return forms


def clean_domain(text: str) -> str:
    """The registrable domain that `text` names, or "" when it names no company's own domain."""
    try:
        return cleaning.domain(text) if text else ""
    except cleaning.Refused:
        return ""


class NameIndex:
    """Known companies by every form of their names, their domains and their places.

    One row a name: a company with aliases has several rows. Memory is about 400 bytes a row, and 200 when the
    questions are known before.
    """

    def __init__(self, entries: Iterable[Entry], *, asked: Iterable[Subject] | None = None) -> None:
        """Read `entries` once; the objects are not kept.

        `asked`: the only subjects that will be searched for. The answers are the same, the index is smaller.
        """
        self._ids: list[Any] | array[int] = array("q")
        self._domains = Texts()
        self._cities: list[str] = []
        self._countries: list[str] = []
        self._owners = array("I")
        self._names = Texts()
        self._keys = Texts()
        for entry in entries:
            self._add(entry)
        index = partial(self._index, _forms_of_all(asked) if asked is not None and self._owners else None)
        self._by_piece = Crowded(lambda row: _pieces(self._letters(row)), len(self._keys))
        self._by_typo = index(lambda row: _deletions(self._letters(row)))
        self._by_domain = index(lambda row: (self._domain(row),))
        self._exact = index(self._exact_forms)
        self._by_shorthand = index(lambda row: shorthands(self._keys[row].split()))
        self._by_place = index(self._place_forms)
        self._by_word = index(lambda row: set(self._keys[row].split()))

    def _add(self, entry: Entry) -> None:
        owner = len(self._cities)
        if isinstance(self._ids, array) and type(entry.id) is not int:
            self._ids = self._ids.tolist()
        self._ids.append(entry.id)
        self._domains.append(clean_domain(entry.domain))
        self._cities.append(sys.intern(fold_place(entry.city)))
        self._countries.append(sys.intern(fold_place(entry.country)))
        keys = {name_key(name): name for name in (*reversed(entry.aliases), entry.name)}
        for key, name in reversed(keys.items()):
            self._owners.append(owner)
            self._names.append(name)
            self._keys.append(key)

    def _index(self, asked: Asked | None, forms: Callable[[int], Iterable[str]]) -> Postings:
        draft = Draft()
        for row in range(len(self._keys)):
            draft.add(forms(row) if asked is None else asked.among(forms(row)), row)
        return draft.finish()

    def _domain(self, row: int) -> str:
        return self._domains[self._owners[row]]

    def _exact_forms(self, row: int) -> set[str]:
        forms = spellings(self._keys[row])
        domain = self._domain(row)
        if domain:
            forms |= {stem_of(domain), domain.replace(".", "").replace("-", "")}
        return forms

    def _place_forms(self, row: int) -> tuple[str, ...]:
        city = self._cities[self._owners[row]]
        return (city, _near(city, self._keys[row])) if city else ()

    def __len__(self) -> int:
        """How many companies are known."""
        return len(self._ids)

    def search(self, subject: Subject, *, limit: int = 5) -> list[Candidate]:
        """The companies most like `subject`, best first, at most `limit`; its name, aliases, domain and place count.

        All companies with its domain are among them. Names that name nobody are for the caller (`is_junk_name`).
        """
        best: dict[int, tuple[float, Facts, str, int]] = {}
        domain = clean_domain(subject.domain)
        city, country = fold_place(subject.city), fold_place(subject.country)
        for name in _names_of(subject):
            asked = Facts(name_key(name), domain, city, country)
            pool = [row for row in self.pool(asked) if not self._has_other_numbers(asked, row)]
            rows = self._one_each(asked, pool)
            for row, score in zip(rows, probabilities(asked, [self.facts(row) for row in rows]), strict=True):
                owner = self._owners[row]
                if owner not in best or score > best[owner][0]:
                    best[owner] = score, asked, name, row
        has_domain = {owner for owner in best if domain and self._domains[owner] == domain}
        ranked = sorted(best, key=lambda owner: (-(owner in has_domain), -best[owner][0]))[:limit]
        kept = [owner for owner in ranked if best[owner][0] >= _WORST_SCORE or owner in has_domain]
        return sorted((self._candidate(*best[owner]) for owner in kept), key=lambda found: -found.score)

    def _has_other_numbers(self, asked: Facts, row: int) -> bool:
        """Whether two names differ in their numbers, as "Company 5" and "Company 50", and no domain makes them one."""
        mine, theirs = _NUMBERS.findall(asked.key), _NUMBERS.findall(self._keys[row])
        if not (mine and theirs) or mine == theirs:
            return False
        return not asked.domain or asked.domain != self._domains[self._owners[row]]

    def _one_each(self, asked: Facts, rows: Sequence[int]) -> Sequence[int]:
        """Of several names of one company the most alike: a company is no rival of itself."""
        best: dict[int, int] = {}
        text = squeeze(asked.key)
        for row in rows:
            other = best.setdefault(self._owners[row], row)
            if other != row and ratio(text, self._letters(row)) > ratio(text, self._letters(other)):
                best[self._owners[row]] = row
        return list(best.values())

    def _candidate(self, score: float, asked: Facts, name: str, row: int) -> Candidate:
        strategy, likeness, reasons, caution = describe(asked, self.facts(row), name, self._names[row])
        return Candidate(self.id_of(row), score, strategy, reasons, likeness, caution)

    def _letters(self, row: int) -> str:
        return squeeze(self._keys[row])

    def id_of(self, row: int) -> Any:
        """The id of the company that owns `row`."""
        return self._ids[self._owners[row]]

    def facts(self, row: int) -> Facts:
        """What is known of `row`, ready to compare."""
        owner = self._owners[row]
        return Facts(self._keys[row], self._domains[owner], self._cities[owner], self._countries[owner])

    def pool(self, asked: Facts) -> list[int]:
        """The rows worth comparing with `asked`: those that share a key, else also those that look alike."""
        rows = self._same(asked)
        if not self._is_settled(asked, rows):
            rows |= self._alike(asked)
        return sorted(rows)

    def _same(self, asked: Facts) -> set[int]:
        """Rows that share the domain or a spelling of the name, at most `_MOST_SHARED` of each spelling."""
        rows = set(self._by_domain.rows(asked.domain)[:_MOST_SHARED]) if asked.domain else set()
        for form in _asked_spellings(asked):
            rows.update(self._exact.rows(form)[:_MOST_SHARED])
        return rows

    def _is_settled(self, asked: Facts, rows: set[int]) -> bool:
        """True when one of `rows` agrees so well that looking for similar names is idle."""
        key = squeeze(asked.key)
        for row in rows:
            found = self.facts(row)
            if asked.domain and asked.domain == found.domain:
                if ratio(squeeze(found.key), key) > _ALIKE_FOR_DOMAIN:
                    return True
            elif squeeze(found.key) == key and not asked.domain and asked.city in ("", found.city):
                return True
        return False

    def _alike(self, asked: Facts) -> set[int]:
        """The rows whose names look most like the asked one, of all that share something with it."""
        text = squeeze(asked.key)
        if not text:
            return set()
        rows = sorted(self._sharing(asked, text))
        keys = self._keys.at(rows)
        letters = [squeeze(key) for key in keys]
        kept = self._nearest(text, rows, letters, ratio, asked.city)
        kept |= self._nearest(asked.key, rows, keys, token_set_ratio, asked.city)
        strong = core(asked.key.split())
        if strong != text:
            kept |= self._nearest(strong, rows, letters, ratio, "")
        return kept

    def _nearest(
        self, text: str, rows: Sequence[int], texts: Sequence[str], scorer: Scorer, city: str
    ) -> set[int]:
        """The rows whose text, at the same place in `texts`, is most like `text`, and those of them in `city`."""
        kept: list[int] = []
        beside: list[int] = []
        for _, _, place in process.extract(text, texts, scorer=scorer, limit=None, score_cutoff=_WORST_RATIO):
            if len(kept) < _KEPT:
                kept.append(rows[place])
            elif not city or len(beside) == _KEPT_BESIDE:
                break
            elif self._cities[self._owners[rows[place]]] == city:
                beside.append(rows[place])
        return {*kept, *beside}

    def _sharing(self, asked: Facts, text: str) -> set[int]:
        """The rows that share a near spelling, initials, rare words, rare letter pieces or the place with `asked`."""
        words = asked.key.split()
        rows: set[int] = set()
        for form in _deletions(text) | _deletions(core(words)):
            rows.update(self._by_typo.rows(form)[:_MOST_NEAR])
        near_spelling = len(text) >= _LONG_ENOUGH and bool(rows)
        if len(text) <= _LONG_ENOUGH:
            rows.update(self._by_shorthand.rows(text)[:_MOST_SHORT])
        for form in shorthands(words):
            if len(form) > 2:
                rows.update(self._exact.rows(form)[:_MOST_NEAR])
        for found in sorted((self._by_word.rows(word) for word in dict.fromkeys(words)), key=len)[:2]:
            if len(found) <= _WORD_ROWS:
                rows.update(found)
        if not near_spelling:
            rows.update(self._sharing_pieces(text))
        if asked.city:
            near = self._by_place.rows(asked.city)
            if len(near) > _CITY_ROWS:
                near = self._by_place.rows(_near(asked.city, text))[:_CITY_ROWS]
            rows.update(near)
        return rows

    def _sharing_pieces(self, text: str) -> set[int]:
        """The rows that share most of the rare letter pieces of `text`; the rarest pieces are asked first."""
        once: set[int] = set()
        twice: set[int] = set()
        thrice: set[int] = set()
        left = _PIECE_BUDGET
        for found in sorted((self._by_piece.rows(piece) for piece in _pieces(text)), key=len):
            if len(found) > left and once:
                break
            left -= len(found)
            rows = set(found[:_PIECE_BUDGET])
            thrice |= rows & twice
            twice |= rows & once
            once |= rows
        return twice if len(twice) <= _MOST_SHARING else thrice
