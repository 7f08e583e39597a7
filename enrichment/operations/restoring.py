"""A portable backup back into an empty database; after that nothing paid is asked before somebody says so."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, connection, transaction
from django.db.models import Field, Model

from enrichment import bulk
from enrichment.models import (
    EnrichmentRun,
    EnrichmentSource,
    Preferences,
    ScheduleFiring,
    SignalRule,
    WebhookEndpoint,
)
from enrichment.operations.archive import (
    FILES,
    FORMAT,
    BackupRefused,
    columns,
    is_user,
    migrations,
    tables,
)
from enrichment.operations.kept_files import Incoming, NotWritten, point_tables_here

_BATCH_ROWS, _BATCH_CHARACTERS = 1000, 4_000_000
_LONGEST_LINE = 200_000_000  # characters; a damaged file must not fill the memory
# An installation makes these rows by itself when it starts.
_SELF_MADE = (ScheduleFiring, Preferences, EnrichmentSource, SignalRule)


def restore(path: Path) -> dict[str, int]:
    """Read a backup with its files into this installation, all or nothing, and hold paid sources; the rows by table.

    Raises BackupRefused when the database is not empty, the file is damaged or of another version, or the disk is full.
    """
    with _opened(path) as file:
        reader = _Reader(file, path.name)
        reader.read_head()
        try:
            with transaction.atomic(), Incoming() as files:
                require_empty()
                for made in _SELF_MADE:
                    made._base_manager.all().delete()
                counts = reader.read_all(files)
                _reset_sequences()
                hold()
                connection.check_constraints()  # or they were checked after the files are in their places
                files.place()
                point_tables_here()
        except NotWritten as error:
            raise BackupRefused(str(error)) from None
        except (IntegrityError, DataError, OverflowError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise BackupRefused(f"{path.name} is damaged, the database refuses its rows: {reason}.") from None
    return counts


def require_empty() -> None:
    """Raises BackupRefused when the database has more than every installation makes by itself."""
    for label, model in tables().items():
        if model not in _SELF_MADE and model._base_manager.exists():
            raise BackupRefused(
                f"This database is not empty (it has {label} rows): restore into one that was only just migrated."
            )


def hold(using: str = DEFAULT_DB_ALIAS) -> None:
    """Nothing paid is asked, runs that were going wait for a person to resume them, and nobody is told of anything."""
    Preferences.objects.using(using).update_or_create(pk=1, defaults={"hold_paid": True})
    going = (EnrichmentRun.Status.PENDING, EnrichmentRun.Status.RUNNING)
    runs = EnrichmentRun.objects.using(using).filter(status__in=going)
    runs.update(status=EnrichmentRun.Status.PAUSED)
    told = "A restore turned it off, in case another installation tells it still."
    endpoints = WebhookEndpoint.objects.using(using).filter(is_enabled=True)
    endpoints.update(is_enabled=False, disabled_reason=told)


def confirm() -> bool:
    """Let paid sources be asked again; False: they were not held."""
    return bool(Preferences.objects.filter(hold_paid=True).update(hold_paid=False))


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError):
        raise BackupRefused(f"{path.name} is damaged or no backup: take another copy of it.") from None
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read: {error.strerror or error}.") from None


class _Reader:
    """Goes through a backup line by line."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._file, self._name, self._number = file, name, 0
        self._users: dict[str, int] = dict(get_user_model()._default_manager.values_list("username", "pk"))

    def read_head(self) -> None:
        """Raises BackupRefused for another kind of file and another version."""
        head = self._next()
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise BackupRefused(f"{self._name} is no backup of Footnote.")
        made, here = head.get("migrations"), migrations()
        if made != here:
            raise BackupRefused(
                f"{self._name} was made by another version of Footnote (its tables: {_told(made)}, here: "
                f"{_told(here)}): restore it with that version, then upgrade."
            )

    def read_all(self, files: Incoming) -> dict[str, int]:
        """Insert all rows and gather all files; the number by table, which is what the last line must say."""
        known, counts = tables(), dict.fromkeys([*tables(), FILES], 0)
        line = self._next()
        while isinstance(line, dict) and "table" in line:
            model = known.pop(str(line["table"]), None)
            if model is None or line.get("columns") != [field.name for field in columns(model)]:
                raise self._damaged()
            line, counts[model._meta.label_lower] = self._read_rows(model)
        line, counts[FILES] = self._read_files(line, files)
        if line != {"end": counts} or self._file.read(1):
            raise self._damaged()
        return counts

    def _read_rows(self, model: type[Model]) -> tuple[Any, int]:
        """Insert the rows of one table; the first line that is none, and the number of rows."""
        fields, count, size = columns(model), 0, 0
        batch: list[list[Any]] = []
        while isinstance(line := self._next(), list):
            batch.append(self._row(fields, line))
            count, size = count + 1, size + self._length
            if len(batch) >= _BATCH_ROWS or size >= _BATCH_CHARACTERS:
                _insert(model, batch)
                batch, size = [], 0
        _insert(model, batch)
        return line, count

    def _read_files(self, line: Any, files: Incoming) -> tuple[Any, int]:
        """Gather the files; the first line that is of none, and their number."""
        count = 0
        try:
            while isinstance(line, str) or (isinstance(line, dict) and "file" in line):
                if isinstance(line, str):
                    files.add(line)
                else:
                    files.begin(line["file"])
                    count += 1
                line = self._next()
        except ValueError:
            raise self._damaged() from None
        return line, count

    def _row(self, fields: list[Field[Any, Any]], values: list[Any]) -> list[Any]:
        try:
            return [self._value(field, value) for field, value in zip(fields, values, strict=True)]
        except (ValidationError, TypeError, ValueError, ArithmeticError):
            raise self._damaged() from None

    def _value(self, field: Field[Any, Any], value: Any) -> Any:
        """A value as the database takes it."""
        if is_user(field):
            return self._users.get(value)
        return None if value is None else field.get_db_prep_save(field.to_python(value), connection)

    def _next(self) -> Any:
        """The next line. Raises BackupRefused at the end: the last line is read by whoever expects it."""
        self._number += 1
        text = self._file.readline(_LONGEST_LINE)
        self._length = len(text)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self._damaged() from None

    def _damaged(self) -> BackupRefused:
        return BackupRefused(f"{self._name} is damaged in line {self._number}: take another copy of it.")


def _insert(model: type[Model], rows: list[list[Any]]) -> None:
    """Claims come in here without `enrichment.claims`: they are its own rows, as it wrote them."""
    bulk.insert(model._meta.db_table, [str(field.column) for field in columns(model)], rows)


def _reset_sequences() -> None:
    """New rows get ids above those that were restored."""
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(tables().values())):
            cursor.execute(sql)


def _told(made: Any) -> str:
    return ", ".join(map(str, made.values())) if isinstance(made, dict) else "unknown"
