"""What a run changed in what we believe: pure, over all that was said about one attribute of one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enrichment.winner import Rank, choose


@dataclass(frozen=True, slots=True)
class Said:
    """One claim that was not retracted."""

    id: int
    source: int
    run: int | None
    value: Any
    first_seen: datetime
    superseded: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A claim that was believed when it was made: what was believed just before, and what its source said last."""

    new: Said
    believed: Said | None
    earlier: Said | None

    @property
    def is_news(self) -> bool:
        """Whether the world changed: the source itself said otherwise before, or nobody had said anything.

        A second source that speaks for the first time and differs is another opinion, not an event; a source that
        comes to say what another one is already believed to say brings no news.
        """
        return self.moved and (self.earlier is not None or self.believed is None)

    @property
    def moved(self) -> bool:
        """Whether another value is believed than before."""
        return self.believed is None or not _equal(self.believed.value, self.new.value)


def changes(
    attribute: str, said: Sequence[Said], run: int, ranks: Mapping[int, Rank], policy: str
) -> Iterator[Change]:
    """The changes that a run made, oldest first, by today's ranks and policy."""
    for new in sorted((each for each in said if each.run == run), key=lambda each: each.first_seen):
        at = new.first_seen
        after = [
            each for each in said if each.first_seen <= at and (not each.superseded or each.superseded > at)
        ]
        if choose(attribute, after, ranks, policy) is not new:
            continue
        before = [
            each for each in said if each.first_seen < at and (not each.superseded or each.superseded >= at)
        ]
        own = [each for each in said if each.source == new.source and each.first_seen < at]
        yield Change(
            new=new, believed=choose(attribute, before, ranks, policy),
            earlier=max(own, key=lambda each: each.first_seen, default=None),
        )  # fmt: skip


def _equal(one: Any, other: Any) -> bool:
    """Equal in value and in type: `True == 1` in Python."""
    return type(one) is type(other) and bool(one == other)
