"""A fault at one point of a process: at the N-th thing it does to its database or to a vendor."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import psycopg
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from sources.http import Client

_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|COPY)\s+\"?(\w+)", re.IGNORECASE)
CALL, COMMIT = "call", "commit"

Meet = Callable[[str], None]


def die(point: str) -> None:
    """End this process at once, as a power cut or the kernel would."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(point: str) -> None:
    """What a database says whose disk is full, whose server restarts or that somebody else holds; calls go on."""
    if not point.endswith(CALL):
        raise OperationalError("database or disk is full")


class Fault:
    """Counts two points for each write, commit and call: before it (even numbers) and after it (odd ones).

    `meet` is called with the name of point number `at`, and where it `lasts` with those of all later ones; `names`
    says what each point was about.
    """

    def __init__(self, at: int, meet: Meet = die, *, lasts: bool = False) -> None:
        self.at, self.meet, self.lasts, self.is_met = at, meet, lasts, False
        self.names: list[str] = []
        self._lock = threading.Lock()

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        """Both points of one thing that is done."""
        self._pass(f"before {what}")
        yield
        self._pass(f"after {what}")

    def _pass(self, name: str) -> None:
        with self._lock:
            number = len(self.names)
            self.names.append(name)
        if number == self.at or (self.is_met and self.lasts):
            self.is_met = True
            self.meet(name)

    def install(self) -> None:
        """Stand between this process and its database and vendors, for good."""
        self._watch(Client, "_exchange", lambda *_: CALL)
        self._watch(BaseDatabaseWrapper, "_commit", lambda *_: COMMIT)
        if connection.vendor == "sqlite":
            for name in ("execute", "executemany"):
                self._watch(SQLiteCursorWrapper, name, _write)
            return
        for name in ("execute", "executemany"):
            self._watch(psycopg.Cursor, name, _write)
        copy = psycopg.Cursor.copy

        @contextmanager
        def copying(cursor: Any, statement: Any, *rest: Any, **more: Any) -> Iterator[Any]:
            with (
                self.around(_write(cursor, statement) or "COPY"),
                copy(cursor, statement, *rest, **more) as each,
            ):
                yield each

        _put(psycopg.Cursor, "copy", copying)

    def _watch(self, owner: type, name: str, told: Callable[..., str]) -> None:
        """Put a fault around a method; `told` gives the name of what it does, "" where that is no point."""
        inner = getattr(owner, name)

        @wraps(inner)
        def outer(*positional: Any, **named: Any) -> Any:
            what = told(*positional)
            if not what:
                return inner(*positional, **named)
            with self.around(what):
                return inner(*positional, **named)

        _put(owner, name, outer)


def _put(owner: type, name: str, method: Callable[..., Any]) -> None:
    setattr(owner, name, method)


def _write(cursor: Any, statement: Any = "", *rest: Any) -> str:
    """What a statement writes to; "" when it only reads."""
    text = statement.decode() if isinstance(statement, bytes) else str(statement)
    found = _WRITES.match(text)
    return f"{text.split(None, 1)[0].upper()} {found[1]}" if found else ""
