"""What is no good backup is refused with one sentence and changes nothing."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from crm.models import Account
from enrichment.models import (
    AttributeValue,
    EnrichmentSource,
    Lookup,
    Preferences,
)
from enrichment.operations import archive
from enrichment.registration import sync_sources
from tests.enrichment.backups import (
    backed_up,
    empty,
    make_world,
    rewritten,
    say,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """Where files lie; the same place that `elsewhere` has."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


def shortened(path: Path) -> Path:
    """A copy whose end is missing, as after a full disk."""
    copy = path.with_name("short.jsonl.gz")
    copy.write_bytes(path.read_bytes()[:-40])
    return copy


def flipped(path: Path) -> Path:
    """A copy in which some bytes were written wrongly."""
    data = bytearray(path.read_bytes())
    for index in range(len(data) // 2, len(data) // 2 + 20):
        data[index] ^= 0x55
    copy = path.with_name("flipped.jsonl.gz")
    copy.write_bytes(bytes(data))
    return copy


def without_a_row(path: Path) -> Path:
    return rewritten(path, lambda lines: [line for line in lines if '"Mid-size"' not in line])


def with_more(path: Path) -> Path:
    return rewritten(path, lambda lines: [*lines, "[]"])


def with_a_narrow_row(path: Path) -> Path:
    return rewritten(path, lambda lines: [*lines[:2], "[1]", *lines[2:]])


def with_a_wrong_value(path: Path) -> Path:
    def change(lines: list[str]) -> list[str]:
        return [line.replace('"0.012345"', '"a lot"') for line in lines]

    return rewritten(path, change)


def with_a_huge_number(path: Path) -> Path:
    return rewritten(path, lambda lines: [line.replace(str(10**15), str(10**30)) for line in lines])


def with_a_foreign_table(path: Path) -> Path:
    return rewritten(path, lambda lines: [line.replace("crm.account", "auth.user") for line in lines])


def with_a_lost_owner(path: Path) -> Path:
    """Its sheet entry names an account that is not there."""

    def change(lines: list[str]) -> list[str]:
        index = next(number for number, line in enumerate(lines) if '"crm.sheetentry"' in line) + 1
        row = json.loads(lines[index])
        row[2] = 999
        return [*lines[:index], json.dumps(row), *lines[index + 1 :]]

    return rewritten(path, change)


def with_another_file(name: str, text: str = "bmFtZQo="):
    """A copy with one more file."""

    def change(path: Path) -> Path:
        more = [json.dumps({"file": name}), json.dumps(text)]
        return rewritten(path, lambda lines: [*lines[:-1], *more, lines[-1]])

    return change


def with_bytes_of_no_file(path: Path) -> Path:
    return rewritten(path, lambda lines: [line for line in lines if not line.startswith('{"file"')])


@pytest.mark.parametrize(
    "damage",
    [
        shortened, flipped, without_a_row, with_more, with_a_narrow_row, with_a_wrong_value, with_a_huge_number,
        with_a_foreign_table, with_a_lost_owner, with_bytes_of_no_file, with_another_file("api/x.csv"),
        with_another_file("api/../../evil.csv"), with_another_file("/etc/evil"), with_another_file("uploads/x.csv"),
        with_another_file("tables/x.csv", "no base64!"), with_another_file("api/.hidden"),
    ],
    ids=[
        "shortened", "flipped", "a row less", "more", "narrow row", "wrong value", "huge number", "foreign table", "lost owner",
        "bytes of no file", "a file too many", "a file outside", "an absolute name", "another folder", "no base64", "hidden",
    ],
)  # fmt: skip
def test_a_damaged_backup_changes_nothing(tmp_path, files, damage):
    make_world()
    path = damage(backed_up(tmp_path))
    empty()
    shutil.rmtree(files)
    sync_sources()
    before = set(EnrichmentSource.objects.values_list("slug", flat=True))
    with pytest.raises(CommandError, match="is damaged"):
        say("restore", str(path))
    assert set(EnrichmentSource.objects.values_list("slug", flat=True)) == before
    assert not list(files.glob("*"))
    assert not any(model._base_manager.exists() for model in (Account, Lookup, AttributeValue, Preferences))


def test_a_backup_of_another_version_is_refused(tmp_path):
    here = archive.migrations()["crm"]
    path = rewritten(backed_up(tmp_path), lambda lines: [lines[0].replace(here, "9999_later"), *lines[1:]])
    with pytest.raises(
        CommandError, match=r"was made by another version of Footnote \(its tables: 9999_later, "
    ):
        say("restore", str(path))


@pytest.mark.parametrize(
    "text",
    [b"", b"name,domain\nAcme,acme.com\n", gzip.compress(b'{"format": 1}\n'), gzip.compress(b"")],
    ids=["empty", "a spreadsheet", "a header alone", "an empty archive"],
)
def test_what_is_no_backup_is_refused(tmp_path, text):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(text)
    with pytest.raises(CommandError, match=r"no backup|damaged"):
        say("restore", str(path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"gone\.jsonl\.gz cannot be read: No such file"):
        say("restore", str(tmp_path / "gone.jsonl.gz"))


def test_a_disk_that_takes_no_files_is_told_and_changes_nothing(tmp_path, files):
    make_world()
    path = backed_up(tmp_path)
    empty()
    shutil.rmtree(files)
    files.write_text("in the way")
    with pytest.raises(CommandError, match=r"Files cannot be written to .*/files: "):
        say("restore", str(path))
    assert not Account.objects.exists()
