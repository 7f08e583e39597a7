"""The people and runs of an overlap: `python -m tests.torture.editor prepare ACCOUNTS RUNS PARALLEL | edit SEED EDITS SECONDS LOG`."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import django

REFUSED = 13  # of 50: see `vendor.paid`
NUMBERS, TEXTS = ("headcount", "founded_year"), ("industry", "company_description")


def prepare(accounts: str, count: str, parallel: str) -> None:
    """Accounts company0.com …, and runs over all of them, all started at once."""
    from django.core.management import call_command

    from crm.models import Account
    from crm.spreadsheets import import_file
    from enrichment import runs
    from enrichment.models import EnrichmentSource
    from enrichment.registration import sync_sources
    from sources.attributes import Kind
    from tests.torture.vendor import FREE, PAID

    call_command("migrate", interactive=False, verbosity=0)
    sync_sources()
    chosen = EnrichmentSource.objects.filter(slug__in=(PAID, FREE))
    chosen.update(is_enabled=True, per_minute=100_000, credit_price="0.25", cadence="monthly")
    # A question that the vendor refuses may be put again by each run.
    numbers = [n for n in range(int(accounts) * 2) if n % 50 != REFUSED][: int(accounts)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.csv"
        path.write_text("name,domain\n" + "".join(f"Company {n},company{n}.com\n" for n in numbers))
        import_file(path, name=path.name)
    for number in range(int(count)):
        runs.start(
            kind=Kind.ACCOUNT, records=Account.objects.all(), sources=[PAID, FREE], parallel=int(parallel),
            name=f"Run {number}",
        )  # fmt: skip


def edit(seed: str, edits: str, seconds: str, log: str) -> None:
    """Type values into records at random moments of about `seconds`; each is written down once it is kept."""
    from crm.models import Account
    from enrichment.claims import pin

    dice = random.Random(seed)
    ids = list(Account.objects.order_by("pk").values_list("pk", flat=True))
    crowded = dice.sample(ids, max(1, len(ids) // 5))  # several edits of one record, too
    with Path(log).open("a") as written:
        for number in range(int(edits)):
            time.sleep(dice.uniform(0, 2 * float(seconds) / int(edits)))
            account = Account.objects.get(pk=dice.choice(crowded))
            slug = dice.choice((*NUMBERS, *TEXTS))
            raw = 1800 + number if slug in NUMBERS else f"typed {number}"
            value = pin(account, slug, raw, user="somebody")
            written.write(json.dumps([account.pk, slug, value]) + "\n")
            written.flush()


if __name__ == "__main__":
    django.setup()
    (prepare if sys.argv[1] == "prepare" else edit)(*sys.argv[2:])
