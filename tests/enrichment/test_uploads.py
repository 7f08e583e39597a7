"""Files that came in over the API go when nobody has used them for long."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from enrichment import tasks, uploads
from enrichment.models import ApiTask, EnrichmentRun, Heartbeat, RunOrigin, UploadedFile
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)
OLD = timedelta(days=31)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "api"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def keep(now: datetime, age: timedelta = OLD) -> UploadedFile:
    """A file that came in some time ago."""
    file = uploads.keep([b"name\nAcme\n"], name="a.csv", content_type="text/csv")
    UploadedFile.objects.filter(pk=file.pk).update(created_at=now - age)
    return file


def use(file: UploadedFile, at: datetime, **fields: Any) -> None:
    """A run that took rows from a file."""
    run = make_run(**({"status": "COMPLETED"} | fields))
    EnrichmentRun.objects.filter(pk=run.pk).update(created_at=at)
    RunOrigin.objects.create(run=run, file=file)


def name(file: UploadedFile) -> None:
    """A task that works on a file."""
    ApiTask.objects.create(
        name="T", flow="ingest", deployment="main", config={"type": "ingest", "file_id": f"{file.pk:024x}"}
    )


def left() -> set[int]:
    return set(UploadedFile.objects.values_list("pk", flat=True))


def test_a_file_that_was_not_used_for_long_goes_from_table_and_disk(now, folder):
    old, new = keep(now), keep(now, timedelta(days=29))
    use(old, now - OLD)
    assert uploads.tidy(now) == 1
    assert left() == {new.pk}
    assert [path.name for path in folder.iterdir()] == [new.stored]
    assert RunOrigin.objects.get().file is None


def test_a_file_that_somebody_needs_or_used_lately_stays(now, folder, monkeypatch):
    monkeypatch.setattr(uploads, "_AT_ONCE", 1)
    named, open_, lately, ended_lately, unused = (keep(now) for _ in range(5))
    name(named)
    use(open_, now - OLD, status="PAUSED")
    use(lately, now - timedelta(days=3))
    use(ended_lately, now - OLD, finished_at=now - timedelta(days=3))
    assert uploads.tidy(now) == 1
    assert left() == {named.pk, open_.pk, lately.pk, ended_lately.pk}
    assert unused.stored not in {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("days", [0, -1])
def test_all_files_may_be_kept(now, settings, days):
    settings.UPLOAD_DAYS = days
    file = keep(now)
    assert uploads.tidy(now) == 0
    assert left() == {file.pk}


def test_what_lies_on_disk_without_a_row_goes_after_a_day(now, folder, settings):
    settings.UPLOAD_DAYS = 0
    kept = keep(now)
    for path, hours in ((folder / "dead.csv", 25), (folder / "coming.csv", 1), (folder / kept.stored, 99)):
        path.write_text("name\n")
        at = (now - timedelta(hours=hours)).timestamp()
        os.utime(path, (at, at))
    uploads.tidy(now)
    assert {path.name for path in folder.iterdir()} == {"coming.csv", kept.stored}


def test_a_file_that_is_gone_from_disk_is_no_trouble(now, folder):
    (folder / keep(now).stored).unlink()
    assert uploads.tidy(now) == 1


def test_the_sweep_looks_once_an_hour(now, folder):
    keep(now)
    tasks.sweep()
    assert left() == set()
    file = keep(now)
    tasks.sweep()
    assert left() == {file.pk}
    Heartbeat.objects.filter(name="uploads").update(at=now - timedelta(hours=1))
    tasks.sweep()
    assert left() == set()


def test_many_files_take_few_queries(now, django_assert_max_num_queries):
    for _ in range(20):
        keep(now)
    with django_assert_max_num_queries(20):
        assert uploads.tidy(now) == 20
