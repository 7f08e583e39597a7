"""Questions in doubt whose answer came home after all: who stood still for longer than its lease was only taken for dead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import F

from enrichment import bulk
from enrichment.models import Lookup, RunItem
from enrichment.work import SKIPPED, Work

_ENDED = frozenset(RunItem.State) - frozenset(RunItem.OPEN) - {RunItem.State.CANCELED}


def go_on(works: Sequence[Work], slugs: Collection[str]) -> int:
    """Queue items of a chunk again that were closed in doubt of a question which is so no more; how many.

    `slugs`: the sources that are asked. To be called after the items are closed and the answers kept, by who found the
    question in doubt and by who had asked it: either may be last.
    """
    fences = {work.item.pk: work.item.fence for work in works}
    now = RunItem.objects.filter(pk__in=bulk.among(fences)).values_list("pk", "fence")
    taken_over = {pk for pk, fence in now if fence != fences[pk]}
    # Who comes home late did not end: that others took its items over speaks against none of them.
    RunItem.objects.filter(pk__in=bulk.among(taken_over), state__in=RunItem.OPEN, starts__gt=0).update(
        starts=F("starts") - 1
    )
    meant = taken_over | {work.item.pk for work in works if any(_doubts(work.outcomes, slugs))}
    if not meant:
        return 0
    closed = RunItem.objects.filter(pk__in=bulk.among(meant), state__in=_ENDED)
    doubts = {pk: set(_doubts(said, slugs)) for pk, said in closed.values_list("pk", "outcomes")}
    asked = Lookup.objects.filter(pk__in=bulk.among(set().union(*doubts.values())))
    settled = set(asked.exclude(state=Lookup.State.UNCERTAIN).values_list("pk", flat=True))
    back = [pk for pk, lookups in doubts.items() if lookups & settled]
    return closed.filter(pk__in=bulk.among(back)).update(
        state=RunItem.State.QUEUED, finished_at=None, not_before=bulk.clock()
    )


def _doubts(outcomes: Mapping[str, Mapping[str, Any]], slugs: Collection[str]) -> Iterator[int]:
    """The lookups of which an item knows only that they were sent."""
    for slug, entry in outcomes.items():
        if slug in slugs and entry["outcome"] == SKIPPED and entry.get("lookup"):
            yield entry["lookup"]
