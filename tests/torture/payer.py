"""What the processes of a budget race do: `python -m tests.torture.payer prepare SCOPE ACCOUNTS CAP | work | sweep`."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from decimal import Decimal

import django
from django.db import OperationalError

PRICES = range(1, 8)
CREDIT_USD = Decimal("0.25")


def prepare(scope: str, accounts: str, cap: str) -> None:
    """Seven sources that cost 1 to 7 credits, all asked about every account; `cap` credits for `scope`."""
    from django.core.management import call_command

    from crm.models import Account
    from enrichment import runs
    from enrichment.models import EnrichmentSource, Preferences
    from sources.attributes import Kind

    call_command("migrate", interactive=False, verbosity=0)
    for price in PRICES:
        EnrichmentSource.objects.create(
            slug=f"vendor_{price}", adapter="clearbit", label=f"Vendor {price}", is_enabled=True, rank=price,
            cost=price, charges_miss=True, credit_price=CREDIT_USD, per_minute=100_000, in_flight=64,
            monthly_limit=int(cap) if scope == "source" else None,
        )  # fmt: skip
    if scope == "money":
        Preferences.objects.update_or_create(pk=1, defaults={"monthly_limit_usd": int(cap) * CREDIT_USD})
    Account.objects.bulk_create(
        Account(name=f"Company {n}", name_key=f"company {n}", domain=f"company{n}.com")
        for n in range(int(accounts))
    )
    runs.start(
        kind=Kind.ACCOUNT, records=Account.objects.all(), credit_limit=int(cap) if scope == "run" else None,
        sources=[f"vendor_{price}" for price in PRICES], parallel=4,
    )  # fmt: skip


def work() -> None:
    """Work on the run until it has ended; where the database gives up, begin anew as a cluster does."""
    from enrichment import runs
    from enrichment.models import EnrichmentRun

    is_open = True
    while is_open:
        try:
            runs.work(EnrichmentRun.objects.get().pk, until=lambda: False)
            is_open = EnrichmentRun.objects.get().is_open
        except OperationalError as error:
            print(f"  a worker begins anew: {error}", file=sys.stderr, flush=True)
        time.sleep(0.1)


def sweep() -> None:
    """Bring back what the dead left behind, again and again."""
    from enrichment import tasks
    from enrichment.models import EnrichmentRun

    while EnrichmentRun.objects.get().is_open:
        with suppress(OperationalError):
            tasks.sweep()
        time.sleep(1)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare(*sys.argv[2:])
    else:
        {"work": work, "sweep": sweep}[sys.argv[1]]()
