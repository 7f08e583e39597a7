"""`manage.py add_reference`: any table as a source."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrichment.models import EnrichmentSource
from enrichment.names import attribute_called
from enrichment.registration import sync_sources
from enrichment.tables import KEYS, check_slug, count_usable, guess_mapping, guess_reference, register
from enrichment.terminal import existing_file, prepare_database
from sources.attributes import Kind, find, slug_of
from sources.tables import Table, read

_EXAMPLES = """
examples:
  manage.py add_reference partners.csv --slug partners
  manage.py add_reference list.xlsx --slug list --key Site --map Site=domain --map Staff=headcount
  manage.py add_reference partners_2027.csv --slug partners --replace
"""


class Command(BaseCommand):
    """Register a CSV, XLSX, JSON or Parquet table as a source."""

    help = "Register a table as a source; columns named like an attribute map by themselves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE --slug S [--label L] [--key COLUMN] [--map COLUMN=ATTRIBUTE …] [--replace]"""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = _EXAMPLES
        parser.add_argument("file", type=Path, help="CSV, XLSX, JSON or Parquet")
        parser.add_argument("--slug", required=True, help="the word to type for it, such as partners")
        parser.add_argument("--label", default="", help="the name people read")
        parser.add_argument("--key", default="", help="the column that says whom a row is about")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=ATTRIBUTE",
            help="COLUMN= leaves a column out",
        )
        parser.add_argument("--reference", default="", help="the column that holds a link for each row")
        parser.add_argument("--rank", type=int, help="1 is trusted most (30 for a new source)")
        parser.add_argument(
            "--replace", action="store_true", help="put this table in the place of one there is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Register and say what was mapped."""
        prepare_database()
        sync_sources()
        try:
            path = existing_file(options["file"])
            known = self._replaced(options)
            table = read(path)
            mapping = _mapping(table, options["map"])
            reference = _header(table, options["reference"]) or guess_reference(table, mapping)
            source = register(
                path, slug=options["slug"], label=options["label"], key=_key(table, mapping, options["key"]),
                mapping=mapping, reference=reference, rank=options["rank"],
            )  # fmt: skip
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self._tell(table, source, is_new=known is None)

    def _replaced(self, options: dict[str, Any]) -> EnrichmentSource | None:
        """The source whose place the table takes. Raises ValueError unless that was asked for."""
        check_slug(options["slug"])
        if options["rank"] is not None and options["rank"] < 1:
            raise ValueError("--rank is a whole number from 1, which is trusted most.")
        known = EnrichmentSource.objects.filter(slug=options["slug"]).first()
        if known and not options["replace"]:
            raise ValueError(
                f"There is a table called {known.slug} already, {known.label}: "
                "add --replace to put this one in its place, or choose another slug."
            )
        return known

    def _tell(self, table: Table, source: EnrichmentSource, *, is_new: bool) -> None:
        mapping: dict[str, str] = source.settings["mapping"]
        used = {column: slug for column, slug in mapping.items() if slug}
        width = max(map(len, used))
        self.stdout.write("Mapped")
        for column, slug in used.items():
            self.stdout.write(f"  {column:{width}}  -> {slug}")
        if source.settings["reference"]:
            self.stdout.write(f"Reference of each row: {source.settings['reference']}")
        left = [each for each in table.header if each not in (*used, source.settings["reference"])]
        if left:
            self.stdout.write(f"Left out: {', '.join(left)} (--map COLUMN=ATTRIBUTE takes one in)")
        for warning in table.warnings[:5]:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(f"Rows: {len(table.rows)} read, {count_usable(table, used)} name a company")
        self.stdout.write(
            f"{source.label} is {'a source' if is_new else 'replaced'}: slug {source.slug}, on, rank {source.rank}, "
            f"refreshed {source.cadence}."
        )
        self.stdout.write(f"Next: manage.py enrich --input accounts.csv --sources {source.slug}")


def _mapping(table: Table, pairs: Iterable[str]) -> dict[str, str]:
    """What the headers say, and over it what the user says. Raises ValueError."""
    said: dict[str, str] = {}
    for text in pairs:
        column, sign, name = text.rpartition("=")
        if not sign or not column.strip():
            raise ValueError(f"'{text}' is no mapping: write COLUMN=ATTRIBUTE.")
        header = _header(table, column.strip())
        slug = attribute_called(name.strip(), Kind.ACCOUNT).slug if name.strip() else ""
        if said.get(header, slug) != slug:
            raise ValueError(f"{header} is mapped to {said[header]} and to {slug}: choose one.")
        said[header] = slug
    guessed = guess_mapping(table)
    given = set(said.values())
    return {
        header: slug for header, slug in guessed.items() if header not in said and slug not in given
    } | said


def _key(table: Table, mapping: dict[str, str], text: str) -> str:
    """The header of the key column, which may also be named by what it holds."""
    meant = find(text, Kind.ACCOUNT) if text else None
    holding = [header for header, slug in mapping.items() if meant and slug == meant.slug and slug in KEYS]
    return holding[0] if holding and text not in table.header else _header(table, text)


def _header(table: Table, text: str) -> str:
    """The column called `text`, in whatever capitals; `text` itself where there is none."""
    alike = [header for header in table.header if slug_of(header) == slug_of(text)]
    return text if text in table.header or len(alike) != 1 else alike[0]
