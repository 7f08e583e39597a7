"""Says whether the workers live: for monitors, systemd and containers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment import bulk, heartbeats

LIMIT = 60  # seconds


class Command(BaseCommand):
    """`manage.py worker_health`"""

    help = "Exit with status 1 when no worker gave a sign of life for 60 seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which workers are meant."""
        parser.add_argument("--here", action="store_true", help="only the workers of this machine")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare the heartbeat with the clock. Raises CommandError, which ends with status 1."""
        name = heartbeats.here(heartbeats.QUEUE) if options["here"] else heartbeats.QUEUE
        at = heartbeats.last([name]).get(name)
        if at is None:
            raise CommandError(f"No worker has ever given a sign of life ({name}): start `manage.py up`.")
        age = (bulk.clock() - at).total_seconds()
        if age > LIMIT:
            raise CommandError(f"No sign of life for {age:.0f} s ({name}): restart `manage.py up`.")
        self.stdout.write(f"Workers live: last sign {max(age, 0):.0f} s ago ({name}).")
