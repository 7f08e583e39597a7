"""Files that came in over the API: kept in the folder of uploads, read once to say what they hold."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from enrichment.models import UploadedFile
from sources.tables import Table, TableError, read

_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_PREVIEW = 5  # rows
_LONGEST_CELL = 500  # characters of a cell in the preview


class FileRefused(ValueError):
    """The file cannot be kept; str() is one sentence."""


class FileTooLarge(FileRefused):
    """The file is larger than this installation takes."""


def keep(chunks: Iterable[bytes], *, name: str, content_type: str) -> UploadedFile:
    """Write a file to disk piece by piece, and say what table it holds.

    Raises FileRefused for what is too large or no table; then nothing is kept.
    """
    name = Path(name.replace("\\", "/")).name.replace("\0", "")[:255] or "upload.csv"
    ending = Path(name).suffix.lower()
    stored = secrets.token_hex(16) + (ending if _ENDING.fullmatch(ending) else "")
    path = _folder() / stored
    try:
        size = _write(path, chunks)
        table = read(path, name=name)
    except (TableError, FileRefused) as error:
        path.unlink(missing_ok=True)
        raise error if isinstance(error, FileRefused) else FileRefused(str(error)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return UploadedFile.objects.create(
        name=name, stored=stored, content_type=content_type[:150], size=size, table=_told(table)
    )


def path_of(file: UploadedFile) -> Path:
    """Where a file lies; raises FileRefused when it is gone."""
    path = _folder() / file.stored
    if not path.is_file():
        raise FileRefused(f"The file {file.name} is no longer there: upload it again.")
    return path


def _write(path: Path, chunks: Iterable[bytes]) -> int:
    size, most = 0, settings.UPLOAD_MAX_BYTES
    with path.open("wb") as out:
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise FileTooLarge(
                    f"The file is larger than {most // 1_000_000} MB: split it into smaller files."
                )
            out.write(chunk)
    return size


def _told(table: Table) -> dict[str, object]:
    rows = [[cell[:_LONGEST_CELL] for cell in row] for row in table.rows[:_PREVIEW]]
    return {
        "row_count": len(table.rows), "columns": list(table.header), "encoding": table.encoding or "utf-8",
        "preview_rows": [dict(zip(table.header, row, strict=True)) for row in rows],
    }  # fmt: skip


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "api"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
