"""Writes a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment.operations import archive, sqlite_copy
from enrichment.operations.archive import BackupRefused


class Command(BaseCommand):
    """`manage.py backup FILE`"""

    help = (
        "Write a backup while web and workers go on. FILE.jsonl.gz: all records, claims and answers, with uploaded files "
        "and reference tables, for either kind of database, without users. FILE.sqlite3: a copy of the whole SQLite database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="a new file that ends in .jsonl.gz or .sqlite3")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write and say what is in it. Raises CommandError."""
        path: Path = options["file"]
        try:
            if path.name.endswith(".jsonl.gz"):
                counts = archive.write(path)
                told = ", ".join(
                    f"{count:,} {_called(label, count)}" for label, count in counts.items() if count
                )
                self.stdout.write(f"{path}: {told or 'no rows'}.")
            elif path.name.endswith(".sqlite3"):
                sqlite_copy.write(path)
                self.stdout.write(f"{path}: the whole database.")
                if Path(settings.MEDIA_ROOT).is_dir():
                    self.stdout.write(
                        f"Copy {settings.MEDIA_ROOT} too: it holds uploaded files and reference tables."
                    )
            else:
                raise CommandError(f"{path.name}: write a file that ends in .jsonl.gz or .sqlite3.")
        except BackupRefused as error:
            raise CommandError(str(error)) from None


def _called(label: str, count: int) -> str:
    """What people call the rows of a model, or the files."""
    if label == archive.FILES:
        return "file" if count == 1 else "files"
    meta = apps.get_model(label)._meta
    return str(meta.verbose_name if count == 1 else meta.verbose_name_plural)
