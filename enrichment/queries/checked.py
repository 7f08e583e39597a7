"""When the sources of many records last confirmed what they know."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from enrichment import bulk
from enrichment.models.check import Outcome
from sources.attributes import Kind

_NEWEST = """
    SELECT c.{column}, s.slug, MAX(c.at) FROM enrichment_check c
    JOIN enrichment_enrichmentrun r ON r.id = c.run_id JOIN enrichment_enrichmentsource s ON s.id = c.source_id
    WHERE {of_owners} AND c.outcome = %s AND r.undone_at IS NULL GROUP BY c.{column}, s.slug
"""


def newest_checks(kind: Kind, ids: Collection[int]) -> dict[int, dict[str, datetime]]:
    """Of each record and source the newest standing check that found something (one query)."""
    column = f"{kind.value}_id"
    of_owners, owners = bulk.any_of(f"c.{column}", ids)
    checked: dict[int, dict[str, datetime]] = {}
    for owner, source, at in bulk.select(
        _NEWEST.format(column=column, of_owners=of_owners), [owners, Outcome.FOUND.value]
    ):
        checked.setdefault(owner, {})[source] = bulk.read_moment(at)
    return checked
