"""Rows of EnrichmentSource for the writers and for every adapter the registry finds."""

from __future__ import annotations

from collections.abc import Iterable

from enrichment.models import CustomAttribute, EnrichmentSource
from enrichment.models.attribute import BOTH
from enrichment.winner import API, COMPANY, SPREADSHEET, USER
from sources import registry
from sources.attributes import BY_SLUG
from sources.contract import Source

_WRITERS = (
    (USER, "Typed by a person", 1),
    (API, "Written over the API", 20),
    (SPREADSHEET, "Spreadsheet", 50),
    (COMPANY, "What is said of the person's company", 150),
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
    _add_attributes(registry.adapters().values())
    return [row.slug for row in new]


def _add_attributes(adapters: Iterable[Source]) -> None:
    """What a source gives and the catalogue does not name becomes an attribute of the team: a text."""
    told = {slug: adapter for adapter in adapters for slug in adapter.provides if slug not in BY_SLUG}
    known = set(CustomAttribute.objects.filter(slug__in=told).values_list("slug", flat=True)) if told else ()
    rows = [
        CustomAttribute(
            slug=slug, label=slug.replace("_", " ").capitalize()[:100], description=f"Given by {adapter.label}.",
            kind=BOTH if len(adapter.kinds) > 1 else next(iter(adapter.kinds)).value,
        )
        for slug, adapter in told.items()
        if slug not in known
    ]  # fmt: skip
    CustomAttribute.objects.bulk_create(rows, ignore_conflicts=True)


def adapter_of(source: EnrichmentSource) -> Source | None:
    """The adapter of a source with the source's settings; None for a writer, or when it is not installed."""
    adapter = registry.adapters().get(source.adapter)
    return adapter.configured(source.settings) if adapter else None


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
