"""Reads a backup back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment.operations import restoring, sqlite_copy
from enrichment.operations.archive import BackupRefused


class Command(BaseCommand):
    """`manage.py restore FILE` and, when all is well, `manage.py restore --confirm`"""

    help = (
        "Read a backup into an empty database. Afterwards paid sources are held and runs are paused, until you "
        "looked at it and confirm."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """A file, or the word that lets paid sources go."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("file", nargs="?", type=Path, help="made by manage.py backup")
        what.add_argument("--confirm", action="store_true", help="let paid sources be asked again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and say what to do next. Raises CommandError."""
        if options["confirm"]:
            was_held = restoring.confirm()
            self.stdout.write(
                "Paid sources may be asked again."
                if was_held
                else "Paid sources were not held; nothing changed."
            )
            return
        path: Path = options["file"]
        try:
            if path.name.endswith(".sqlite3"):
                sqlite_copy.restore(path)
                self.stdout.write(f"{path.name} is restored.")
            else:
                counts = restoring.restore(path)
                told = ", ".join(f"{count:,} {label}" for label, count in counts.items() if count)
                self.stdout.write(f"{path.name} is restored: {told or 'no rows'}.")
        except BackupRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            "Paid sources are held: what was asked since the backup is not known here. Look at the records, then "
            "run manage.py restore --confirm (or untick it under Preferences) and resume the paused runs."
        )
