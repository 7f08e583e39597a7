"""Files that came in over the API: kept in the folder of uploads, read once to say what they hold, dropped when unused."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from enrichment import heartbeats
from enrichment.ids import id_of
from enrichment.models import ApiTask, EnrichmentRun, RunOrigin, UploadedFile
from sources.tables import Table, TableError, read

_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_PREVIEW = 5  # rows
_LONGEST_CELL = 500  # characters of a cell in the preview
_TIDIED, _EVERY = "uploads", timedelta(hours=1)
_COMING_IN = timedelta(days=1)
_AT_ONCE = 500


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
    for task in ApiTask.objects.filter(config__file_id__in=[id_of(pk) for pk in ids]).order_by("pk"):
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
    _delete([file])


def tidy(now: datetime) -> int:
    """Delete the files that were not used for `UPLOAD_DAYS` and that nothing needs; how many. Once an hour.

    A file is used when it comes in and while runs take rows from it. What lies on disk without a row, after a crash
    between the two, goes a day later.
    """
    if not heartbeats.is_turn(_TIDIED, _EVERY):
        return 0
    _delete_orphans(now)
    if settings.UPLOAD_DAYS <= 0:
        return 0
    since = now - timedelta(days=settings.UPLOAD_DAYS)
    of_runs = RunOrigin.objects.filter(file=OuterRef("pk"))
    lately = (
        Q(run__status__in=EnrichmentRun.OPEN) | Q(run__created_at__gte=since) | Q(run__finished_at__gte=since)
    )
    old = UploadedFile.objects.filter(~Exists(of_runs.filter(lately)), created_at__lt=since).order_by("pk")
    count = last = 0
    while files := list(old.filter(pk__gt=last)[:_AT_ONCE]):
        last, uses = files[-1].pk, uses_of(files)
        unused = [file for file in files if not uses[file.pk].is_needed]
        _delete(unused)
        count += len(unused)
    return count


def _delete(files: Sequence[UploadedFile]) -> None:
    """Delete rows, and what lies on disk once that is certain."""
    paths = [_folder() / file.stored for file in files]
    with transaction.atomic():
        UploadedFile.objects.filter(pk__in=[file.pk for file in files]).delete()
        transaction.on_commit(lambda: _unlink(paths))


def _delete_orphans(now: datetime) -> None:
    """Delete what lies on disk without a row; a file that still comes in has none yet."""
    before = (now - _COMING_IN).timestamp()
    with os.scandir(_folder()) as found:
        names = [entry.name for entry in found if entry.is_file() and entry.stat().st_mtime < before]
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        known = set(UploadedFile.objects.filter(stored__in=some).values_list("stored", flat=True))
        _unlink(_folder() / name for name in some if name not in known)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


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
