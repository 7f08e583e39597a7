"""Freshness: the newest standing check of each record and source, as a date to ask again.

What a run asked with settings of its own is another question: it does not put off the usual one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from enrichment import bulk
from enrichment.claims.answers import Answer
from enrichment.claims.state import CHECKS, CHUNK, FRESHNESS, Speakers, decode, owner_column, record_table
from enrichment.models import EnrichmentSource
from sources.attributes import Kind

_NEWER = "checked_at = EXCLUDED.checked_at, due_at = EXCLUDED.due_at, key = EXCLUDED.key"
_PAGE = 20_000


class _Dues:
    """When answers are due again, by the records' priorities; for answers that came together it is computed once."""

    def __init__(self, sources: Iterable[EnrichmentSource], priorities: Mapping[int, str]) -> None:
        self._sources = {source.pk: source for source in sources}
        self._priorities = priorities
        self._known: dict[tuple[int, datetime, str], datetime | None] = {}

    def of(self, owner: int, source: int, at: datetime) -> datetime | None:
        """When an answer of `at` about a record is due again; None: never."""
        priority = self._priorities.get(owner, "")
        asked = (source, at, priority)
        if asked not in self._known:
            self._known[asked] = self._sources[source].next_due(at, [priority])
        return self._known[asked]

    def moved(self, rows: Iterable[tuple[Any, ...]]) -> list[tuple[str | None, int, int]]:
        """Due date, id and record of those of `rows` (as `_rows` selects them) whose due date is another now."""
        read = (
            (row_id, owner, self.of(owner, source, bulk.read_moment(at)), bulk.read_optional(due))
            for row_id, owner, source, at, due in rows
        )
        return [(bulk.moment(due), row_id, owner) for row_id, owner, due, stored in read if due != stored]


def note_fresh(kind: Kind, answers: Iterable[Answer], speak: Speakers) -> None:
    """Move the due dates that newer answers of asked sources move; writers are never due."""
    asked = [each for each in answers if speak.sources[each.source].adapter and not each.is_special]
    sources = [speak.sources[pk] for pk in {answer.source for answer in asked}]
    dues = _Dues(sources, _priorities(kind, {answer.record for answer in asked}, sources))
    rows = [
        (each.record, each.source, bulk.moment(each.at), bulk.moment(dues.of(each.record, each.source, each.at)), each.key)
        for each in asked
    ]  # fmt: skip
    _upsert(kind, rows)


def settle_freshness(kind: Kind, owners: Collection[int], speak: Speakers) -> int:
    """Recompute freshness of records from the checks that stand; how many rows changed."""
    column = owner_column(kind)
    dues = _Dues(speak.sources.values(), _priorities(kind, owners, speak.sources.values()))
    wanted = {
        (owner, source): (at, key, dues.of(owner, source, at))
        for (owner, source), (at, key) in _newest_checks(kind, owners, speak).items()
    }
    test, param = bulk.any_of(column, owners)
    stored = {
        (owner, source): (row_id, bulk.read_moment(at), key, bulk.read_optional(due))
        for row_id, owner, source, at, key, due in bulk.select(
            f"SELECT id, {column}, source_id, checked_at, key, due_at FROM {FRESHNESS} WHERE {test}", [param]
        )
    }
    gone = [row[0] for pair, row in stored.items() if wanted.get(pair) != row[1:]]
    if gone:
        test, param = bulk.any_of("id", gone)
        bulk.select(f"DELETE FROM {FRESHNESS} WHERE {test} RETURNING id", [param])
    new = [
        (owner, source, bulk.moment(at), bulk.moment(due), key)
        for (owner, source), (at, key, due) in wanted.items()
        if stored.get((owner, source), (0,))[1:] != (at, key, due)
    ]
    _upsert(kind, new)
    return len(set(gone)) + len(new)


def redate(kind: Kind, sources: Sequence[EnrichmentSource], owners: Collection[int] | None = None) -> int:
    """Recompute due dates after a cadence or a record's priority changed; how many changed.

    `owners`: the records whose priority changed; None: all that the sources were asked about.
    """
    if not sources:
        return 0
    of_sources, source_param = bulk.any_of("source_id", [source.pk for source in sources])
    ids = sorted(_behind(kind, sources) if owners is None else owners)
    changed = 0
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        with transaction.atomic():
            dues = _Dues(sources, _hold(kind, part))
            of_owners, owner_param = bulk.any_of(owner_column(kind), part)
            rows = bulk.select(
                f"{_rows(kind)} WHERE {of_owners} AND {of_sources}", [owner_param, source_param]
            )
            moved = [(due, row_id) for due, row_id, _ in dues.moved(rows)]
            bulk.update(FRESHNESS, [("due_at", "timestamptz")], moved)
        changed += len(moved)
    return changed


def _behind(kind: Kind, sources: Sequence[EnrichmentSource]) -> set[int]:
    """The records of which a due date is another now: read without locks, in the order of the table."""
    column = owner_column(kind)
    of_sources, param = bulk.any_of("source_id", [source.pk for source in sources])
    found: set[int] = set()
    after = 0
    while rows := bulk.select(
        f"{_rows(kind)} WHERE id > %s AND {of_sources} AND {column} IS NOT NULL ORDER BY id LIMIT {_PAGE}",
        [after, param],
    ):
        dues = _Dues(sources, _priorities(kind, {row[1] for row in rows}, sources))
        found |= {owner for _, _, owner in dues.moved(rows)}
        after = rows[-1][0]
    return found


def _rows(kind: Kind) -> str:
    return f"SELECT id, {owner_column(kind)}, source_id, checked_at, due_at FROM {FRESHNESS}"


def _priorities(kind: Kind, owners: Collection[int], sources: Iterable[EnrichmentSource]) -> dict[int, str]:
    """The priorities of records, where any of the sources makes a difference."""
    if not any(source.priority_cadences for source in sources):
        return {}
    test, param = bulk.any_of("id", owners)
    return dict(bulk.select(f"SELECT id, priority FROM {record_table(kind)} WHERE {test}", [param]))


def _hold(kind: Kind, owners: Collection[int]) -> dict[int, str]:
    """Lock records in id order, as everybody who writes about them does; their priorities."""
    test, param = bulk.any_of("id", owners)
    tail = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    rows = bulk.select(
        f"SELECT id, priority FROM {record_table(kind)} WHERE {test} ORDER BY id{tail}", [param]
    )
    return dict(rows)


def _newest_checks(
    kind: Kind, owners: Collection[int], speak: Speakers
) -> dict[tuple[int, int], tuple[datetime, str]]:
    """Of each record and source when it was last asked its usual question, and that question's key."""
    column = owner_column(kind)
    test, param = bulk.any_of(f"c.{column}", owners)
    rows = bulk.select(
        f"SELECT c.{column}, c.source_id, c.at, COALESCE(l.key, ''), {bulk.as_text('r.source_settings')} FROM {CHECKS} c "
        f"JOIN enrichment_enrichmentrun r ON r.id = c.run_id LEFT JOIN enrichment_lookup l ON l.id = c.lookup_id "
        f"WHERE {test} AND r.undone_at IS NULL ORDER BY c.at, c.id",
        [param],
    )
    newest: dict[tuple[int, int], tuple[datetime, str]] = {}
    for owner, source, at, key, special in rows:
        if speak.sources[source].adapter and speak.sources[source].slug not in decode(special):
            newest[owner, source] = (bulk.read_moment(at), key)
    return newest


def _upsert(kind: Kind, rows: list[tuple[Any, ...]]) -> None:
    column = owner_column(kind)
    bulk.upsert(
        FRESHNESS,
        [(column, "bigint"), ("source_id", "bigint"), ("checked_at", "timestamptz"), ("due_at", "timestamptz"), ("key", "text")],
        rows,
        conflict=f"({column}, source_id) WHERE {column} IS NOT NULL",
        then=f"{_NEWER} WHERE {FRESHNESS}.checked_at <= EXCLUDED.checked_at",
    )  # fmt: skip
