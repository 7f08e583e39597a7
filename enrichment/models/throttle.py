"""How fast a source is being asked, by all workers together."""

from __future__ import annotations

from django.db import models

from enrichment.models.source import EnrichmentSource


class Throttle(models.Model):
    """The pace of one source: when its next call may start, and its failures in a row."""

    source = models.OneToOneField(EnrichmentSource, on_delete=models.CASCADE, related_name="throttle")
    next_at = models.DateTimeField(null=True, help_text="Calls may start from here on.")
    failures = models.PositiveIntegerField(default=0, help_text="Without an answer between them.")
    failing_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"pace of {self.source_id}"
