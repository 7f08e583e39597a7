"""Scratch databases: made for one benchmark, gone after it."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

POSTGRES_URL = "postgres://footnote:footnote@127.0.0.1:5432/footnote"  # as the Makefile's

ROOT = Path(__file__).resolve().parent.parent
_until_exit = ExitStack()
atexit.register(_until_exit.close)


def defaults() -> tuple[str, str]:
    """The databases to measure on: a new SQLite file, and the server of POSTGRES_URL."""
    return "sqlite", os.environ.get("POSTGRES_URL", POSTGRES_URL)


def name_of(database: str) -> str:
    """How the table calls a database."""
    return "SQLite" if database.startswith("sqlite") else "PostgreSQL"


@contextmanager
def migrated(database: str) -> Iterator[dict[str, str]]:
    """As `scratch`, with all tables: a copy, for migrations take seconds."""
    template = _template(database)
    with scratch(database, template=template) as environment:
        yield environment


@cache
def _template(database: str) -> str:
    """A migrated database that nobody uses, for this process to copy: its path or its name."""
    environment = _until_exit.enter_context(scratch(database, name="template"))
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    path = urlsplit(environment["DATABASE_URL"]).path
    return path[1:]


@contextmanager
def scratch(database: str, *, template: str = "", name: str = "benchmark") -> Iterator[dict[str, str]]:
    """The environment of a process that works on a new database, empty or a copy of `template`.

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
            path = Path(folder) / f"{name}.sqlite3"
            if template:
                shutil.copy(template, path)
            yield environment | {"DATABASE_URL": f"sqlite:///{path}"}
            return
        name = f"footnote_{name}_{os.getpid()}"
        own = sql.Identifier(name)
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            copied = sql.Identifier(template or "template1")
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(own, copied))
        try:
            yield environment | {"DATABASE_URL": urlunsplit(urlsplit(database)._replace(path=f"/{name}"))}
        finally:
            with psycopg.connect(
                database, autocommit=True
            ) as connection:  # the server may have been restarted
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(own))
