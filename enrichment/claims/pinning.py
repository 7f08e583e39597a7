"""Pins: a value typed by a person stands above every source until it is released."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.models import Record
from enrichment import bulk
from enrichment.claims.adopting import adopt
from enrichment.claims.settling import refresh
from enrichment.claims.state import VALUES, canonical, live_claims, lock, owner_column, speakers
from enrichment.models import CustomAttribute, EnrichmentSource
from enrichment.winner import USER
from sources.attributes import BY_SLUG, Attribute
from sources.cleaning import Refused, clean


def pin(record: Record, slug: str, raw: Any, *, user: str) -> Any:
    """Make what a person typed the current value of an attribute; returns the clean value.

    Raises Refused (a ValueError) when it is blank, does not fit the attribute, or nobody knows the attribute.
    """
    value = clean(_attribute(slug), raw)
    if value is None:
        raise Refused("a pinned value cannot be blank; release the pin instead")
    original = raw if isinstance(raw, str) and raw != value else ""
    _replace(record, slug, (canonical(value), original, canonical([f"user:{user}"])))
    return value


def release(record: Record, slug: str) -> None:
    """Take a pin off: the sources' claims decide again."""
    _replace(record, slug, None)


def _attribute(slug: str) -> Attribute:
    if slug in BY_SLUG:
        return BY_SLUG[slug]
    custom = CustomAttribute.objects.filter(slug=slug).first()
    if custom is None:
        raise Refused(f"there is no attribute {slug}")
    return custom.as_attribute()


def _replace(record: Record, slug: str, row: tuple[str, str, str] | None) -> None:
    column, now = owner_column(record.kind), bulk.moment(bulk.clock())
    source = EnrichmentSource.objects.get(slug=USER).pk
    with transaction.atomic():
        owners = lock(record.kind, [record.pk])
        told = [claim for claim in live_claims(record.kind, owners) if claim.attribute == slug]
        adopt(record.kind, owners, {pk: {slug: told} for pk in owners}, speakers())
        ended = bulk.select(
            f"SELECT id FROM {VALUES} WHERE {column} = %s AND attribute = %s AND source_id = %s "
            "AND superseded_at IS NULL AND retracted_at IS NULL",
            [record.pk, slug, source],
        )
        bulk.update(VALUES, [("superseded_at", "timestamptz")], [(now, pk) for (pk,) in ended])
        if row:
            value, original, references = row
            bulk.insert(
                VALUES,
                (column, "attribute", "source_id", "value", "original", "references", "first_seen_at"),
                [(record.pk, slug, source, value, original, references, now)],
            )
        refresh(record.kind, [record.pk])
