"""What the schedule of a source did, and when."""

from __future__ import annotations

from django.db import models

from crm.models import Sheet
from enrichment.models.run import EnrichmentRun
from enrichment.models.source import EnrichmentSource


class ScheduleFiring(models.Model):
    """One planned moment of a source's schedule for one kind of records: the run it made, or why none."""

    source = models.ForeignKey(
        EnrichmentSource, on_delete=models.CASCADE, db_index=False, related_name="firings"
    )
    kind = models.CharField(max_length=10, choices=Sheet.Kind)
    planned_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    run = models.ForeignKey(EnrichmentRun, null=True, on_delete=models.SET_NULL, related_name="firings")
    note = models.CharField(max_length=300, blank=True, help_text="Why no run was made, or what is left.")

    has_more = models.BooleanField(default=False, help_text="The refresh goes on soon.")

    class Meta:
        ordering = ["-planned_at", "kind"]
        constraints = [
            # However often and wherever a moment is delivered, it makes one run (reliability, I11).
            models.UniqueConstraint(fields=["source", "kind", "planned_at"], name="firing_once"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.planned_at:%Y-%m-%d %H:%M}"
