"""Makes the rows of sources and rules of signals that are new."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from enrichment import bulk, schedule
from enrichment.registration import sync_sources
from enrichment.signals import sync_rules


class Command(BaseCommand):
    """`manage.py sync_sources`"""

    help = "Add a row for every source that has none; what you changed stays. `up` does it at each start."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the slugs that are new."""
        new = sync_sources()
        rules = sync_rules()
        schedule.follow_all(bulk.clock())
        self.stdout.write(f"New sources: {', '.join(new)}" if new else "No new sources.")
        if rules:
            self.stdout.write(f"New rules for signals: {', '.join(rules)}")
