"""What one record shows: each attribute's current value, and all claims that were ever made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import Record
from enrichment.models import AttributeValue, EnrichmentSource
from enrichment.queries.catalogue import describe
from enrichment.queries.checked import newest_checks
from enrichment.winner import USER
from sources.attributes import BY_SLUG, Attribute
from sources.display import display


@dataclass(frozen=True, slots=True)
class Shown:
    """The current value of one attribute of a record.

    `updated_at` is when its source last confirmed what it knows of the record: the newest standing
    check that found something, or `created_at` for a writer, which nobody asks.
    """

    slug: str
    label: str
    unit: str
    value: Any
    display: str
    references: tuple[str, ...]
    source: str
    source_label: str
    created_at: datetime
    updated_at: datetime

    @property
    def is_pinned(self) -> bool:
        """Whether a person typed it, so that it stands above every source."""
        return self.source == USER


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a record's history; `original` is the source's own text where it differs."""

    id: int
    slug: str
    label: str
    unit: str
    value: Any
    display: str
    original: str
    references: tuple[str, ...]
    source: str
    source_label: str
    run: int | None
    run_name: str
    lookup: int | None
    first_seen_at: datetime
    superseded_at: datetime | None
    retracted_at: datetime | None

    @property
    def state(self) -> str:
        """live, superseded (a newer value of the same source) or retracted (its run was undone)."""
        if self.retracted_at:
            return "retracted"
        return "superseded" if self.superseded_at else "live"


def current(record: Record) -> list[Shown]:
    """The current values of a record in the catalogue's order, custom attributes last (two queries, three
    with custom attributes)."""
    values = record.current_values
    sources = dict(EnrichmentSource.objects.values_list("slug", "label"))
    checked = newest_checks(record.kind, [record.pk]).get(record.pk, {})
    attributes = describe(values)
    return [
        _shown(attributes[slug], values[slug], sources, checked)
        for slug in sorted(values, key=_order_of(attributes))
    ]


def history(record: Record, slug: str | None = None) -> list[Claim]:
    """All claims of all sources about a record, newest first; of one attribute when `slug` is given (one
    query, two with custom attributes)."""
    rows = AttributeValue.objects.filter(**{record.kind.value: record.pk}).select_related("source", "run")
    if slug is not None:
        rows = rows.filter(attribute=slug)
    found = list(rows)
    attributes = describe({row.attribute for row in found})
    return [_claim(row, attributes[row.attribute]) for row in found]


def _order_of(attributes: dict[str, Attribute]) -> Any:
    places = {slug: place for place, slug in enumerate(BY_SLUG)}
    return lambda slug: (places.get(slug, len(places)), attributes[slug].label)


def _shown(
    attribute: Attribute, entry: dict[str, Any], sources: dict[str, str], checked: dict[str, datetime]
) -> Shown:
    created_at = datetime.fromisoformat(entry["created_at"])
    source = entry["source"]
    return Shown(
        slug=attribute.slug,
        label=attribute.label,
        unit=attribute.unit,
        value=entry["value"],
        display=entry["display"],
        references=tuple(entry["references"]),
        source=source,
        source_label=sources.get(source, source),
        created_at=created_at,
        updated_at=max(created_at, checked.get(source, created_at)),
    )


def _claim(row: AttributeValue, attribute: Attribute) -> Claim:
    return Claim(
        id=row.pk,
        slug=row.attribute,
        label=attribute.label,
        unit=attribute.unit,
        value=row.value,
        display=display(row.attribute, row.value, attribute),
        original=row.original,
        references=tuple(row.references),
        source=row.source.slug,
        source_label=row.source.label,
        run=row.run_id,
        run_name=row.run.name if row.run else "",
        lookup=row.lookup_id,
        first_seen_at=row.first_seen_at,
        superseded_at=row.superseded_at,
        retracted_at=row.retracted_at,
    )
