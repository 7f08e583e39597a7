"""The attributes of a kind of record: the built-in catalogue and what users added."""

from __future__ import annotations

from collections.abc import Iterable

from enrichment.models import CustomAttribute
from enrichment.models.attribute import BOTH
from sources.attributes import BY_SLUG, CATALOGUE, Attribute, Kind, Type


def attributes_of(kind: Kind) -> dict[str, Attribute]:
    """All attributes of a kind of record by slug, built-in ones first (one query)."""
    custom = [row.as_attribute() for row in CustomAttribute.objects.filter(kind__in=(kind.value, BOTH))]
    return {attribute.slug: attribute for attribute in (*CATALOGUE, *custom) if kind in attribute.kinds}


def describe(slugs: Iterable[str]) -> dict[str, Attribute]:
    """The attribute of each slug; asks the database only for slugs outside the built-in catalogue.

    A slug that no longer means anything is described as text, so that its claims stay readable.
    """
    known = {slug: BY_SLUG[slug] for slug in slugs if slug in BY_SLUG}
    unknown = {slug for slug in slugs if slug not in BY_SLUG}
    if unknown:
        rows = CustomAttribute.objects.filter(slug__in=unknown)
        known |= {row.slug: row.as_attribute() for row in rows}
    for slug in unknown - known.keys():
        label = slug.replace("_", " ").capitalize()
        known[slug] = Attribute(slug, label, Type.TEXT, frozenset(Kind))
    return known
