"""Rows of EnrichmentSource for the writers and for every adapter the registry finds."""

from __future__ import annotations

from enrichment.models import EnrichmentSource
from enrichment.winner import API, SPREADSHEET, USER
from sources import registry
from sources.contract import Source

_WRITERS = (
    (USER, "Typed by a person", 1),
    (API, "Written over the API", 20),
    (SPREADSHEET, "Spreadsheet", 50),
)


def sync_sources() -> list[str]:
    """Make the rows that are missing; what users changed stays. Returns the slugs that are new."""
    known = set(EnrichmentSource.objects.values_list("slug", flat=True))
    rows = [
        EnrichmentSource(slug=slug, label=label, rank=rank, is_enabled=True, cadence="never")
        for slug, label, rank in _WRITERS
    ]
    rows += [row_of(adapter) for adapter in registry.adapters().values() if not adapter.template]
    new = [row for row in rows if row.slug not in known]
    EnrichmentSource.objects.bulk_create(new, ignore_conflicts=True)
    return [row.slug for row in new]


def row_of(adapter: Source) -> EnrichmentSource:
    """An unsaved row with the adapter's own declarations; off until a user turns it on."""
    return EnrichmentSource(
        slug=adapter.slug,
        adapter=adapter.slug,
        label=adapter.label,
        cadence=adapter.cadence.text,
        cost=adapter.cost.credits,
        charges_miss=adapter.cost.charges_miss,
        only_when_missing=adapter.cost.credits > 0,
        asks_new=adapter.cost.credits == 0,
    )
