"""Spend: reserved before a question is sent, settled after it is answered, never above a limit."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from enrichment.models import Budget, EnrichmentRun, EnrichmentSource, Preferences

MICROS = 1_000_000  # of a USD
NOT_THIS_MONTH, NOT_IN_THIS_RUN = "no budget left for it this month", "no budget left for it in this run"


@dataclass(frozen=True, slots=True)
class Spend:
    """Credits of one source's questions: the run that pays for them, and in which month."""

    source: EnrichmentSource
    run: int | None
    period: str

    def scopes(self, credits: int) -> list[tuple[str, int]]:
        """Each budget that `credits` count against, with the amount in its own unit, in lock order."""
        amounts = [
            (f"money:{self.period}", round(credits * self.source.credit_price * MICROS)),
            (f"source:{self.source.pk}:{self.period}", credits),
        ]
        return amounts + ([(f"run:{self.run}", credits)] if self.run else [])


def period_of(source: EnrichmentSource, at: datetime) -> str:
    """The month that pays for a question asked at `at`, in the source's own time zone: YYYY-MM."""
    return at.astimezone(zoneinfo.ZoneInfo(source.time_zone)).strftime("%Y-%m")


def reserve(spend: Spend, count: int) -> tuple[int, str]:
    """Set aside the worst-case cost of up to `count` questions; returns how many fit, and why no more do.

    Runs inside the caller's transaction: the rows stay locked until it commits.
    """
    price, reason = spend.source.cost, ""
    if price == 0 or count == 0:
        return count, reason
    with transaction.atomic():
        spend = _paid(spend)
        limits = _limits(spend)
        Budget.objects.bulk_create([Budget(scope=scope) for scope in limits], ignore_conflicts=True)
        rows = {
            row.scope: row
            for row in Budget.objects.select_for_update().filter(scope__in=limits).order_by("scope")
        }
        for scope, each in spend.scopes(price):
            limit, row = limits[scope], rows[scope]
            if limit is not None and each > 0:
                fit = max(0, limit - row.spent - row.reserved) // each
                if fit < count:
                    count = fit
                    reason = NOT_IN_THIS_RUN if scope.startswith("run:") else NOT_THIS_MONTH
        for scope, amount in spend.scopes(price * count):
            row, limit = rows[scope], limits[scope]
            row.reserved += amount
            row.limit = None if limit is None else max(limit, row.spent + row.reserved)
            row.save(update_fields=["reserved", "limit"])
    return count, reason


def settle(spend: Spend, *, reserved: int, cost: int) -> None:
    """Turn reserved credits into spent ones; what was not needed is free again."""
    if reserved == 0 and cost == 0:
        return
    with transaction.atomic():
        spend = _paid(spend)
        amounts = zip(spend.scopes(reserved), spend.scopes(cost), strict=True)
        for (scope, held), (_, paid) in amounts:
            # A vendor may charge more than it declared: the truth is kept, the limit row follows it.
            Budget.objects.filter(scope=scope, limit__lt=F("spent") + F("reserved") - held + paid).update(
                limit=F("spent") + F("reserved") - held + paid
            )
            Budget.objects.filter(scope=scope).update(reserved=F("reserved") - held, spent=F("spent") + paid)


def left(source: EnrichmentSource, at: datetime) -> int | None:
    """Credits that the source may still spend this month; None: no limit."""
    if source.monthly_limit is None:
        return None
    row = Budget.objects.filter(scope=f"source:{source.pk}:{period_of(source, at)}").first()
    used = row.spent + row.reserved if row else 0
    return max(0, source.monthly_limit - used)


def used(sources: Iterable[EnrichmentSource], at: datetime) -> dict[int, int]:
    """Credits each source has spent or set aside this month, by source id (one query)."""
    scopes = {f"source:{source.pk}:{period_of(source, at)}": source.pk for source in sources}
    rows = Budget.objects.filter(scope__in=scopes)
    return {scopes[row.scope]: row.spent + row.reserved for row in rows}


def _paid(spend: Spend) -> Spend:
    """The same, paid for by the run that is followed: its cap holds for both."""
    follows = EnrichmentRun.objects.filter(pk=spend.run or 0).values_list("follows", flat=True).first()
    return replace(spend, run=follows) if follows else spend


def _limits(spend: Spend) -> dict[str, int | None]:
    """The limit of each budget as it stands now, by scope."""
    money = Preferences.objects.filter(pk=1).values_list("monthly_limit_usd", flat=True).first()
    run_limit = EnrichmentRun.objects.filter(pk=spend.run or 0).values_list("credit_limit", flat=True).first()
    known: dict[str, int | None] = {
        f"money:{spend.period}": None if money is None else int(Decimal(money) * MICROS),
        f"source:{spend.source.pk}:{spend.period}": spend.source.monthly_limit,
        f"run:{spend.run}": run_limit,
    }
    return {scope: known[scope] for scope, _ in spend.scopes(0)}
