"""The processes of the webhook torture: `python -m tests.enrichment.webhooks.sender prepare ACCOUNTS URL… | send`."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import django


def prepare(accounts: str, *urls: str) -> None:
    """Two runs that ended and that nobody has looked at: the second found twice the headcount of each account."""
    from django.core.management import call_command
    from django.utils import timezone

    from enrichment import signals, webhooks
    from enrichment.claims import record
    from enrichment.models import EnrichmentRun, WebhookEndpoint
    from sources.attributes import Kind
    from tests import factories as make

    call_command("migrate", interactive=False, verbosity=0)
    signals.sync_rules()
    for url in urls:
        endpoint = WebhookEndpoint(name=url, url=url, events=["run.finished", "signal", "value"])
        webhooks.new_secret(endpoint)
        endpoint.save()
    source = make.make_source("crunchbase")
    ids = [make.make_account(name=f"Company {n}").pk for n in range(int(accounts))]
    for day, headcount in ((0, 100), (7, 200)):
        run = make.make_run()
        answers = [make.make_answer(pk, source.pk, day, headcount=headcount) for pk in ids]
        record(run=run.pk, kind=Kind.ACCOUNT, answers=answers)
        EnrichmentRun.objects.filter(pk=run.pk).update(status="COMPLETED", finished_at=timezone.now())


def send() -> None:
    """Look at runs and send messages for ever, in short periods that a test can wait for."""
    from enrichment import signals, webhooks
    from enrichment.signals import scanning
    from enrichment.webhooks import results, sending

    scanning.CHUNK = 7
    sending.TURN, sending.PUT_OFF, sending.SIGNS_APART = timedelta(seconds=1), timedelta(seconds=1), 0.2
    results._FIRST, results._LONGEST, results._PAUSE, results._LONGEST_PAUSE = 0.1, 0.5, 0.1, 0.5
    print("ready", flush=True)
    while True:
        signals.sweep()
        webhooks.send()
        time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare(*sys.argv[2:])
    else:
        send()
