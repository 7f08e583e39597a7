"""How many records have a value."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q, QuerySet

from crm.models import Record


def coverage(queryset: QuerySet[Record], slugs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For each attribute how many records of `queryset` have a value, and of how many (one query)."""
    filled = {
        f"filled_{place}": Count("pk", filter=Q(current_values__has_key=slug))
        for place, slug in enumerate(slugs)
    }
    counts = queryset.order_by().aggregate(total=Count("pk"), **filled)
    return {slug: (counts[f"filled_{place}"], counts["total"]) for place, slug in enumerate(slugs)}
