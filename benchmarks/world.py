"""A made-up team: accounts, two sources, and what the sources answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from crm.models import Account, Sheet, SheetEntry
from enrichment.claims import Answer, CleanClaim
from enrichment.models import (
    AttributeValue,
    Check,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    Lookup,
    RunItem,
)
from enrichment.models.check import Outcome

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
ATTRIBUTES: dict[str, Callable[[int], Any]] = {
    "industry": lambda n: f"Industry {n % 97}",
    "headcount": lambda n: 10 + n % 100_000,
    "revenue_range": lambda n: f"${n % 90}M-${n % 90 + 10}M",
    "tech_stack": lambda n: ["Django", f"Tool {n % 31}", f"Tool {n % 37}"],
    "founded_year": lambda n: 1900 + n % 120,
}


@dataclass(frozen=True, slots=True)
class World:
    """Ids of the accounts and sources that answers are about."""

    accounts: list[int]
    sources: list[int]


def make_world(accounts: int) -> World:
    """An empty ledger, `accounts` bare accounts and two sources."""
    clear()
    Account.objects.bulk_create(
        [Account(name=f"Company {n}", name_key=f"company {n}", domain=f"company{n}.com") for n in range(accounts)],
        batch_size=5000,
    )  # fmt: skip
    for rank, slug in enumerate(("first", "second"), 1):
        EnrichmentSource.objects.get_or_create(
            slug=slug, defaults={"adapter": slug, "label": slug.title(), "rank": rank}
        )
    settle_down()
    return World(
        list(Account.objects.order_by("id").values_list("id", flat=True)),
        list(EnrichmentSource.objects.filter(slug__in=("first", "second")).values_list("id", flat=True)),
    )


def clear() -> None:
    """Empty the tables that a benchmark fills."""
    models = (
        AttributeValue, Check, Freshness, RunItem, Lookup, EnrichmentRun, SheetEntry, Sheet, Account,
    )  # fmt: skip
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(m._meta.db_table for m in models)} CASCADE")
            return
        for model in models:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


def settle_down() -> None:
    """Statistics as a database that is in use has them, and no old work left over."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_run() -> int:
    """A run that is under way."""
    return EnrichmentRun.objects.create(name="Benchmark", status="RUNNING").pk


def answers(world: World, *, edition: int, changed: float = 1.0) -> list[Answer]:
    """What both sources say about every account in `edition` (0, 1, …), ordered by account.

    A share `changed` of the values differs from edition 0; references stay the same where the value does.
    """
    dice = random.Random(edition)
    at = START + timedelta(days=edition)
    found: list[Answer] = []
    for record in world.accounts:
        for number, source in enumerate(world.sources):
            claims = []
            for slug, make in ATTRIBUTES.items():
                new = edition if edition and dice.random() < changed else 0
                reference = f"https://source{number}.example/{record}/{slug}" + (
                    f"?edition={new}" if new else ""
                )
                claims.append(CleanClaim(slug, make(record * 7 + number + new), (reference,)))
            found.append(
                Answer(record=record, source=source, at=at, outcome=Outcome.FOUND, claims=tuple(claims), key=f"{record}")
            )  # fmt: skip
    return found


def chunks(items: Sequence[Answer], accounts: int) -> Iterator[Sequence[Answer]]:
    """Answers about `accounts` accounts at a time."""
    size = accounts * 2
    for start in range(0, len(items), size):
        yield items[start : start + size]
