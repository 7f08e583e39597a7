"""Files that came in over the API: kept in the folder of uploads, read once to say what they hold, dropped when unused."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from enrichment.models import ApiTask, EnrichmentRun, RunOrigin, UploadedFile
from sources.tables import Table, TableError, read

_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_PREVIEW = 5  # rows
_LONGEST_CELL = 500  # characters of a cell in the preview


class FileRefused(ValueError):
    """The file cannot be kept; str() is one sentence."""


class FileTooLarge(FileRefused):
    """The file is larger than this installation takes."""


@dataclass(frozen=True, slots=True)
class Use:
    """Who works on a file: the tasks that name it, its runs in all, and how many of these are still open."""

    tasks: tuple[ApiTask, ...] = ()
    runs: int = 0
    open_runs: int = 0

    @property
    def is_needed(self) -> bool:
        """Whether a task or an open run would fail without the file; a run that ended keeps its rows itself."""
        return bool(self.tasks or self.open_runs)


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


def files_of(tasks: Iterable[ApiTask]) -> dict[int, UploadedFile]:
    """The file of each task, by the task's id (one query); tasks without one that is there are left out."""
    named = {task.pk: number for task in tasks if (number := _file_number(task.config)) is not None}
    files = UploadedFile.objects.in_bulk(set(named.values()))
    return {task: files[number] for task, number in named.items() if number in files}


def uses_of(files: Iterable[UploadedFile]) -> dict[int, Use]:
    """Who works on each of some files, by the file's id (two queries)."""
    ids = [file.pk for file in files]
    tasks: dict[int, list[ApiTask]] = {pk: [] for pk in ids}
    for task in ApiTask.objects.filter(config__file_id__in=[f"{pk:024x}" for pk in ids]).order_by("pk"):
        tasks[int(task.config["file_id"], 16)].append(task)
    is_open = Q(run__status__in=EnrichmentRun.OPEN)
    counted = RunOrigin.objects.filter(file__in=ids).order_by().values_list("file")
    runs = {
        pk: (every, still)
        for pk, every, still in counted.annotate(every=Count("pk"), still=Count("pk", filter=is_open))
    }
    return {pk: Use(tuple(tasks[pk]), *runs.get(pk, (0, 0))) for pk in ids}


def drop(file: UploadedFile) -> None:
    """Delete a file, its row and what lies on disk; raises FileRefused while it is needed."""
    if uses_of([file])[file.pk].is_needed:
        raise FileRefused(
            f"The file {file.name} is still needed: delete its tasks, and let its runs end, first."
        )
    path = _folder() / file.stored
    with transaction.atomic():
        file.delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


def _file_number(config: Mapping[str, object]) -> int | None:
    """The id of the file that a task's configuration names."""
    try:
        return int(str(config.get("file_id")), 16)
    except ValueError:
        return None


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
