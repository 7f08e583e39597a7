"""Sets of rows in and out of the database, as fast as each database can."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models.expressions import RawSQL

ROWS = Sequence[Sequence[Any]]


@cache
def is_postgres() -> bool:
    """Whether the database is PostgreSQL (else it is SQLite); a process knows one."""
    return connection.vendor == "postgresql"


@lru_cache(maxsize=4096)  # answers that arrive together share their moments
def moment(at: datetime | None) -> str | None:
    """A point in time as both databases take it in raw SQL."""
    if at is None:
        return None
    if is_postgres():
        return at.isoformat()
    return str(at.astimezone(UTC).replace(tzinfo=None))


def read_moment(value: datetime | str) -> datetime:
    """The point in time that raw SQL gave back, perhaps as text; SQLite gives UTC without saying so."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def read_optional(value: datetime | str | None) -> datetime | None:
    """As `read_moment`, for a column that may be empty."""
    return None if value is None else read_moment(value)


def clock() -> datetime:
    """Now by the database's clock, which all machines share; a file's clock is its machine's."""
    if not is_postgres():
        return datetime.now(UTC)
    return read_moment(select("SELECT clock_timestamp()")[0][0])


def as_text(column: str) -> str:
    """SQL for a column as its text, which is not parsed on the way in."""
    return f"CAST({column} AS TEXT)"


def any_of(column: str, ids: Iterable[int] | Iterable[str]) -> tuple[str, Any]:
    """SQL and its one parameter for `column` being one of `ids`, however many."""
    if is_postgres():
        return f"{column} = ANY(%s)", list(ids)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(ids))


def among(values: Iterable[Any], kind: str = "bigint") -> RawSQL:
    """What a Django filter's `__in` takes in place of many values of a PostgreSQL type: one parameter for all."""
    if is_postgres():
        return RawSQL(f"SELECT unnest(%s::{kind}[])", [list(values)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(values))])


def select(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def new_ids(table: str, count: int) -> list[int]:
    """Ids for rows that the caller's transaction is about to insert."""
    if is_postgres():
        sql = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
        return [row[0] for row in select(sql, [table, count])]
    last = select("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    first = last[0][0] + 1 if last else 1
    return list(range(first, first + count))


def insert(table: str, columns: Sequence[str], rows: ROWS) -> None:
    """Write rows: COPY on PostgreSQL, one prepared statement on SQLite. JSON comes as text."""
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    if not is_postgres():
        marks = ", ".join(["%s"] * len(columns))
        _execute_many(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        return
    copying = f"COPY {table} ({names}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(copying) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def checking_keys() -> Iterator[None]:
    """Let PostgreSQL check the foreign keys of what is written so far while the block computes (it cannot ask).

    They would be checked at the commit, which waits idly: half the time of writing new claims.
    """
    if not is_postgres():
        yield
        return
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        with connection.connection.pipeline():
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            yield
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def update(table: str, columns: Sequence[tuple[str, str]], rows: ROWS) -> None:
    """Set `columns` (name, PostgreSQL type) of the rows whose id comes last in each of `rows`."""
    if not rows:
        return
    if is_postgres():
        sets = ", ".join(f'"{name}" = v."{name}"' for name, _ in columns)
        names = ", ".join([*(f'"{name}"' for name, _ in columns), "id"])
        _execute_arrays(
            f"UPDATE {table} AS t SET {sets} FROM unnest(%s) AS v({names}) WHERE t.id = v.id",
            [*(kind for _, kind in columns), "bigint"],
            rows,
        )
        return
    sets = ", ".join(f'"{name}" = %s' for name, _ in columns)
    _execute_many(f"UPDATE {table} SET {sets} WHERE id = %s", rows)


def insert_unless_there(table: str, columns: Sequence[tuple[str, str]], rows: ROWS) -> None:
    """Insert rows; one that a unique index refuses is left out."""
    if rows:
        _insert_with(table, columns, rows, "ON CONFLICT DO NOTHING")


def upsert(table: str, columns: Sequence[tuple[str, str]], rows: ROWS, *, conflict: str, then: str) -> None:
    """Insert rows or, where `conflict` (an index) has one already, do `then` (SQL, new row is EXCLUDED)."""
    if rows:
        _insert_with(table, columns, rows, f"ON CONFLICT {conflict} DO UPDATE SET {then}")


def _insert_with(table: str, columns: Sequence[tuple[str, str]], rows: ROWS, clause: str) -> None:
    names = ", ".join(f'"{name}"' for name, _ in columns)
    if is_postgres():
        sql = f"INSERT INTO {table} ({names}) SELECT * FROM unnest(%s) {clause}"
        _execute_arrays(sql, [kind for _, kind in columns], rows)
        return
    marks = ", ".join(["%s"] * len(columns))
    _execute_many(f"INSERT INTO {table} ({names}) VALUES ({marks}) {clause}", rows)


def _execute_many(sql: str, rows: ROWS) -> None:
    """Run `sql` for each of `rows` in one transaction: SQLite would commit, and wait for the disk, row by row."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _execute_arrays(sql: str, kinds: Sequence[str], rows: ROWS) -> None:
    """Run `sql` with the columns of `rows` as arrays of `kinds` in place of its %s.

    The arrays travel in binary beside the statement; Django's own cursor would write them into
    its text, quoted twice, which costs more than the rest of the work.
    """
    arrays = [f"%b::{kind}[]" for kind in kinds]
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql % ", ".join(arrays), [list(column) for column in zip(*rows, strict=True)])
