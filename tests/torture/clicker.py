"""Somebody at a run's page: each line on the input is the button that is pressed, each line out the moment it was.

`python -m tests.torture.clicker`, on the database of DATABASE_URL.
"""

from __future__ import annotations

import sys
import time

import django


def main() -> None:
    """Press buttons until the input ends."""
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from enrichment.models import EnrichmentRun
    from tests.people import make_olive

    settings.ALLOWED_HOSTS.append("testserver")
    olive = Client()
    olive.force_login(make_olive())
    print("there", flush=True)
    for line in sys.stdin:
        url = reverse(
            "admin:enrichment_enrichmentrun_steer", args=[EnrichmentRun.objects.get().pk, line.strip()]
        )
        at = time.time()
        assert olive.post(url).status_code == 302
        print(at, flush=True)


if __name__ == "__main__":
    django.setup()
    main()
