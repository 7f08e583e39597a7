"""Tries failed items of a run again, from the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment import retrying, runs
from enrichment.management.asking import ask_first
from enrichment.models import EnrichmentRun
from enrichment.names import slug_meant
from enrichment.terminal import INTERRUPTED, outcome_lines, paused_text, work_with_bar


class Command(BaseCommand):
    """`manage.py retry RUN [--source SLUG] [--state failed|skipped|review] [--item N] [--in-doubt] [--yes]`"""

    help = "Ask the failed sources of a run's items again, never what was answered."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and what of it."""
        parser.add_argument("run", type=int, help="the run's number, as in the address of its page")
        parser.add_argument("--source", default="", help="only the items for which this source failed")
        parser.add_argument("--state", default="", choices=[state.value for state in retrying.STATES], metavar="STATE", help="items of this state: failed (the default), skipped or review")  # fmt: skip
        parser.add_argument("--item", type=int, help="only this item, by its position in the run")
        parser.add_argument("--in-doubt", action="store_true", help="also questions that were sent and never answered: they may be paid twice")  # fmt: skip
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show what is asked and what it may cost, ask, then work on the run to its end."""
        run = EnrichmentRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        wish = retrying.Wish(slug_meant(options["source"]), options["state"], options["item"])
        with_doubts: bool = options["in_doubt"]
        try:
            seen = retrying.preview(run, wish)
            for line in _lines(seen, with_doubts=with_doubts):
                self.stdout.write(line)
            if seen.items or (with_doubts and seen.items_in_doubt):
                ask_first(self.stdout, "Try again?", is_sure=options["yes"])
            count = retrying.retry(run, wish, with_doubts=with_doubts)
        except runs.RunRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{count:,} items of run {run.pk} are tried again.")
        self._work(run)

    def _work(self, run: EnrichmentRun) -> None:
        """Beside any workers, as `enrich` does; a paused run waits for whoever paused it."""
        run.refresh_from_db()
        if run.status == run.Status.PAUSED:
            self.stdout.write("The run is paused: resume it on its page.")
            return
        resumed_by = (
            f"manage.py enrich --resume {run.pk}" if run.file_name else "Resume, on the page of the run"
        )
        work_with_bar(run, sys.stderr, resumed_by=resumed_by)
        if run.status == run.Status.PAUSED:
            raise CommandError(paused_text(run, resumed_by), returncode=INTERRUPTED)
        for line in outcome_lines(run, ()):
            self.stdout.write(line)


def _lines(seen: retrying.Preview, *, with_doubts: bool) -> Iterator[str]:
    for each in seen.sources:
        if each.items:
            yield f"{each.label}: {each.items:,} items, {each.credits:,} credits at most"
        if each.in_doubt:
            what = (
                "are asked again and may be paid twice"
                if with_doubts
                else "are left out; --in-doubt asks them, too"
            )
            yield (
                f"{each.label}: {each.in_doubt:,} questions in doubt, perhaps charged before, {what}: "
                f"{each.credits_in_doubt:,} credits at most"
            )
    for label, reason in seen.left_out.items():
        yield f"{label} is not asked: it {reason}"
