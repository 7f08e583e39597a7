"""Which of several claims is believed: pure rules over plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sources.attributes import IDENTITY

USER, API, SPREADSHEET = "user", "api", "spreadsheet"
WRITERS = frozenset({USER, API, SPREADSHEET})
"""Sources that tell without being asked; only they move identity columns (design §7)."""

IDENTITY_SLUGS = frozenset(IDENTITY) | {"company_linkedin_url"}


@dataclass(frozen=True, slots=True)
class Rank:
    """What the rules know of a source: its slug and its rank, 1 being trusted most."""

    slug: str
    rank: int


class Believable(Protocol):
    """A claim as the rules see it."""

    @property
    def source(self) -> int: ...
    @property
    def first_seen(self) -> datetime: ...


B = TypeVar("B", bound=Believable)


def choose(attribute: str, claims: Iterable[B], ranks: Mapping[int, Rank], policy: str) -> B | None:
    """The claim that is the current value of an attribute, or None without claims.

    A person's value wins; identity then prefers what people, imports and the API wrote; then
    the policy: `rank` (best ranked source, newer first among equals) or `newest`.
    """

    def order(claim: B) -> tuple[bool, bool, float, float, int]:
        source = ranks[claim.source]
        is_proposal = attribute in IDENTITY_SLUGS and source.slug not in WRITERS
        age, rank = -claim.first_seen.timestamp(), float(source.rank)
        first, second = (rank, age) if policy == "rank" else (age, rank)
        return source.slug != USER, is_proposal, first, second, claim.source

    return min(claims, key=order, default=None)
