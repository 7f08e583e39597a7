"""`manage.py enrich`: a spreadsheet in, the enriched spreadsheet out."""

from __future__ import annotations

import hashlib
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.results import check_output, found_attributes, output_of, write_results
from crm.spreadsheets import import_file
from enrichment import runs, signals
from enrichment.follow_ups import follow_up
from enrichment.management.columns import columns_kept, columns_of_people, to_remember
from enrichment.management.quotes import quote_lines
from enrichment.management.wishes import read_wishes, words
from enrichment.models import EnrichmentRun
from enrichment.queries import attributes_of
from enrichment.registration import sync_sources
from enrichment.terminal import (
    INTERRUPTED,
    existing_file,
    outcome_lines,
    paused_text,
    prepare_database,
    summary_lines,
    work_with_bar,
)
from enrichment.wishes import Wishes
from sources.attributes import Kind

MOST_PARALLEL = 16
_PARALLEL = 5
_EXAMPLES = """
examples:
  manage.py enrich --input accounts.csv                          all sources that are on
  manage.py enrich --input accounts.csv --dry-run                what would be asked, and what it costs
  manage.py enrich --input accounts.csv --output out.xlsx --sources wikidata,gleif
  manage.py enrich --input people.xlsx --attributes job_title,employee_count --parallel 10
  manage.py enrich --input companies.csv --integrations find_ceo,linkedin_profile    and whom they name
  manage.py enrich --resume 7                                    go on with run 7, then write its output
"""


class Command(BaseCommand):
    """Enrich the rows of a file; they become records in a sheet named after it."""

    help = "Enrich a spreadsheet: CSV, XLSX, JSON or Parquet in and out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of design §9."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = _EXAMPLES
        parser.add_argument("--input", type=Path, help="the file to enrich")
        parser.add_argument("--output", type=Path, help="default: <input>_enriched")
        parser.add_argument(
            "--sources", "--integrations", default="", help="source slugs, separated by commas"
        )
        parser.add_argument(
            "--attributes", default="", help="attribute slugs or aliases, separated by commas"
        )
        parser.add_argument(
            "--parallel",
            type=int,
            help=f"questions at once, at most {MOST_PARALLEL} (default {_PARALLEL})",
        )
        parser.add_argument(
            "--resume", type=int, metavar="RUN", help="go on with a run, then write its output"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show questions and cost; ask nobody, store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, work, write, sum up."""
        try:
            self._enrich(options)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            text = "Stopped; nothing is half stored: type the command again."
            raise CommandError(text, returncode=INTERRUPTED) from None

    def _enrich(self, options: dict[str, Any]) -> None:
        started = time.monotonic()
        parallel = options["parallel"]
        if parallel is not None and not 1 <= parallel <= MOST_PARALLEL:
            raise ValueError(f"--parallel is a number from 1 to {MOST_PARALLEL}, not {parallel}.")
        prepare_database()
        if options["resume"] is not None:
            run = _resumed(options)
        else:
            if options["input"] is None:
                raise ValueError("Name the file: --input accounts.csv")
            check_output(options["output"] or output_of(existing_file(options["input"])), options["input"])
            if options["dry_run"]:
                self._preview(options)
                return
            run = self._imported(options)
        self._finish(run, options, started)

    def _imported(self, options: dict[str, Any]) -> EnrichmentRun:
        """A new run over the rows of the file."""
        sync_sources()
        path: Path = options["input"]
        wishes = self._wishes(options)
        print(f"Importing {path.name} …", file=sys.stderr, flush=True)
        run = import_file(
            path, name=path.name, kind=wishes.kind, enrich=wishes.kind in wishes.plans, wanted=wishes.wanted(wishes.kind),
            sources=wishes.sources, parallel=options["parallel"] or _PARALLEL,
        )  # fmt: skip
        output: Path = options["output"] or output_of(path)
        run.summary |= {"output": str(output.absolute()), **to_remember(wishes)}
        run.asks_next = wishes.next
        run.save(update_fields=["summary", "asks_next"])
        return run

    def _preview(self, options: dict[str, Any]) -> None:
        """Import and plan as a run would, say what would be asked, and take all of it back."""
        path: Path = options["input"]
        with transaction.atomic():
            sync_sources()
            wishes = self._wishes(options)
            run = import_file(path, name=path.name, kind=wishes.kind)
            lines = quote_lines(run, wishes)
            transaction.set_rollback(True)
        self.stdout.write("\n".join(lines))

    def _wishes(self, options: dict[str, Any]) -> Wishes:
        """What is asked for; says what cannot come true."""
        wishes = read_wishes(
            options["input"], attributes=words(options["attributes"]), sources=words(options["sources"])
        )
        for note in wishes.notes():
            self.stderr.write(f"Note: {note}")
        return wishes

    def _finish(self, run: EnrichmentRun, options: dict[str, Any], started: float) -> None:
        """Work on the run, and on the one that follows it; sum up, write the file."""
        _work(run, run)
        follower = None if run.is_open else follow_up(run)
        if follower:
            _work(follower, run)
        signals.sweep()  # no worker may be there to look
        columns, of_people = _columns(run), columns_of_people(run)
        self._sum_up(run, follower, columns, of_people)
        self.stdout.write(f"\n{time.monotonic() - started:.1f} seconds")
        output = options["output"] or _output_of(run)
        try:
            count = write_results(run, output, columns, of_people=of_people)
        except KeyboardInterrupt:
            text = f"Stopped before the file was written: {_resume(run)} writes it."
            raise CommandError(text, returncode=INTERRUPTED) from None
        self.stdout.write(f"Run {run.pk}: {count:,} rows written to {output}")
        for each in filter(None, (run, follower)):
            if each.is_open:
                self.stdout.write(f"Some answers come later; once they are there: {_resume(run)}")
            elif each.status != each.Status.COMPLETED:
                reason = f": {each.error}" if each.error else ""
                raise CommandError(
                    f"Run {each.pk} did not complete, it is {each.get_status_display()}{reason}."
                )

    def _sum_up(
        self,
        run: EnrichmentRun,
        follower: EnrichmentRun | None,
        columns: Mapping[str, str],
        of_people: Collection[str],
    ) -> None:
        own = attributes_of(Kind(run.kind))
        mine = {slug for name, slug in columns.items() if slug in own and name not in of_people}
        for line in summary_lines(run, _in_order(columns, mine)):
            self.stdout.write(line)
        if follower:
            whose = "companies" if follower.kind == Kind.ACCOUNT else "chief executives"
            self.stdout.write(f"\nTheir {whose}, run {follower.pk}")
            for line in outcome_lines(follower, _in_order(columns, set(columns.values()) - mine)):
                self.stdout.write(line)


def _in_order(columns: Mapping[str, str], some: Collection[str]) -> list[str]:
    """Some attributes in the order of their columns."""
    return [slug for slug in dict.fromkeys(columns.values()) if slug in some]


def _work(run: EnrichmentRun, first: EnrichmentRun) -> None:
    """Bring a run to its end; `first` is the run that Ctrl-C's message names. Raises CommandError when paused."""
    if run.status == run.Status.PAUSED:
        runs.resume(run)
        run.refresh_from_db()
    if run.is_open:
        work_with_bar(run, sys.stderr, resumed_by=_resume(first))
    if run.status == run.Status.PAUSED:
        raise CommandError(paused_text(run, _resume(first)), returncode=INTERRUPTED)


def _columns(run: EnrichmentRun) -> dict[str, str]:
    """The columns to write with their attributes: those asked for, else those sources name, then what was found."""
    if columns := columns_kept(run, "columns"):
        return columns
    named = columns_kept(run, "named")
    return named | {slug: slug for slug in found_attributes(run) if slug not in named.values()}


def _resume(run: EnrichmentRun) -> str:
    return f"manage.py enrich --resume {run.pk}"


def _resumed(options: dict[str, Any]) -> EnrichmentRun:
    """A run to go on with. Raises ValueError when there is nothing to go on with."""
    number, path = options["resume"], options["input"]
    run = EnrichmentRun.objects.filter(pk=number).first()
    if run is None:
        last = EnrichmentRun.objects.exclude(file_name="").first()
        raise ValueError(f"There is no run {number}." + (f" The newest is {last.pk}." if last else ""))
    if not run.file_name:
        raise ValueError(f"Run {number} was not started from a file; go on with it on its page in the admin.")
    if run.undone_at or run.status in (run.Status.CANCELED, run.Status.FAILED, run.Status.CRASHED):
        was = "undone" if run.undone_at else run.get_status_display()
        raise ValueError(f"Run {number} was {was} and cannot go on: start a new one with --input.")
    if options["sources"] or options["attributes"] or options["dry_run"]:
        raise ValueError(
            f"Run {number} keeps what it asks for: leave --sources, --attributes, --dry-run out."
        )
    if path and hashlib.sha256(existing_file(path).read_bytes()).hexdigest() != run.file_hash:
        raise ValueError(f"{path} is not the file of run {number}, {run.file_name}: leave --input out.")
    check_output(options["output"] or _output_of(run), path)
    if options["parallel"]:
        run.parallel = options["parallel"]
        run.save(update_fields=["parallel"])
    return run


def _output_of(run: EnrichmentRun) -> Path:
    """Where the output of a run goes; beside you for a file that came in through the admin."""
    return Path(run.summary.get("output") or output_of(Path(Path(run.file_name).name)))
