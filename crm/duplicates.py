"""Rows of one file that name the same company or person again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sources.contract import Subject
from sources.identity import (
    Verdict,
    are_spellings,
    compare,
    fold_place,
    is_junk_name,
    name_key,
    person_words,
    spellings_of,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file, reduced to whom it names.

    `company`: of a person, whose employee: ("record", its id) or ("row", the first row that names the company).
    """

    position: int
    subject: Subject
    external_id: str = ""
    external_source: str = ""
    company: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """An earlier row that names the same as this one, and why."""

    first: Row
    strategy: str
    score: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class _Facts:
    """What rows of one name say about their company; mostly one text each, for which a set takes four times as much."""

    domains: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()

    def add(self, other: _Facts) -> None:
        self.domains = _union(self.domains, other.domains)
        self.cities = _union(self.cities, other.cities)
        self.countries = _union(self.countries, other.countries)

    def agree(self, other: _Facts) -> bool:
        """Whether both together can be one company's: one domain, one place."""
        return (
            len(_union(self.domains, other.domains)) < 2
            and len(_union(self.cities, other.cities)) < 2
            and len(_union(self.countries, other.countries)) < 2
        )


def _union(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    if not mine or mine == theirs:
        return theirs
    return tuple(dict.fromkeys(mine + theirs)) if theirs else mine


_Group = tuple[str, str]


class Companies:
    """The companies of a file, each with the first row that names it.

    The same domain is the same company, unless the names have nothing in common. A name is one company as long as all
    rows that have it agree in domain and place; where they do not, only those with the same city as well are.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        """`rows` are all that name a company, in order."""
        self._by_name: dict[_Group, _Facts] = {}
        self._groups_of = {row.position: _groups(row) for row in rows}
        for row in rows:
            for group in self._groups_of[row.position]:
                self._by_name.setdefault(group, _Facts()).add(_facts(row))
        self._by_group: dict[_Group, Row] = {}
        # Rows so far, each with the first of its company.
        self._by_spelling: dict[str, list[tuple[Row, Row]]] = {}
        self._by_domain: dict[str, list[Row]] = {}
        self._known: dict[int, _Facts] = {}  # by position of a first row, what the rows of its company say

    def find(self, row: Row) -> Again | None:
        """The first row of the file that names the company of `row`, None when it is `row` itself."""
        return next(self._found(row), None)

    def note(self, row: Row, first: Row) -> None:
        """`row` has been dealt with: it names the company of `first`, which is itself when it is new."""
        group = self._group(row)
        told = self._by_name[group] if group else _facts(row)
        self._known.setdefault(first.position, _Facts()).add(told)
        if group and group not in self._by_group:
            self._by_group[group] = first
            for spelling in spellings_of(row.subject.name):
                self._by_spelling.setdefault(spelling, []).append((row, first))
        same = self._by_domain.setdefault(row.subject.domain, [])
        if row.subject.domain and first not in same:
            same.append(first)

    def _found(self, row: Row) -> Iterator[Again]:
        subject = row.subject
        for first in self._by_domain.get(subject.domain, ()) if subject.domain else ():
            similar = compare(subject, first.subject)
            other_way = compare(first.subject, subject)  # either may have the domain of somebody else
            if similar.verdict is other_way.verdict is Verdict.CONFIRMED:
                yield Again(first, "domain", similar.score, similar.reasons)
        group = self._group(row)
        if not group:
            return
        same = self._by_group.get(group)
        if same and self._may_be(row, same):
            similar = compare(subject, same.subject)
            yield Again(same, "name", similar.score, similar.reasons)
        yield from self._near(row)

    def _near(self, row: Row) -> Iterator[Again]:
        """Earlier rows whose names are spelt differently."""
        for spelling in spellings_of(row.subject.name):
            for other, first in self._by_spelling.get(spelling, ()):
                if are_spellings(row.subject.name, other.subject.name) and self._may_be(row, first):
                    similar = compare(row.subject, other.subject)
                    yield Again(first, "fuzzy", similar.score, similar.reasons)

    def _may_be(self, row: Row, first: Row) -> bool:
        """Whether neither domain nor place of all rows of the name speaks against the company of `first`."""
        group = self._group(row)
        mine = self._by_name[group] if group else _facts(row)
        return mine.agree(self._known[first.position])

    def _group(self, row: Row) -> _Group | None:
        """The narrowest name under which all rows agree: the name, or the name in that city; None without one."""
        for group in self._groups_of[row.position]:
            if self._by_name[group].agree(_Facts()):
                return group
        return None


def _groups(row: Row) -> list[_Group]:
    key, city = name_key(row.subject.name), fold_place(row.subject.city)
    if not key or is_junk_name(row.subject.name):
        return []
    return [(key, ""), (key, city)] if city else [(key, "")]


def _facts(row: Row) -> _Facts:
    subject = row.subject
    values = subject.domain, fold_place(subject.city), fold_place(subject.country)
    return _Facts(*((value,) if value else () for value in values))


class People:
    """The people of companies: the same name at the same company, unless their addresses differ."""

    def __init__(self, known: Iterable[Row]) -> None:
        """`known` are the contacts on record, each with its company."""
        self._by_name: dict[tuple[tuple[str, int], tuple[str, ...]], list[Row]] = {}
        for row in known:
            self.note(row)

    def find(self, row: Row) -> Row | None:
        """The one person noted before who is `row`; None without one, or when it may be several."""
        key = _person(row)
        noted = self._by_name.get(key, ()) if key else ()
        found = [each for each in noted if _have_same_keys(each, row)]
        return found[0] if len(found) == 1 else None

    def note(self, row: Row) -> None:
        """Keep a person to be found; one who says neither company nor full name never is."""
        if (key := _person(row)) is not None:
            self._by_name.setdefault(key, []).append(row)


def _person(row: Row) -> tuple[tuple[str, int], tuple[str, ...]] | None:
    words = person_words(row.subject.name)
    return (row.company, words) if row.company and len(words) > 1 else None


def _have_same_keys(one: Row, other: Row) -> bool:
    """Whether no address of the two differs."""
    pairs = (
        (one.subject.email, other.subject.email),
        (one.subject.linkedin_url, other.subject.linkedin_url),
    )
    return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)
