"""Fill a database and start a run over all its accounts: `python -m tests.torture.prepare ACCOUNTS PARALLEL PACE [SEATS]`.

PACE: questions a minute that each source takes; SEATS: calls at once from all workers together.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django


def main(accounts: int, parallel: int, pace: int, seats: int = 64) -> None:
    """Accounts company0.com … from a file, both sources on, one run that waits for workers; prints its id."""
    from django.core.management import call_command

    from crm.spreadsheets import import_file
    from enrichment.models import EnrichmentRun, EnrichmentSource, Preferences
    from enrichment.registration import sync_sources
    from tests.torture.vendor import FREE, PAID

    call_command("migrate", interactive=False, verbosity=0)
    sync_sources()
    chosen = EnrichmentSource.objects.filter(slug__in=(PAID, FREE))
    chosen.update(is_enabled=True, per_minute=pace, in_flight=seats)
    chosen.filter(slug=PAID).update(monthly_limit=accounts * 10, credit_price="0.25")
    Preferences.objects.update_or_create(pk=1, defaults={"monthly_limit_usd": accounts * 10})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.csv"
        path.write_text("name,domain\n" + "".join(f"Company {n},company{n}.com\n" for n in range(accounts)))
        run = import_file(path, name=path.name, enrich=True, sources=(PAID, FREE), parallel=parallel)
    EnrichmentRun.objects.filter(pk=run.pk).update(credit_limit=accounts * 10)
    print(run.pk)


if __name__ == "__main__":
    django.setup()
    main(*map(int, sys.argv[1:]))
