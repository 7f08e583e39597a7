"""The place of a source in the waterfall of one attribute."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sources.attributes import slug_of

HIGHEST = 30_000


@dataclass(frozen=True, slots=True)
class Rule:
    """When a source is asked for an attribute: its rank, and what better ranked answers leave to ask.

    `only_when_missing`: only where they had nothing. `min_age`, days: or where what they said is that old.
    """

    rank: int
    only_when_missing: bool = False
    min_age: int | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether it matters what better ranked sources said."""
        return self.only_when_missing or bool(self.min_age)

    def is_needless(self, answered_by: int, age: timedelta | None) -> bool:
        """Whether an answer by a source of the rank `answered_by`, checked `age` ago (None: just now), will do."""
        if answered_by >= self.rank or not self.is_conditional:
            return False
        return not self.min_age or age is None or age < timedelta(days=self.min_age)


def rules_of(value: Any) -> dict[str, dict[str, Any]]:
    """Rules by attribute in normal form, of a mapping of attributes to the fields of `Rule`.

    Raises ValueError with one sentence.
    """
    if not isinstance(value, dict):
        raise ValueError('Write a rule for each attribute, such as {"headcount": {"rank": 3}}.')
    rules: dict[str, dict[str, Any]] = {}
    for name, told in value.items():
        slug = slug_of(name)
        if not slug or slug in rules:
            raise ValueError(
                f"'{name[:60]}' " + ("stands there twice: leave one." if slug else "is no attribute.")
            )
        if not isinstance(told, dict) or told.keys() - {"rank", "only_when_missing", "min_age"}:
            raise ValueError(f"{slug}: a rule has rank, only_when_missing and min_age, nothing else.")
        rule = Rule(
            _number(slug, "rank", told.get("rank")), bool(told.get("only_when_missing")), told.get("min_age")
        )
        if rule.min_age is not None:
            _number(slug, "min_age", rule.min_age)
        rules[slug] = asdict(rule)
    return rules


def _number(slug: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= HIGHEST:
        raise ValueError(f"{slug}: {name} is a whole number from 1 to {HIGHEST:,}, not {str(value)[:20]!r}.")
    return value
