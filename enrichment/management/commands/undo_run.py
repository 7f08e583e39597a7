"""Undoes a run from the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count

from enrichment import claims
from enrichment.management.asking import ask_first
from enrichment.models import EnrichmentRun

_MOST_ATTRIBUTES = 12


class Command(BaseCommand):
    """`manage.py undo_run RUN [--yes]`"""

    help = "Leave values as if a run's answers had never been recorded, even after later runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and whether to ask first."""
        parser.add_argument("run", type=int, help="the run's number, as in the address of its page")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show what goes, ask, undo a run that has ended; doing it twice changes nothing."""
        run = EnrichmentRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        if run.is_open:
            raise CommandError(f"Run {run.pk} is {run.get_status_display()}: cancel it or let it end first.")
        for line in _at_stake(run):
            self.stdout.write(line)
        ask_first(self.stdout, f"Undo run {run.pk}?", is_sure=options["yes"])
        undone = claims.undo(run.pk)
        self.stdout.write(
            f"Run {run.pk} is undone. Records looked at: {undone.records}. "
            f"Current values changed: {undone.current}."
        )


def _at_stake(run: EnrichmentRun) -> Iterator[str]:
    """What the run wrote, by attribute, and what stays all the same."""
    yield f"Run {run.pk}, {run.name}, of {run.created_at:%Y-%m-%d %H:%M} UTC, {run.get_status_display()}"
    if run.undone_at:
        yield f"  It was undone on {run.undone_at:%Y-%m-%d %H:%M} UTC."
    standing = run.claims.filter(retracted_at=None)
    counts = dict(
        standing.order_by().values_list("attribute").annotate(n=Count("pk")).order_by("-n", "attribute")
    )
    records = standing.order_by().values("account", "contact").distinct().count()
    yield f"  {sum(counts.values()):,} values that it wrote on {records:,} records go, unless another run found the same"
    for slug, count in list(counts.items())[:_MOST_ATTRIBUTES]:
        yield f"    {count:7,}  {slug}"
    if len(counts) > _MOST_ATTRIBUTES:
        yield f"    and {len(counts) - _MOST_ATTRIBUTES} more attributes"
    made = run.items.filter(has_created_record=True).count()
    if made:
        yield f"  {made:,} records that it made stay"
