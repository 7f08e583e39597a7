"""How fast a source is being asked by all workers, and our API by each caller."""

from __future__ import annotations

from django.db import models

from enrichment.models.source import EnrichmentSource


class Throttle(models.Model):
    """The pace of one source: when its next call may start, who asks it now, and its failures in a row."""

    source = models.OneToOneField(EnrichmentSource, on_delete=models.CASCADE, related_name="throttle")
    next_at = models.DateTimeField(null=True, help_text="Calls may start from here on.")
    failures = models.PositiveIntegerField(default=0, help_text="Without an answer between them.")
    failing_since = models.DateTimeField(null=True)
    seats = models.JSONField(
        default=list, help_text="Workers that ask it at the moment, or wait to: enrichment.seats."
    )

    def __str__(self) -> str:
        return f"pace of {self.source_id}"


class CallerPace(models.Model):
    """How many requests a caller of the API has made in a minute, in all web processes together."""

    caller = models.CharField(max_length=40, unique=True, help_text="`key:<prefix>` or `user:<id>`.")
    minute = models.BigIntegerField(help_text="Since 1970.")
    requests = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"pace of {self.caller}"
