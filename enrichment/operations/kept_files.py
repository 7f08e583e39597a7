"""The files beside the database, in and out of a backup: those uploaded over the API, and reference tables.

In a backup each is a line `{"file": "tables/known-1f2e.csv"}`, followed by its bytes in lines of base64. What people
upload in the admin between two pages is not kept: it lives for a day.
"""

from __future__ import annotations

import binascii
import re
import shutil
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from enrichment.models import EnrichmentSource
from enrichment.tables import ADAPTER

_FOLDERS = ("api", "tables")
_NAME = re.compile(rf"(?:{'|'.join(_FOLDERS)})/[\w-][\w.-]{{0,199}}", re.ASCII)
_CHUNK = 48_000  # bytes of a line


class NotWritten(Exception):
    """A file cannot be written here; the text is one sentence for the operator."""


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"Files cannot be written to {settings.MEDIA_ROOT}: {error.strerror or error}."
        ) from None


def lines() -> Iterator[Any]:
    """The lines of all files; one that goes meanwhile is left out."""
    for folder in _FOLDERS:
        for path in sorted((Path(settings.MEDIA_ROOT) / folder).glob("*")):
            name = f"{folder}/{path.name}"
            if not _NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
                continue
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                yield {"file": name}
                while chunk := file.read(_CHUNK):
                    yield b64encode(chunk).decode()


class Incoming:
    """Files on their way in: gathered apart, and put in their places when all of them are there.

    Every method raises NotWritten when the disk does not take a file.
    """

    @_writing()
    def __init__(self) -> None:
        Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.MEDIA_ROOT))
        self._names: list[str] = []
        self._file: BinaryIO | None = None

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @_writing()
    def begin(self, name: object) -> None:
        """A file begins. Raises ValueError for a name that no backup gives."""
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in self._names:
            raise ValueError(f"{str(name)[:80]} is no name of a file")
        self._close()
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("xb")
        self._names.append(name)

    @_writing()
    def add(self, text: str) -> None:
        """More of the file that began last. Raises ValueError for what is no base64."""
        if self._file is None:
            raise ValueError("bytes of no file")
        try:
            self._file.write(b64decode(text, validate=True))
        except binascii.Error as error:
            raise ValueError(str(error)) from None

    @_writing()
    def place(self) -> None:
        """Move all files to where they belong; one of the same name is replaced."""
        self._close()
        for name in self._names:
            target = Path(settings.MEDIA_ROOT) / name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            (self._folder / name).replace(target)

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._file = None


def point_tables_here() -> int:
    """Let reference tables be read from this installation's folder, where their file is there; how many moved."""
    moved = []
    for source in EnrichmentSource.objects.filter(adapter=ADAPTER):
        here = Path(settings.MEDIA_ROOT) / "tables" / Path(str(source.settings.get("path", ""))).name
        if here.is_file() and source.settings["path"] != str(here):
            source.settings["path"] = str(here)
            moved.append(source)
    EnrichmentSource.objects.bulk_update(moved, ["settings"], batch_size=500)
    return len(moved)
