"""Scratch databases: made for one benchmark, gone after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

POSTGRES_URL = "postgres://footnote:footnote@127.0.0.1:5432/footnote"  # as the Makefile's


def defaults() -> tuple[str, str]:
    """The databases to measure on: a new SQLite file, and the server of POSTGRES_URL."""
    return "sqlite", os.environ.get("POSTGRES_URL", POSTGRES_URL)


def name_of(database: str) -> str:
    """How the table calls a database."""
    return "SQLite" if database.startswith("sqlite") else "PostgreSQL"


@contextmanager
def scratch(database: str) -> Iterator[dict[str, str]]:
    """The environment of a process that works on a new, empty database.

    `database` is `sqlite` (a temporary file) or the URL of a PostgreSQL server where databases may
    be made. Raises psycopg.OperationalError when that is not reachable.
    """
    with tempfile.TemporaryDirectory(prefix="footnote-benchmark-") as folder:
        # Neither the user's database nor the user's queue is touched.
        environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FOOTNOTE_HOME": folder,
            "SECRET_KEY": "only-for-benchmarks",
        }
        if name_of(database) == "SQLite":
            yield environment | {"DATABASE_URL": f"sqlite:///{Path(folder) / 'benchmark.sqlite3'}"}
            return
        name = f"footnote_benchmark_{os.getpid()}"
        own = sql.Identifier(name)
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(own))
        try:
            yield environment | {"DATABASE_URL": urlunsplit(urlsplit(database)._replace(path=f"/{name}"))}
        finally:
            with psycopg.connect(
                database, autocommit=True
            ) as connection:  # the server may have been restarted
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(own))
