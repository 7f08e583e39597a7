"""Settling: what stands follows from the checks that stand; undo and rebuild are this rule, applied.

For a record, source and attribute: order the checks of runs that are not undone, read what each one
claims, merge equal neighbours into segments. The row of a segment is the one its first run wrote.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils import timezone

from enrichment import bulk
from enrichment.claims.current import current_of, write_current
from enrichment.claims.freshness import settle_freshness
from enrichment.claims.state import (
    CHECKS,
    CHUNK,
    VALUE_COLUMNS,
    VALUES,
    Live,
    Owner,
    Speakers,
    canonical,
    live_claims,
    lock,
    owner_column,
    recanonical,
    record_table,
    speakers,
)
from enrichment.models import EnrichmentRun, Preferences
from sources.attributes import IDENTITY, Kind, identity_slug

_Pair = tuple[int, int]  # owner, source


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing a run touched: records looked at, claim rows and current values changed."""

    records: int
    claims: int
    current: int


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found wrong: nothing, when all is well."""

    records: int
    claims: int
    current: int


@dataclass(slots=True)
class _Row:
    """A claim row of a run in whatever state."""

    id: int
    run: int
    value: str
    references: str
    original: str
    lookup: int | None
    superseded: datetime | None
    retracted: datetime | None


@dataclass(frozen=True, slots=True)
class _Statement:
    """What one check says about one attribute."""

    run: int
    at: datetime
    lookup: int | None
    value: str
    references: str
    original: str


def undo(run_id: int) -> Undone:
    """Leave values as if the run's answers had never been recorded; may be repeated after a crash."""
    with transaction.atomic():
        run = EnrichmentRun.objects.select_for_update().get(pk=run_id)
        if run.undone_at is None:
            run.undone_at = timezone.now()
            run.save(update_fields=["undone_at"])
    records = claims = current = 0
    for kind in Kind:
        column = owner_column(kind)
        touched = bulk.select(
            f"SELECT DISTINCT {column} FROM {CHECKS} WHERE run_id = %s AND {column} IS NOT NULL ORDER BY 1",
            [run_id],
        )
        for ids in _chunks([owner for (owner,) in touched]):
            rows, values = _settle_chunk(kind, ids)
            records, claims, current = records + len(ids), claims + rows, current + values
    return Undone(records, claims, current)


def rebuild() -> Rebuilt:
    """Settle everything and recompute all current values; a sound ledger changes in no row."""
    records = claims = current = 0
    for kind in Kind:
        for ids in _all_ids(kind):
            rows, values = _settle_chunk(kind, ids)
            records, claims, current = records + len(ids), claims + rows, current + values
    return Rebuilt(records, claims, current)


def switch_policy(policy: str) -> int:
    """Choose winners by another policy from now on; how many records changed."""
    Preferences.objects.update_or_create(pk=1, defaults={"policy": Preferences.Policy(policy)})
    return sum(refresh(kind, ids) for kind in Kind for ids in _all_ids(kind))


def refresh(kind: Kind, ids: Collection[int]) -> int:
    """Recompute current values of records from their live claims; how many records changed."""
    with transaction.atomic():
        owners = lock(kind, sorted(ids))
        return _write_all_current(kind, owners, speakers())


def settle(kind: Kind, ids: Collection[int], owners: dict[int, Owner], speak: Speakers) -> tuple[int, int]:
    """Bring rows, freshness and current values of locked records in line with the standing checks.

    Returns how many rows and how many records' current values changed.
    """
    changed = _settle_rows(kind, ids) + settle_freshness(kind, ids, speak)
    return changed, _write_all_current(kind, {pk: owners[pk] for pk in ids if pk in owners}, speak)


def _settle_chunk(kind: Kind, ids: Collection[int]) -> tuple[int, int]:
    with transaction.atomic():
        owners = lock(kind, sorted(ids))
        return settle(kind, list(owners), owners, speakers())


def _write_all_current(kind: Kind, owners: dict[int, Owner], speak: Speakers) -> int:
    """Recompute every attribute that a record shows or has a live claim for, and its identity."""
    identity = [identity_slug(kind, column) for column in IDENTITY]
    standing: dict[int, dict[str, list[Live]]] = {
        pk: {slug: [] for slug in (*owner.current, *identity)} for pk, owner in owners.items()
    }
    for claim in live_claims(kind, owners):
        standing[claim.owner].setdefault(claim.attribute, []).append(claim)
    return write_current(kind, current_of(kind, owners, standing, speak))


def _settle_rows(kind: Kind, ids: Collection[int]) -> int:
    rows = _rows_of_runs(kind, ids)
    by_id = {row.id: (attribute, row) for (_, attribute), found in rows.items() for row in found}
    checks = _standing_checks(kind, ids)
    hidden: list[tuple[Any, ...]] = []
    shown: list[tuple[Any, ...]] = []
    retracted: list[tuple[Any, ...]] = []
    new: list[tuple[Any, ...]] = []
    now = bulk.moment(timezone.now())
    for (pair, attribute), found in rows.items():
        kept: set[int] = set()
        for first, until in _segments(attribute, found, checks.get(pair, ()), by_id):
            row = next((row for row in found if row.run == first.run and row.value == first.value), None)
            if row is None:
                new.append((
                    pair[0], attribute, pair[1], first.value, first.original, first.references, first.run,
                    first.lookup, bulk.moment(first.at), bulk.moment(until),
                ))  # fmt: skip
                continue
            kept.add(row.id)
            if (row.superseded, row.retracted) != (until, None):
                (shown if until is None else hidden).append((bulk.moment(until), None, row.id))
        retracted += [(now, row.id) for row in found if row.id not in kept and row.retracted is None]
    dates = [("superseded_at", "timestamptz"), ("retracted_at", "timestamptz")]
    bulk.update(VALUES, [dates[1]], retracted)
    bulk.update(VALUES, dates, hidden)  # hide before reviving: at most one row may be live
    bulk.update(VALUES, dates, shown)
    bulk.insert(VALUES, (owner_column(kind), *VALUE_COLUMNS), new)
    return len(retracted) + len(hidden) + len(shown) + len(new)


def _segments(
    attribute: str,
    rows: Iterable[_Row],
    checks: Iterable[tuple[Any, ...]],
    by_id: Mapping[int, tuple[str, _Row]],
) -> Iterator[tuple[_Statement, datetime | None]]:
    """The first statement of each run of equal values, and when the next value began."""
    written = {row.run: row for row in rows}
    firsts: list[_Statement] = []
    for run, at, lookup, asserted in checks:
        statement = _statement(attribute, run, at, lookup, asserted, written, by_id)
        if statement and (not firsts or firsts[-1].value != statement.value):
            firsts.append(statement)
    for first, following in pairwise([*firsts, None]):
        if first:
            yield first, following.at if following else None


def _statement(
    attribute: str,
    run: int,
    at: datetime,
    lookup: int | None,
    asserted: list[Any],
    written: Mapping[int, _Row],
    by_id: Mapping[int, tuple[str, _Row]],
) -> _Statement | None:
    own = written.get(run)
    if own:
        return _Statement(run, at, own.lookup, own.value, own.references, own.original)
    for entry in asserted:
        row_id, *worded = entry if isinstance(entry, list) else (entry,)
        slug, row = by_id.get(row_id, ("", None))
        if row and slug == attribute:
            references, original = (
                (canonical(worded[0]), worded[1]) if worded else (row.references, row.original)
            )
            return _Statement(run, at, lookup, row.value, references, original)
    return None


def _rows_of_runs(kind: Kind, ids: Collection[int]) -> dict[tuple[_Pair, str], list[_Row]]:
    column = owner_column(kind)
    cast = "::text" if bulk.is_postgres() else ""
    test, param = bulk.any_of(column, ids)
    rows: dict[tuple[_Pair, str], list[_Row]] = defaultdict(list)
    for owner, source, attribute, *rest in bulk.select(
        f'SELECT {column}, source_id, attribute, id, run_id, value{cast}, "references"{cast}, original, lookup_id, '
        f"superseded_at, retracted_at FROM {VALUES} WHERE {test} AND run_id IS NOT NULL ORDER BY id",
        [param],
    ):
        row_id, run, value, references, original, lookup, superseded, retracted = rest
        rows[(owner, source), attribute].append(
            _Row(row_id, run, recanonical(value), recanonical(references), original, lookup,
                 bulk.read_optional(superseded), bulk.read_optional(retracted))
        )  # fmt: skip
    return rows


def _standing_checks(kind: Kind, ids: Collection[int]) -> dict[_Pair, list[tuple[Any, ...]]]:
    column = owner_column(kind)
    cast = "::text" if bulk.is_postgres() else ""
    test, param = bulk.any_of(f"c.{column}", ids)
    checks: dict[_Pair, list[tuple[Any, ...]]] = defaultdict(list)
    for owner, source, run, at, lookup, asserted in bulk.select(
        f"SELECT c.{column}, c.source_id, c.run_id, c.at, c.lookup_id, c.asserted{cast} FROM {CHECKS} c "
        f"JOIN enrichment_enrichmentrun r ON r.id = c.run_id WHERE {test} AND r.undone_at IS NULL "
        "ORDER BY c.at, c.id",
        [param],
    ):
        checks[owner, source].append((run, bulk.read_moment(at), lookup, json.loads(asserted)))
    return checks


def _all_ids(kind: Kind) -> Iterator[list[int]]:
    last = 0
    while True:
        ids = [
            row[0]
            for row in bulk.select(
                f"SELECT id FROM {record_table(kind)} WHERE id > %s ORDER BY id LIMIT {CHUNK}", [last]
            )
        ]
        if not ids:
            return
        yield ids
        last = ids[-1]


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
