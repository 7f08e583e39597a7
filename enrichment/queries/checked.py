"""When the sources of many records last confirmed what they know."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max

from enrichment.models import Check
from enrichment.models.check import Outcome
from sources.attributes import Kind


def newest_checks(kind: Kind, ids: Collection[int]) -> dict[int, dict[str, datetime]]:
    """Of each record and source the newest standing check that found something (one query)."""
    column = f"{kind.value}_id"
    rows = Check.objects.filter(
        **{f"{column}__in": list(ids)}, run__undone_at=None, outcome=Outcome.FOUND
    ).order_by()
    checked: dict[int, dict[str, datetime]] = {}
    for owner, source, at in rows.values_list(column, "source__slug").annotate(Max("at")):
        checked.setdefault(owner, {})[source] = at
    return checked
