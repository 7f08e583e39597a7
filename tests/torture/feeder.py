"""A steady load: a run over new accounts again and again, until killed. `python -m tests.torture.feeder ACCOUNTS SECONDS`."""

from __future__ import annotations

import sys
import time
from itertools import count

import django


def main(accounts: int, seconds: float) -> None:
    """A run over so many new accounts each time so many seconds have passed."""
    from django.core.management import call_command

    from crm.models import Account
    from enrichment import runs
    from enrichment.models import EnrichmentSource
    from enrichment.registration import sync_sources
    from sources.attributes import Kind
    from tests.torture.vendor import FREE, PAID

    call_command("migrate", interactive=False, verbosity=0)
    sync_sources()
    EnrichmentSource.objects.filter(slug__in=(PAID, FREE)).update(is_enabled=True, per_minute=1_000_000)
    print("fed", flush=True)
    for first in count(0, accounts):
        domains = [f"company{number}.com" for number in range(first, first + accounts)]
        Account.objects.bulk_create(Account(name=name, name_key=name, domain=name) for name in domains)
        chosen = Account.objects.filter(domain__in=domains)
        runs.start(kind=Kind.ACCOUNT, records=chosen, sources=[PAID, FREE], parallel=4)
        time.sleep(seconds)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), float(sys.argv[2]))
