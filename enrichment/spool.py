"""Answers that the database does not take just now: kept in a file that was made ready before anything was asked.

An answer may have cost money, so a full disk, a database that restarts and a lock that lasts must not lose it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from enrichment import ledger
from enrichment.line import Ended
from sources.contract import Payload, Pending, Subject
from sources.errors import SourceError

Answer = tuple[int, Payload | Pending]
"""A lookup, and what came to its question."""

_Ended = Ended[list[tuple[str, Subject]], Sequence[Payload | Pending | SourceError] | None]

PATIENCE = 30.0  # seconds for which the database is tried again
LEAST_FREE = 256_000_000  # bytes of disk below which nothing is asked
_LARGEST_ANSWERS, _MOST_FREE = 200, 1_000_000_000
_READY = 4_000_000  # bytes of a file made ready
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 3.0  # seconds between two tries

_log = logging.getLogger(__name__)


def answers_of(ended: Iterable[_Ended], lookups: Mapping[str, int]) -> list[Answer]:
    """What is to be kept of calls that ended."""
    pairs = (pair for group, answers, _ in ended for pair in zip(group, answers or (), strict=False))
    return [(lookups[key], each) for (key, _), each in pairs if isinstance(each, Payload | Pending)]


class Spool:
    """Stores answers of one worker; what the database refuses is in its file until it is taken.

    `want`: why there is no file though there should be one.
    """

    def __init__(self, file: int | None, *, want: str = "") -> None:
        self._file, self._end, self._want = file, 0, want

    def want_of_room(self, largest: int) -> str:
        """Why nothing may be asked whose answer has up to `largest` bytes: one sentence; "" when there is room."""
        needed = min(max(LEAST_FREE, _LARGEST_ANSWERS * largest), max(LEAST_FREE, _MOST_FREE))
        for folder in {Path(settings.HOME), _database_folder()}:
            free = shutil.disk_usage(folder).free
            if free < needed:
                return (
                    f"only {free / 1e6:,.0f} MB are free in {folder}: make room, nothing is asked until then"
                )
        return self._want

    def store(self, answers: Sequence[Answer], *, patience: float | None = None) -> None:
        """Keep answers in the ledger; meanwhile, and for the sweep if that fails for good, in the file.

        The write is tried again, never the call. Raises OperationalError or InterfaceError after `patience` seconds.
        """
        if not answers:
            return
        until = time.monotonic() + (PATIENCE if patience is None else patience)
        wait, began, is_written = _FIRST_WAIT, self._end, False
        while True:
            try:
                connection.ensure_connection()
                _take(answers)
            except (OperationalError, InterfaceError) as error:
                is_written = is_written or self._write(answers)
                if connection.in_atomic_block or time.monotonic() > until:
                    raise
                _log.warning("The database does not take answers: %s; trying again.", error)
                connection.close()
                time.sleep(wait * SystemRandom().uniform(0.5, 1.5))
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                if is_written:
                    self._forget(began)
                return

    def _write(self, answers: Sequence[Answer]) -> bool:
        """Append answers to the file; False: there is none, or it takes them neither."""
        if self._file is None:
            return False
        text = b"".join(_dumped(each) for each in answers)
        try:
            os.pwrite(self._file, text, self._end)
            os.fdatasync(self._file)
        except OSError:
            _log.exception("%d answers cannot be written down.", len(answers))
            return False
        self._end += len(text)
        return True

    def _forget(self, began: int) -> None:
        """Take back what was written from `began` on."""
        if self._file is not None:
            os.pwrite(self._file, b"\0" * (self._end - began), began)
            self._end = began

    @property
    def is_empty(self) -> bool:
        """Whether all answers are in the database."""
        return self._end == 0


@contextmanager
def opened(*, is_paid: bool) -> Iterator[Spool]:
    """A spool; of a paid source with a file that has its place on the disk already."""
    if not is_paid:
        yield Spool(None)
        return
    try:
        number, name = _made_ready()
    except OSError as error:
        yield Spool(
            None,
            want=f"answers cannot be kept in {settings.HOME}: {error.strerror}; nothing is asked until then",
        )
        return
    try:
        spool = Spool(number)
        yield spool
        if spool.is_empty:
            os.unlink(name)
    finally:
        os.close(number)


def _made_ready() -> tuple[int, str]:
    """A new file that nobody else reads until this process ends, and its name. Raises OSError."""
    number, name = tempfile.mkstemp(".answers", dir=_folder())
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            os.posix_fallocate(number, 0, _READY)
            return number, name
    except OSError:
        os.unlink(name)
        os.close(number)
        raise
    os.close(number)  # a sweep was quicker: it took the file for one left behind
    return _made_ready()


def left_behind() -> Iterator[list[Answer]]:
    """The answers of each file whose worker is done with it; a file is gone once its answers were worked through."""
    for path in sorted(_folder().glob("*.answers")):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield list(_read(file.read()))
            path.unlink()


def _take(answers: Sequence[Answer]) -> None:
    ledger.store([(lookup, each) for lookup, each in answers if isinstance(each, Payload)])
    ledger.wait_for([(lookup, each) for lookup, each in answers if isinstance(each, Pending)])


def _dumped(answer: Answer) -> bytes:
    """One line."""
    lookup, each = answer
    told: dict[str, Any]
    if isinstance(each, Pending):
        told = {"token": each.token, "poll_in": each.poll_in}
    else:
        told = {
            "status": each.status, "url": each.url, "headers": dict(each.headers),
            "body": base64.b64encode(each.body).decode(),
        }  # fmt: skip
    return json.dumps({"lookup": lookup} | told).encode() + b"\n"


def _read(data: bytes) -> Iterator[Answer]:
    for line in data.split(b"\n"):
        text = line.strip(b"\0")
        try:
            told = json.loads(text) if text else None
        except ValueError:
            _log.error("An answer in the spool was cut off in the middle: its question stays in doubt.")
            continue
        if told is not None:
            yield told["lookup"], _answer(told)


def _answer(told: dict[str, Any]) -> Payload | Pending:
    if "token" in told:
        # Files of older versions have `poll_at`, a moment that has come by now.
        return Pending(token=told["token"], poll_in=told.get("poll_in", 0.0 if told.get("poll_at") else None))
    headers = told["headers"]
    return Payload(
        status=int(str(told["status"])),
        url=str(told["url"]),
        headers=headers if isinstance(headers, dict) else {},
        body=base64.b64decode(str(told["body"])),
    )


def _folder() -> Path:
    folder = Path(settings.HOME) / "spool"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _database_folder() -> Path:
    """Where SQLite's file grows; a server has its own disk, which nobody here can see."""
    path = Path(str(connection.settings_dict["NAME"]))
    return path.parent if connection.vendor == "sqlite" and path.is_file() else Path(settings.HOME)
