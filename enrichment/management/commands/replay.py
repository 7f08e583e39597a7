"""Reads kept answers of a source by the newer version of its adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment import replay, runs
from enrichment.models import EnrichmentSource
from enrichment.queries import described


class Command(BaseCommand):
    """`manage.py replay SOURCE [--apply]`"""

    help = "Read kept answers of a source by the newer version of its adapter: what would change, at no cost."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which source, and whether the changes are recorded."""
        parser.add_argument("source", help="its slug; `manage.py sources` lists them")
        parser.add_argument(
            "--apply", action="store_true", help="record the changes as a run, which can be undone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the differences; with --apply record them."""
        source = EnrichmentSource.objects.filter(slug=options["source"]).first()
        if source is None:
            raise CommandError(f"There is no source {options['source']}; `manage.py sources` lists them.")
        try:
            if not replay.waiting(source):
                self.stdout.write(
                    f"Nothing to read anew: the newest version of {source.label} has read every answer that is kept of it."
                )
                return
            for line in _lines(replay.preview(source)):
                self.stdout.write(line)
            if not options["apply"]:
                self.stdout.write("Nothing was changed: --apply records it.")
                return
            run = replay.begin(source)
            replay.apply(run)
        except runs.RunRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"Recorded as run {run.pk}; `manage.py undo_run {run.pk}` takes it back.")


def _lines(tally: replay.Tally) -> Iterator[str]:
    yield f"{tally.answers:,} kept answers about {tally.records:,} records, read anew; nobody is asked"
    if tally.unreadable:
        yield f"  {tally.unreadable:,} answers can no longer be read; what they said stays"
    if tally.in_doubt:
        yield f"  {tally.in_doubt:,} may be about several companies or were rejected; what they said stays"
    yield f"  {tally.new:,} values new, {tally.changed:,} changed, {tally.gone:,} gone"
    for slug, count in sorted(tally.by_attribute.items(), key=lambda each: -each[1]):
        yield f"    {count:7,}  {slug}"
    for shift in described(tally.first):
        yield f"  {shift.name}, {shift.attribute}: {shift.before or 'nothing'} → {shift.after or 'nothing'}"
