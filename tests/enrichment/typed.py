"""Commands as they are typed, and the files they write."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from crm.models import Account, Contact, Sheet
from enrichment.models import AttributeValue, EnrichmentRun, EnrichmentSource, Lookup, RunItem


def say(command: str, *options: object) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, *map(str, options), stdout=out, stderr=out)
    return out.getvalue()


def words_of(said: str) -> list[str]:
    """Lines without the blanks that make columns of them."""
    return [" ".join(line.split()) for line in said.splitlines()]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def counts() -> tuple[int, ...]:
    """How many rows the tables hold that an enrichment writes to."""
    models: tuple[Any, ...] = (
        Account, Contact, Sheet, EnrichmentRun, EnrichmentSource, RunItem, Lookup, AttributeValue,
    )  # fmt: skip
    return tuple(model.objects.count() for model in models)
