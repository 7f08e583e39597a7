"""Files beside the database: in a backup, and back in an installation that lies elsewhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as shipped

from enrichment import tables, uploads
from enrichment.models import EnrichmentSource, UploadedFile
from enrichment.operations import kept_files
from tests.enrichment.backups import backed_up, empty, is_sqlite, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def moved(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files with an upload and a reference table; the one of after the restore is another."""
    monkeypatch.setattr(kept_files, "_CHUNK", 7)
    settings.MEDIA_ROOT = tmp_path / "before"
    uploads.keep([b"name\nAcme\n\xff"], name="a.csv", content_type="text/csv")
    table = tmp_path / "known.csv"
    table.write_text("domain,headcount\nacme.com,12\n")
    tables.register(table, slug="known", key="domain")
    return tmp_path / "after"


def test_uploads_and_reference_tables_come_back_elsewhere(tmp_path, settings, moved):
    file = UploadedFile.objects.get()
    content = uploads.path_of(file).read_bytes()
    path = backed_up(tmp_path)
    shutil.rmtree(settings.MEDIA_ROOT)
    empty()
    settings.MEDIA_ROOT = moved
    assert "2 files" in say("restore", str(path))
    assert uploads.path_of(UploadedFile.objects.get()).read_bytes() == content
    known = EnrichmentSource.objects.get(slug="known")
    assert Path(known.settings["path"]).parent == moved / "tables"
    assert Path(known.settings["path"]).read_text().endswith("acme.com,12\n")
    assert sorted(path.name for path in moved.iterdir()) == ["api", "tables"]


def test_what_lies_elsewhere_or_leads_elsewhere_is_not_kept(tmp_path, settings, moved):
    folder = Path(settings.MEDIA_ROOT)
    (folder / "uploads").mkdir()
    (folder / "uploads" / "draft.csv").write_text("x")
    (folder / "api" / "folder").mkdir()
    os.symlink("/etc/hostname", folder / "api" / "link.csv")
    names = [line["file"] for line in kept_files.lines() if isinstance(line, dict)]
    assert [name.partition("/")[0] for name in names] == ["api", "tables"]


@pytest.mark.skipif(not is_sqlite, reason="the database is not SQLite")
def test_beside_a_copy_of_sqlite_the_folder_is_named(tmp_path, moved):
    assert f"Copy {shipped.MEDIA_ROOT} too" in say("backup", str(tmp_path / "copy.sqlite3"))
    assert "Copy" not in say("backup", str(tmp_path / "all.jsonl.gz"))
