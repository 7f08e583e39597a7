"""Very long tables, told by some of their rows: reading all would take longer than the page that shows it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Model
from django.db.models.expressions import RawSQL

from enrichment import bulk
from enrichment.models import AttributeValue

SURE = 100_000
"""Rows of a whole table that are still counted one by one."""

_DRAWN = 10_000
_MOST_UNSEEN = (
    3  # times what a drawn row stands for: with 95 % confidence there are fewer of what was not drawn
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Ids drawn from a table's, as a filter's `__in` takes them; each stands for so many rows. Some may be gone."""

    ids: RawSQL
    stands_for: float


def sample_of(model: type[Model]) -> Sample | None:
    """A sample of a table, by its first and last id; None when it is short enough to be read whole."""
    ends = model._base_manager.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None or ends["last"] - ends["first"] < SURE:
        return None
    ids = range(ends["first"], ends["last"] + 1)
    drawn = random.sample(ids, min(_DRAWN, len(ids)))  # nosec B311
    return Sample(bulk.among(sorted(drawn)), len(ids) / len(drawn))


@dataclass(frozen=True, slots=True)
class LiveClaims:
    """How many claims stand, by id of their source; `unseen`: fewer than so many of a source not named, 0: none."""

    by_source: dict[int, int]
    unseen: int
    is_exact: bool


def live_claims() -> LiveClaims:
    """The claims that stand of each source, counted, or reckoned from a sample where they are very many."""
    live = AttributeValue.objects.filter(superseded_at=None, retracted_at=None).order_by()
    sample = sample_of(AttributeValue)
    if sample:
        live = live.filter(pk__in=sample.ids)
    counts = dict(live.values_list("source").annotate(Count("pk")))
    if sample is None:
        return LiveClaims(counts, 0, is_exact=True)
    reckoned = {source: _rounded(count * sample.stands_for) for source, count in counts.items()}
    return LiveClaims(reckoned, _rounded(_MOST_UNSEEN * sample.stands_for), is_exact=False)


def _rounded(number: float) -> int:
    """A number as exact as a sample is: its first two digits."""
    whole = round(number)
    return round(whole, 2 - len(str(whole)))
