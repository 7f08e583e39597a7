"""What the sources of a run said, counted."""

from __future__ import annotations

from collections import Counter

from django.db.models import Sum

from enrichment.models import EnrichmentRun, Lookup

_CHUNK = 2000


def outcomes_by_source(run: EnrichmentRun) -> dict[str, dict[str, int]]:
    """Of each source how many items of the run it found, did not find, failed and so on, most first."""
    counts: dict[str, Counter[str]] = {}
    rows = run.items.order_by().values_list("outcomes", flat=True)
    for outcomes in rows.iterator(chunk_size=_CHUNK):
        for slug, entry in outcomes.items():
            counts.setdefault(slug, Counter())[str(entry["outcome"])] += 1
    return {slug: dict(each.most_common()) for slug, each in counts.items()}


def credits_by_source(run: EnrichmentRun) -> dict[str, int]:
    """Credits that the run's questions have cost, by source."""
    rows = Lookup.objects.filter(run=run).order_by().values_list("source__slug").annotate(Sum("cost"))
    return {slug: int(cost) for slug, cost in rows if cost}
