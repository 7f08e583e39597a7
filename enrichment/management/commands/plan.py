"""`manage.py plan`: who would be asked for what, in which order, at which cost, and what is missing."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.headers import Headers
from enrichment.management.chains import Chain, chain_lines, chain_of
from enrichment.management.wishes import headers_of, words
from enrichment.registration import sync_sources
from enrichment.terminal import existing_file, prepare_database
from sources.tables import read

_EXAMPLES = """
examples:
  manage.py plan --attributes ceo_email --columns domain
  manage.py plan --attributes headline,headcount --input companies.csv
  manage.py plan --sources find_ceo,linkedin_profile --columns company_domain
"""


class Command(BaseCommand):
    """Show the chain of sources for a wish."""

    help = (
        "Show which sources would be asked for attributes, in which order, what it costs and what is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--attributes x,y | --sources a,b, and --columns c,d | --input FILE"""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = _EXAMPLES
        parser.add_argument(
            "--attributes", default="", help="what is wanted: slugs or aliases, separated by commas"
        )
        parser.add_argument(
            "--sources", "--integrations", default="", help="only these sources, separated by commas"
        )
        parser.add_argument(
            "--columns", default="", help="the columns that the rows have, separated by commas"
        )
        parser.add_argument("--input", type=Path, help="or a file that has them")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the chain; an attribute that cannot be had from these columns is an error."""
        prepare_database()
        sync_sources()
        attributes, sources = words(options["attributes"]), words(options["sources"])
        try:
            if not attributes and not sources:
                raise ValueError("Say what is wanted: --attributes ceo_email, or --sources a,b.")
            chain = chain_of(_headers(options), attributes=attributes, sources=sources)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        if chain.links:
            self.stdout.write("\n".join(chain_lines(chain)))
        if problem := _problem(chain):
            raise CommandError(problem)


def _headers(options: dict[str, Any]) -> Headers:
    """What the columns mean; raises ValueError."""
    sources = words(options["sources"])
    if options["input"]:
        table = read(existing_file(options["input"]))
        return headers_of(table.header, table.rows[:200], sources)
    columns = words(options["columns"])
    if not columns:
        raise ValueError("Say what the rows have: --columns domain, or --input accounts.csv.")
    return headers_of(columns, (), sources)


def _problem(chain: Chain) -> str:
    """Why what is wanted cannot be had with whatever keys; "" when it can."""
    if not chain.links:
        reasons = "; ".join(f"{slug} {reason}" for slug, reason in chain.left_out)
        return f"No source gives {', '.join(chain.wishes.columns) or 'anything about such rows'}" + (
            f": {reasons}." if reasons else "."
        )
    names = chain.unreached(as_things_are=False)
    blocked = [link for link in chain.links if link.lacking]
    if not names and len(blocked) < len(chain.links):
        return ""
    if not blocked:
        return f"No source gives {', '.join(names)}."
    first = blocked[0]
    wanted = f"{', '.join(names)} cannot be had" if names else "Nothing can be asked"
    return f"{wanted} from these columns: {first.step.source.slug} needs {' and '.join(first.lacking)}. Add such a column."
