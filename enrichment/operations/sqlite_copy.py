"""A copy of an SQLite database, made while others write to it, and back again."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from enrichment.operations.archive import APPS, BackupRefused, new_file
from enrichment.operations.kept_files import point_tables_here
from enrichment.operations.restoring import hold, require_empty

_RESTORED = "restored"


def write(path: Path) -> None:
    """Copy the whole database, users included, as of one moment. Raises BackupRefused."""
    if connection.vendor != "sqlite":
        raise BackupRefused(
            f"{path.name} would be a copy of SQLite, but this is PostgreSQL: name it … .jsonl.gz"
        )
    connection.ensure_connection()
    try:
        with new_file(path) as part, closing(sqlite3.connect(part)) as copy:
            connection.connection.backup(copy)
    except sqlite3.Error as error:
        raise BackupRefused(f"{path} cannot be written: {error}.") from None


def restore(path: Path) -> None:
    """Put a copy in place of this database, all or nothing, with paid sources held.

    Raises BackupRefused when this database is not empty or not SQLite, or the file is damaged or of another version.
    """
    if connection.vendor != "sqlite":
        raise BackupRefused(
            f"{path.name} is a copy of an SQLite database: PostgreSQL takes a .jsonl.gz only."
        )
    require_empty()
    with tempfile.TemporaryDirectory(dir=settings.HOME) as folder:
        copy = Path(folder) / "copy.sqlite3"
        try:
            with _opened(path) as kept, closing(sqlite3.connect(copy)) as target:
                _check(kept, path.name)
                kept.backup(target)
            _hold(copy)
            with closing(sqlite3.connect(copy)) as held:
                connection.ensure_connection()
                held.backup(connection.connection)
        except sqlite3.Error as error:
            raise BackupRefused(f"{path.name} is damaged or cannot be restored: {error}.") from None
    connection.close()
    point_tables_here()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read: {error.strerror or error}.") from None
    if start != b"SQLite format 3\0":
        raise BackupRefused(f"{path.name} is no SQLite database.")
    # Immutable: it may lie where nothing can be written.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as kept:
        yield kept


def _check(kept: sqlite3.Connection, name: str) -> None:
    """Raises BackupRefused when the copy is damaged or its tables are not those of this version."""
    if kept.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise BackupRefused(f"{name} is damaged: take another copy of it.")
    if not kept.execute("SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'").fetchone():
        raise BackupRefused(f"{name} is no database of Footnote.")
    applied = set(kept.execute("SELECT app, name FROM django_migrations"))
    known = {key for key in MigrationLoader(None).disk_migrations if key[0] in APPS}
    if {key for key in applied if key[0] in APPS} != known:
        raise BackupRefused(
            f"{name} was made by another version of Footnote: restore it with that version, then upgrade."
        )


def _hold(copy: Path) -> None:
    """Hold paid sources in the copy itself, so that there is no moment without it."""
    connections.databases[_RESTORED] = connections.databases["default"] | {"NAME": str(copy)}
    try:
        hold(using=_RESTORED)
    finally:
        connections[_RESTORED].close()
        del connections[_RESTORED], connections.databases[_RESTORED]
