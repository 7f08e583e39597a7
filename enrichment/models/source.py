"""Where facts come from, as users see and steer it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from enrichment.models.waterfall import Rule, rules_of
from sources.cadence import HELP, Cadence


class EnrichmentSource(models.Model):
    """One source of facts: an adapter with its rank, cadence, cost, budget and settings.

    The writers `user`, `api` and `spreadsheet` are sources too, without an adapter:
    nobody asks them, they tell.
    """

    slug = models.SlugField(max_length=60, unique=True)
    adapter = models.CharField(max_length=60, blank=True, editable=False)
    label = models.CharField(max_length=100)
    is_enabled = models.BooleanField("on", default=False)
    rank = models.PositiveIntegerField(default=100, help_text="1 is trusted most and asked first.")
    only_when_missing = models.BooleanField(
        default=False, help_text="Ask only for attributes that better ranked sources did not answer."
    )
    min_age = models.PositiveIntegerField(
        "minimum age", null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="Days; where better ranked sources answered, ask only once that is so old. Empty: never.",
    )  # fmt: skip
    by_attribute = models.JSONField(
        "waterfall by attribute",
        default=dict,
        blank=True,
        help_text="For other attributes the rank and the conditions above hold.",
    )
    cadence = models.CharField(max_length=60, default="monthly", help_text=f"One of: {HELP}.")
    priority_cadences = models.JSONField(
        "cadences by priority",
        default=dict,
        blank=True,
        help_text="Records of other priorities use the cadence above.",
    )
    segments = models.JSONField(
        "only these segments",
        default=list,
        blank=True,
        help_text="Scheduled refreshes take records of these segments only; empty: all.",
    )
    asks_new = models.BooleanField(
        "also ask about new records",
        default=True,
        help_text="Scheduled refreshes also take records that this source was never asked about.",
    )
    time_zone = models.CharField(max_length=60, default="UTC", help_text="Its month and weekdays begin here.")

    cost = models.PositiveIntegerField(default=0, help_text="Credits one question costs at most.")
    charges_miss = models.BooleanField(
        default=False, help_text="A question without an answer is charged too."
    )
    credit_price = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=0,
        validators=[MinValueValidator(0)],
        help_text="USD a credit.",
    )
    monthly_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Credits a month; empty is no limit."
    )
    per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Questions a minute; empty: the source's own."
    )
    in_flight = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Questions at once, of all workers together; empty: the source's own.",
    )
    settings = models.JSONField(default=dict, blank=True)

    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["rank", "slug"]
        constraints = [
            models.CheckConstraint(condition=Q(rank__gte=1), name="source_rank_is_positive"),
            models.CheckConstraint(condition=Q(credit_price__gte=0), name="source_price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Cadences, segments and time zone are checked where they are typed."""
        wrong: dict[str, str] = {}
        for name, check in (
            ("cadence", normal_cadence),
            ("priority_cadences", by_priority),
            ("segments", texts),
            ("by_attribute", rules_of),
        ):
            try:
                setattr(self, name, check(getattr(self, name)))
            except ValueError as error:
                wrong[name] = str(error)
        if self.time_zone not in zoneinfo.available_timezones():
            wrong["time_zone"] = "Unknown time zone; write one such as Europe/Berlin."
        if wrong:
            raise ValidationError(wrong)

    def rule(self, attribute: str) -> Rule:
        """When it is asked for an attribute."""
        if own := self.by_attribute.get(attribute):
            return Rule(**own)
        return Rule(self.rank, self.only_when_missing, self.min_age)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone in which its days begin."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def cadences(self) -> frozenset[str]:
        """Its own cadence and those of priorities."""
        return frozenset({self.cadence, *self.priority_cadences.values()})

    def cadence_of(self, priority: str) -> str:
        """The cadence for records of a priority; capitals and spaces make no difference."""
        if not self.priority_cadences:
            return self.cadence
        by_name = {folded(name): cadence for name, cadence in self.priority_cadences.items()}
        return str(by_name.get(folded(priority), self.cadence))

    def next_due(self, at: datetime, priorities: Iterable[str] = ("",)) -> datetime | None:
        """When an answer of `at` is due again for the most demanding of `priorities`; None: never."""
        local = at.astimezone(self.zone)
        dues = (
            Cadence.parse(text).next_due(local) for text in {self.cadence_of(each) for each in priorities}
        )
        return min((due for due in dues if due), default=None)

    def next_moment(self, at: datetime) -> datetime | None:
        """The first moment after `at` when anything may come due; None: never."""
        moments = (Cadence.parse(text).next_moment(at.astimezone(self.zone)) for text in self.cadences)
        return min((moment for moment in moments if moment), default=None)


def folded(text: str) -> str:
    """A priority or segment as it is compared."""
    return " ".join(text.split()).casefold()


def normal_cadence(text: str) -> str:
    """A cadence in its normal form; raises ValueError with one sentence."""
    return Cadence.parse(text).text


def by_priority(value: Any) -> dict[str, str]:
    """Cadences by priority in normal form, of a dict or of pairs; raises ValueError with one sentence."""
    if not isinstance(value, dict | tuple):
        raise ValueError('Write a cadence for each priority, such as {"high": "weekly monday"}.')
    cadences: dict[str, str] = {}
    for name, cadence in value.items() if isinstance(value, dict) else value:
        priority = " ".join(name.split())
        if not 0 < len(priority) <= 50:
            raise ValueError(f"'{priority[:60]}' is no priority: write 1 to 50 characters before {cadence}.")
        if folded(priority) in map(folded, cadences):
            raise ValueError(f"The priority {priority} stands there twice: leave one.")
        try:
            cadences[priority] = normal_cadence(str(cadence))
        except ValueError as error:
            raise ValueError(f"{priority}: {error}") from None
    return cadences


def texts(value: Any) -> list[str]:
    """A list of segments without doubles; raises ValueError with one sentence."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("Write one segment a line.")
    names = {folded(each): " ".join(each.split()) for each in reversed(value)}
    too_long = next((name for name in names.values() if len(name) > 100), None)
    if too_long:
        raise ValueError(f"'{too_long[:40]}…' is too long for a segment: 100 characters at most.")
    return [name for name in reversed(names.values()) if name]
