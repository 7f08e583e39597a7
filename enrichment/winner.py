"""Which of several claims is believed: pure rules over plain rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sources.attributes import IDENTITY

USER, API, SPREADSHEET, COMPANY, RECORD = "user", "api", "spreadsheet", "company", "record"
WRITERS = frozenset({USER, API, SPREADSHEET, COMPANY, RECORD})
"""Sources that tell without being asked; only they move identity columns (design §7)."""

IDENTITY_SLUGS = frozenset(IDENTITY) | {"company_linkedin_url"}


@dataclass(frozen=True, slots=True)
class Rank:
    """What the rules know of a source: its slug, its rank, 1 being trusted most, and where it has another rank."""

    slug: str
    rank: int
    by_attribute: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, attribute: str) -> int:
        """Its rank for an attribute."""
        own = self.by_attribute.get(attribute)
        return int(own["rank"]) if own else self.rank


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

    is_identity = attribute in IDENTITY_SLUGS

    def trust(claim: B) -> tuple[bool, bool, int]:
        source = ranks[claim.source]
        is_proposal = is_identity and source.slug not in WRITERS
        return source.slug != USER, is_proposal, source.of(attribute) if policy == "rank" else 0

    def order(claim: B) -> tuple[float, int, int]:
        return -claim.first_seen.timestamp(), ranks[claim.source].of(attribute), claim.source

    trusted = _least(claims, trust)
    return trusted[0] if len(trusted) == 1 else min(trusted, key=order, default=None)


def _least(claims: Iterable[B], key: Callable[[B], tuple[bool, bool, int]]) -> list[B]:
    """The claims of the least key; usually one, so that the dates need not be read."""
    least: tuple[bool, bool, int] | None = None
    found: list[B] = []
    for claim in claims:
        mine = key(claim)
        if least is None or mine < least:
            least, found = mine, [claim]
        elif mine == least:
            found.append(claim)
    return found
