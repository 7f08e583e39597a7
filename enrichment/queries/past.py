"""What records showed at an earlier time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from enrichment.models import AttributeValue, EnrichmentSource, Preferences
from enrichment.queries.catalogue import describe
from enrichment.winner import Rank, choose
from sources.attributes import Attribute, Kind
from sources.display import display

CurrentValues = dict[str, dict[str, Any]]
"""Attribute slug → entry, as `Record.current_values` holds it."""


@dataclass(frozen=True, slots=True)
class _Claim:
    owner: int
    attribute: str
    source: int
    value: Any
    references: list[str]
    first_seen: datetime


def as_of(kind: Kind, ids: Collection[int], at: datetime) -> dict[int, CurrentValues]:
    """The current values that records had at a time, by today's ranks and policy (three queries, four with
    custom attributes). Claims of runs that were undone since count as never made."""
    ranks = {
        pk: Rank(*told)
        for pk, *told in EnrichmentSource.objects.values_list("pk", "slug", "rank", "by_attribute")
    }
    policy = Preferences.objects.filter(pk=1).values_list("policy", flat=True).first()
    by_owner: dict[int, dict[str, list[_Claim]]] = {pk: defaultdict(list) for pk in ids}
    slugs: set[str] = set()
    for claim in _standing_at(kind, ids, at):
        by_owner[claim.owner][claim.attribute].append(claim)
        slugs.add(claim.attribute)
    attributes = describe(slugs)
    result: dict[int, CurrentValues] = {}
    for owner, claims in by_owner.items():
        winners = {
            slug: choose(slug, rows, ranks, policy or Preferences.Policy.RANK)
            for slug, rows in claims.items()
        }
        result[owner] = {
            slug: _entry(won, ranks[won.source].slug, attributes[slug])
            for slug, won in winners.items()
            if won
        }
    return result


def _standing_at(kind: Kind, ids: Collection[int], at: datetime) -> list[_Claim]:
    owner = f"{kind.value}_id"
    rows = AttributeValue.objects.filter(
        Q(superseded_at=None) | Q(superseded_at__gt=at),
        **{f"{owner}__in": list(ids)},
        first_seen_at__lte=at,
        retracted_at=None,
    ).order_by()
    columns = (owner, "attribute", "source_id", "value", "references", "first_seen_at")
    return [_Claim(*row) for row in rows.values_list(*columns)]


def _entry(claim: _Claim, source: str, attribute: Attribute) -> dict[str, Any]:
    return {
        "value": claim.value,
        "display": display(claim.attribute, claim.value, attribute),
        "references": claim.references,
        "source": source,
        "created_at": claim.first_seen.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
