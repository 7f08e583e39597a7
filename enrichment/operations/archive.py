"""A portable backup: one gzip file of JSON lines, from either kind of database into either.

The lines are a head, then for each table its columns and its rows, then the files beside the database, and last how many
there are of each.
"""

from __future__ import annotations

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import BinaryField, Field, Model
from django.utils import timezone

from enrichment import bulk
from enrichment.models import CallerPace, Heartbeat, Throttle
from enrichment.operations import kept_files

FILES = "files"  # among the counts of rows by table
FORMAT = "footnote-backup-1"
APPS = ("crm", "enrichment")
_PASSING = {CallerPace, Heartbeat, Throttle}  # what workers know of this moment; of no use elsewhere


class BackupRefused(Exception):
    """The backup cannot be made or restored; the text is one sentence for the operator."""


def tables() -> dict[str, type[Model]]:
    """What is backed up, by label: all tables of our apps but passing ones."""
    models = (
        model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)
    )
    return {model._meta.label_lower: model for model in models if model not in _PASSING}


def migrations() -> dict[str, str]:
    """The version of the tables: the last migration of each app."""
    graph = MigrationLoader(None).graph
    return {app: ", ".join(name for _, name in sorted(graph.leaf_nodes(app))) for app in APPS}


def columns(model: type[Model]) -> list[Field[Any, Any]]:
    """The stored fields of a table."""
    return list(model._meta.local_concrete_fields)


def is_user(field: Field[Any, Any]) -> bool:
    """Whether the field names a user of the site: written by name, since users are not backed up."""
    return field.related_model is get_user_model()


def write(path: Path) -> dict[str, int]:
    """Write all tables as of one moment, while others go on working, then the files; the number of rows by table.

    Memory stays constant. The file appears under its name only when it is complete. Raises BackupRefused.
    """
    counts: dict[str, int] = {}
    with new_file(path) as part, gzip.open(part, "wt", encoding="ascii", compresslevel=5) as file:
        _line(file, {"format": FORMAT, "migrations": migrations(), "made_at": timezone.now()})
        with _snapshot():
            names = dict(get_user_model()._default_manager.values_list("pk", "username"))
            for label, model in tables().items():
                fields = columns(model)
                _line(file, {"table": label, "columns": [field.name for field in fields]})
                counts[label] = 0
                for row in _rows(model, fields, names):
                    _line(file, row)
                    counts[label] += 1
        counts[FILES] = 0
        for line in kept_files.lines():
            _line(file, line)
            counts[FILES] += isinstance(line, dict)
        _line(file, {"end": counts})
    return counts


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A place to write at, readable to its owner only, which takes its name `path` when the block succeeds."""
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        raise BackupRefused(f"{path} exists already: choose another name.")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise BackupRefused(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _snapshot() -> Iterator[None]:
    """All reads of the block see one moment; nobody has to wait for us."""
    if bulk.is_postgres():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")  # Django's own transactions hold writers out
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _rows(model: type[Model], fields: list[Field[Any, Any]], users: dict[int, str]) -> Iterator[list[Any]]:
    has_payloads = any(isinstance(field, BinaryField) for field in fields)
    query = model._base_manager.order_by("pk").values_list(*(field.attname for field in fields))
    theirs = [index for index, field in enumerate(fields) if is_user(field)]
    for row in query.iterator(chunk_size=20 if has_payloads else 2000):
        values = list(row)
        for index in theirs:
            values[index] = users.get(values[index])
        yield values


def _text(value: Any) -> str:
    """What JSON has no word for, as the field's `to_python` reads it."""
    if isinstance(value, bytes | memoryview):
        return b64encode(value).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be backed up")


def _line(file: TextIO, value: Any) -> None:
    file.write(json.dumps(value, default=_text, separators=(",", ":")) + "\n")
