"""The columns of the file that `enrich` writes, as a run remembers them."""

from __future__ import annotations

from typing import Any

from enrichment.models import EnrichmentRun
from enrichment.wishes import Wishes


def to_remember(wishes: Wishes) -> dict[str, Any]:
    """What a run keeps of the wishes for later: columns as pairs, since a database may reorder a mapping."""
    return {
        "columns": list(wishes.columns.items()),
        "named": list(wishes.named.items()),
        "of_people": list(wishes.people.columns) if wishes.people else [],
    }


def columns_kept(run: EnrichmentRun, which: str) -> dict[str, str]:
    """Columns of a run's output with their attributes: "columns" were asked for, "named" are the sources' own."""
    return dict(run.summary.get(which, ()))


def columns_of_people(run: EnrichmentRun) -> list[str]:
    """The columns of the output that rows of companies take from their chief executives."""
    return list(run.summary.get("of_people", ()))
