"""Spend: reserved before a question is sent, settled after it is answered, never above a limit."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from enrichment import bulk
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
    with transaction.atomic(savepoint=False):
        spend, limits = _limits(spend)
        rows = _locked(limits, make=True)
        for scope, each in spend.scopes(price):
            limit, row = limits[scope], rows[scope]
            if limit is not None and each > 0:
                fit = max(0, limit - row.spent - row.reserved) // each
                if fit < count:
                    count = fit
                    reason = NOT_IN_THIS_RUN if scope.startswith("run:") else NOT_THIS_MONTH
        for scope, amount in spend.scopes(price * count):
            rows[scope].reserved += amount
            rows[scope].limit = limits[scope]
        _write(rows.values())
    return count, reason


def settle(dues: Mapping[Spend, tuple[int, int]]) -> None:
    """Turn credits set aside into spent ones: (set aside, cost) by spend. What was not needed is free again.

    Three queries, however many they are.
    """
    dues = {spend: amounts for spend, amounts in dues.items() if any(amounts)}
    if not dues:
        return
    with transaction.atomic(savepoint=False):
        followed = EnrichmentRun.objects.filter(pk__in={spend.run for spend in dues}).exclude(follows=None)
        payers = dict(followed.values_list("pk", "follows"))
        changes: dict[str, tuple[int, int]] = {}
        for spend, (held, cost) in dues.items():
            paid = replace(spend, run=payers.get(spend.run or 0, spend.run))
            for (scope, less), (_, more) in zip(paid.scopes(held), paid.scopes(cost), strict=True):
                before = changes.get(scope, (0, 0))
                changes[scope] = (before[0] + less, before[1] + more)
        rows = _locked(changes)
        for scope, row in rows.items():
            row.reserved -= changes[scope][0]
            row.spent += changes[scope][1]
            if scope.startswith("money:"):  # the price of a credit may have been changed meanwhile
                row.reserved, row.spent = max(row.reserved, 0), max(row.spent, 0)
        _write(rows.values())


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


def _limits(spend: Spend) -> tuple[Spend, dict[str, int | None]]:
    """The spend of the run that pays, and the limit of each of its budgets as it stands now, by scope.

    A run that follows another is paid for by that one: its cap holds for both.
    """
    money = Preferences.objects.filter(pk=1).values_list("monthly_limit_usd", flat=True).first()
    runs = EnrichmentRun.objects.filter(pk=spend.run or 0)
    told = runs.values_list("credit_limit", "follows", "follows__credit_limit").first()
    cap, follows, cap_of_both = told or (None, None, None)
    if follows:
        spend, cap = replace(spend, run=follows), cap_of_both
    known: dict[str, int | None] = {
        f"money:{spend.period}": None if money is None else int(Decimal(money) * MICROS),
        f"source:{spend.source.pk}:{spend.period}": spend.source.monthly_limit,
        f"run:{spend.run}": cap,
    }
    return spend, {scope: known[scope] for scope, _ in spend.scopes(0)}


def _locked(scopes: Collection[str], *, make: bool = False) -> dict[str, Budget]:
    """The budgets of scopes, locked in one order, so that two workers never wait for each other."""
    found = Budget.objects.select_for_update().filter(scope__in=scopes).order_by("scope")
    rows = {row.scope: row for row in found}
    if make and len(rows) < len(scopes):
        Budget.objects.bulk_create([Budget(scope=scope) for scope in sorted(scopes)], ignore_conflicts=True)
        rows = {row.scope: row for row in found.all()}
    return rows


def _write(rows: Iterable[Budget]) -> None:
    """Keep what is set aside and spent.

    A limit that was lowered, or a vendor that charged more than it declared: the truth is kept, the limit's row follows it.
    """
    values = [
        (None if row.limit is None else max(row.limit, row.spent + row.reserved), row.reserved, row.spent, row.pk)
        for row in rows
    ]  # fmt: skip
    bulk.update(
        "enrichment_budget", [("limit", "bigint"), ("reserved", "bigint"), ("spent", "bigint")], values
    )
