"""Computes all current values anew from the claims."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from enrichment import claims


class Command(BaseCommand):
    """`manage.py rebuild_values`"""

    help = "Compute every current value anew from the claims; a sound installation changes in nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild and say what was wrong."""
        rebuilt = claims.rebuild()
        self.stdout.write(
            f"Records: {rebuilt.records}. Changed: {rebuilt.claims + rebuilt.dates + rebuilt.current}. "
            f"Put right: {rebuilt.claims} claims, {rebuilt.current} current values."
            + (f" {rebuilt.dates} due dates." if rebuilt.dates else "")
        )
