"""Settling: what stands follows from the checks that stand; undo and rebuild are this rule, applied.

The row of a segment of equal values (see `statements`) is the one that its first check wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from enrichment import bulk
from enrichment.claims.adopting import adopt
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
    live_claims,
    lock,
    owner_column,
    record_table,
    speakers,
)
from enrichment.claims.statements import read
from enrichment.models import EnrichmentRun, Preferences
from sources.attributes import Kind


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
    dates: int
    current: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling changed: claim rows, due dates, and records' current values."""

    claims: int
    dates: int
    current: int


def undo(run_id: int) -> Undone:
    """Leave values as if the run's answers had never been recorded; may be repeated after a crash."""
    with transaction.atomic():
        run = EnrichmentRun.objects.select_for_update().get(pk=run_id)
        if run.undone_at is None:
            run.undone_at = bulk.clock()
            run.save(update_fields=["undone_at"])
    records = claims = current = 0
    for kind in Kind:
        for ids in touched(kind, run_id):
            done = _settle_chunk(kind, ids)
            records, claims, current = records + len(ids), claims + done.claims, current + done.current
    return Undone(records, claims, current)


def touched(kind: Kind, run_id: int) -> Iterator[list[int]]:
    """The records of a kind that a run has answers about, in chunks."""
    column, last = owner_column(kind), 0
    while True:
        found = bulk.select(
            f"SELECT DISTINCT {column} FROM {CHECKS} WHERE run_id = %s AND {column} > %s ORDER BY 1 LIMIT {CHUNK}",
            [run_id, last],
        )
        if not found:
            return
        yield [owner for (owner,) in found]
        last = found[-1][0]


def rebuild() -> Rebuilt:
    """Settle everything and recompute all current values; a sound ledger changes in no row."""
    records = claims = dates = current = 0
    for kind in Kind:
        for ids in _all_ids(kind):
            done = _settle_chunk(kind, ids)
            records, claims = records + len(ids), claims + done.claims
            dates, current = dates + done.dates, current + done.current
    return Rebuilt(records, claims, dates, current)


def switch_policy(policy: str) -> int:
    """Choose winners by another policy from now on; how many records changed."""
    Preferences.objects.update_or_create(pk=1, defaults={"policy": Preferences.Policy(policy)})
    return sum(refresh(kind, ids) for kind in Kind for ids in _all_ids(kind))


def refresh(kind: Kind, ids: Collection[int]) -> int:
    """Recompute current values of records from their live claims; how many records changed."""
    with transaction.atomic():
        owners = lock(kind, sorted(ids))
        return _write_all_current(kind, owners, speakers())


def settle(kind: Kind, ids: Collection[int], owners: dict[int, Owner], speak: Speakers) -> Settled:
    """Bring rows, freshness and current values of locked records in line with the standing checks."""
    claims, dates = _settle_rows(kind, ids), settle_freshness(kind, ids, speak)
    current = _write_all_current(kind, {pk: owners[pk] for pk in ids if pk in owners}, speak)
    return Settled(claims, dates, current)


def _settle_chunk(kind: Kind, ids: Collection[int]) -> Settled:
    with transaction.atomic():
        owners = lock(kind, sorted(ids))
        return settle(kind, list(owners), owners, speakers())


def _write_all_current(kind: Kind, owners: dict[int, Owner], speak: Speakers) -> int:
    """Recompute every attribute that a record shows or has a live claim for, its identity among them."""
    standing: dict[int, dict[str, list[Live]]] = {
        pk: {slug: [] for slug in owner.current} for pk, owner in owners.items()
    }
    for claim in live_claims(kind, owners):
        standing[claim.owner].setdefault(claim.attribute, []).append(claim)
    adopt(kind, owners, standing, speak)
    return write_current(kind, current_of(kind, owners, standing, speak))


def _settle_rows(kind: Kind, ids: Collection[int]) -> int:
    told = read(kind, ids)
    hidden: list[tuple[Any, ...]] = []
    shown: list[tuple[Any, ...]] = []
    retracted: list[tuple[Any, ...]] = []
    new: list[tuple[Any, ...]] = []
    now = bulk.moment(bulk.clock())
    for (pair, attribute), found in told.rows.items():
        kept: set[int] = set()
        for first, until in told.segments(pair, attribute):
            row = next((row for row in found if row.is_of(first)), None)
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
