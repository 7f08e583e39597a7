"""The limit: value rows poured into an equal table without indexes and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from benchmarks.rounds import seconds
from enrichment import bulk
from enrichment.claims.state import VALUE_COLUMNS, VALUES, canonical

COLUMNS = ("account_id", *VALUE_COLUMNS)


def rows_of(answers: Sequence[Any], run: int) -> list[tuple[Any, ...]]:
    """The rows that recording these answers writes."""
    return [
        (a.record, c.attribute, a.source, canonical(c.value), c.original, canonical(list(c.references)), run,
         a.lookup, bulk.moment(a.at), None)
        for a in answers for c in a.claims
    ]  # fmt: skip


def pour(rows: Sequence[tuple[Any, ...]]) -> float:
    """Seconds of one COPY (PostgreSQL) or one executemany (SQLite) of `rows`, committed."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS benchmark_value")
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE benchmark_value (LIKE {VALUES} INCLUDING IDENTITY)")
        else:
            cursor.execute(f"CREATE TABLE benchmark_value AS SELECT * FROM {VALUES} WHERE 0")

    def work() -> None:
        with transaction.atomic():
            bulk.insert("benchmark_value", COLUMNS, rows)

    taken = seconds(work)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE benchmark_value")
    return taken
