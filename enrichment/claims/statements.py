"""What each check states about each attribute, and which statements make a segment of equal values.

For a record, source and attribute: order the checks of runs that are not undone, read what each one
claims, merge equal neighbours. An answer that was read anew by a later replay states what it was then read as.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from enrichment import bulk
from enrichment.claims.state import CHECKS, VALUES, canonical, owner_column, recanonical
from sources.attributes import Kind

Pair = tuple[int, int]  # owner, source


@dataclass(slots=True)
class Row:
    """A claim row of a run in whatever state."""

    id: int
    run: int
    value: str
    references: str
    original: str
    lookup: int | None
    superseded: datetime | None = None
    retracted: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the claim stands."""
        return self.superseded is None and self.retracted is None

    def is_of(self, statement: Statement) -> bool:
        """Whether this is the row that a statement wrote."""
        return (self.run, self.lookup, self.value) == (statement.run, statement.lookup, statement.value)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one check says about one attribute; `row` is where that is written."""

    run: int
    at: datetime
    lookup: int | None
    value: str
    references: str
    original: str
    row: int


class Said(NamedTuple):
    """One check as it is read here; `reread` is the lookup that it read anew, 0: an answer as it came."""

    id: int
    run: int
    at: datetime
    lookup: int | None
    asserted: list[Any]
    reread: int = 0


@dataclass
class Told:
    """The claim rows of records by record, source and attribute, and the checks that stand, oldest first."""

    rows: dict[tuple[Pair, str], list[Row]]
    checks: dict[Pair, list[Said]]
    by_id: dict[int, tuple[str, Row]] = field(init=False)

    def __post_init__(self) -> None:
        """Find rows by their id."""
        self.by_id = {row.id: (slug, row) for (_, slug), found in self.rows.items() for row in found}

    def segments(self, pair: Pair, attribute: str) -> Iterator[tuple[Statement, datetime | None]]:
        """The first statement of each run of equal values, and when the next value began."""
        written = {(row.run, row.lookup): row for row in self.rows.get((pair, attribute), ())}
        checks = self.checks.get(pair, ())
        anew = {said.reread: said for said in checks if said.reread}
        firsts: list[Statement] = []
        for said in checks:
            statement = self._statement(attribute, said, written)
            later = anew.get(said.lookup or 0)
            if later and later.id > said.id:
                again = self._statement(attribute, later, written)
                if not (again and statement and again.value == statement.value):
                    statement = again
            if statement and (not firsts or firsts[-1].value != statement.value):
                firsts.append(statement)
        for first, following in pairwise([*firsts, None]):
            if first:
                yield first, following.at if following else None

    def states(self, pair: Pair, attribute: str, said: Said) -> Statement | None:
        """What a check says about an attribute, as it came."""
        written = {(row.run, row.lookup): row for row in self.rows.get((pair, attribute), ())}
        return self._statement(attribute, said, written)

    def _statement(
        self, attribute: str, said: Said, written: Mapping[tuple[int, int | None], Row]
    ) -> Statement | None:
        own = written.get((said.run, said.lookup))
        if own:
            return Statement(said.run, said.at, own.lookup, own.value, own.references, own.original, own.id)
        for entry in said.asserted:
            row_id, *worded = entry if isinstance(entry, list) else (entry,)
            slug, row = self.by_id.get(row_id, ("", None))
            if row and slug == attribute:
                references, original = (
                    (canonical(worded[0]), worded[1]) if worded else (row.references, row.original)
                )
                return Statement(said.run, said.at, said.lookup, row.value, references, original, row.id)
        return None


def read(kind: Kind, ids: Collection[int], *, without_run: int = 0) -> Told:
    """What is told about records; `without_run`: as if that run had been undone."""
    return Told(_rows_of_runs(kind, ids), _standing_checks(kind, ids, without_run))


def _rows_of_runs(kind: Kind, ids: Collection[int]) -> dict[tuple[Pair, str], list[Row]]:
    column = owner_column(kind)
    cast = "::text" if bulk.is_postgres() else ""
    test, param = bulk.any_of(column, ids)
    rows: dict[tuple[Pair, str], list[Row]] = defaultdict(list)
    for owner, source, attribute, *rest in bulk.select(
        f'SELECT {column}, source_id, attribute, id, run_id, value{cast}, "references"{cast}, original, lookup_id, '
        f"superseded_at, retracted_at FROM {VALUES} WHERE {test} AND run_id IS NOT NULL ORDER BY id",
        [param],
    ):
        row_id, run, value, references, original, lookup, superseded, retracted = rest
        rows[(owner, source), attribute].append(
            Row(row_id, run, recanonical(value), recanonical(references), original, lookup,
                bulk.read_optional(superseded), bulk.read_optional(retracted))
        )  # fmt: skip
    return rows


def _standing_checks(kind: Kind, ids: Collection[int], without_run: int) -> dict[Pair, list[Said]]:
    column = owner_column(kind)
    cast = "::text" if bulk.is_postgres() else ""
    test, param = bulk.any_of(f"c.{column}", ids)
    checks: dict[Pair, list[Said]] = defaultdict(list)
    for owner, source, pk, run, at, lookup, asserted, reread in bulk.select(
        f"SELECT c.{column}, c.source_id, c.id, c.run_id, c.at, c.lookup_id, c.asserted{cast}, c.reread FROM {CHECKS} c "
        f"JOIN enrichment_enrichmentrun r ON r.id = c.run_id WHERE {test} AND r.undone_at IS NULL AND r.id <> %s "
        "ORDER BY c.at, c.id",
        [param, without_run],
    ):
        checks[owner, source].append(
            Said(pk, run, bulk.read_moment(at), lookup, json.loads(asserted), reread)
        )
    return checks
