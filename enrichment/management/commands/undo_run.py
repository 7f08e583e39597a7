"""Undoes a run from the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment import undoing
from enrichment.management.asking import ask_first
from enrichment.models import EnrichmentRun
from enrichment.queries import described

_MOST_ATTRIBUTES = 12


class Command(BaseCommand):
    """`manage.py undo_run RUN [--remove-created] [--yes]`"""

    help = "Leave values as if a run's answers had never been recorded, even after later runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and whether to ask first."""
        parser.add_argument("run", type=int, help="the run's number, as in the address of its page")
        parser.add_argument("--remove-created", action="store_true", help="also remove the records that it made and nobody else touched")  # fmt: skip
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show what goes, ask, undo a run that has ended; doing it twice changes nothing."""
        run = EnrichmentRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        if run.is_open:
            raise CommandError(f"Run {run.pk} is {run.get_status_display()}: cancel it or let it end first.")
        for line in _at_stake(run, is_removing=options["remove_created"]):
            self.stdout.write(line)
        ask_first(self.stdout, f"Undo run {run.pk}?", is_sure=options["yes"])
        undone = undoing.undo(run, remove_created=options["remove_created"])
        removed = f" Records removed: {undone.removed}." if options["remove_created"] else ""
        self.stdout.write(
            f"Run {run.pk} is undone. Records looked at: {undone.records}. "
            f"Current values changed: {undone.current}.{removed}"
        )


def _at_stake(run: EnrichmentRun, *, is_removing: bool) -> Iterator[str]:
    """What undoing would change, by attribute and the first values, and what stays all the same."""
    yield f"Run {run.pk}, {run.name}, of {run.created_at:%Y-%m-%d %H:%M} UTC, {run.get_status_display()}"
    if run.undone_at:
        yield f"  It was undone on {run.undone_at:%Y-%m-%d %H:%M} UTC."
    seen = undoing.preview(run)
    yield f"  {seen.answers:,} answers about {seen.records:,} records no longer count"
    part = "" if seen.is_whole or run.undone_at else f", of the first {seen.looked_at:,} records"
    yield f"  {seen.goes:,} values go, {seen.comes_back:,} come back as they were before{part}"
    counts = sorted(seen.by_attribute.items(), key=lambda each: (-each[1], each[0]))
    for slug, count in counts[:_MOST_ATTRIBUTES]:
        yield f"    {count:7,}  {slug}"
    if len(counts) > _MOST_ATTRIBUTES:
        yield f"    and {len(counts) - _MOST_ATTRIBUTES} more attributes"
    for shift in described(seen.first):
        yield f"  {shift.name}, {shift.attribute}: {shift.before or 'nothing'} → {shift.after or 'nothing'}"
    if seen.created:
        rest = f"; {seen.removable:,} that nobody else touched are removed" if is_removing else " stay"
        tail = (
            ""
            if is_removing or not seen.removable
            else f"; --remove-created removes {seen.removable:,} that nobody else touched"
        )
        yield f"  {seen.created:,} records that it made{rest}{tail}"
