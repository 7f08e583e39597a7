"""The ledger of questions: cache, spend and evidence in one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from enrichment.models.run import EnrichmentRun
from enrichment.models.source import EnrichmentSource


class Lookup(models.Model):
    """One question to one source, its cost and what was answered, as received.

    `key` is the digest of the normalised question; at most one lookup of a source and key is open.
    """

    class State(models.TextChoices):
        """planned → reserved → sent → answered → applied, with the side states of reliability.md §3.2."""

        PLANNED = "planned"
        RESERVED = "reserved"
        SENT = "sent"
        ANSWERED = "answered"
        APPLIED = "applied"
        RELEASED = "released"
        FAILED = "failed"
        WAITING = "waiting"
        UNCERTAIN = "uncertain"
        LATE = "late"

    OPEN = (State.PLANNED, State.RESERVED, State.SENT, State.WAITING)

    source = models.ForeignKey(
        EnrichmentSource, on_delete=models.PROTECT, db_index=False, related_name="lookups"
    )
    run = models.ForeignKey(EnrichmentRun, null=True, on_delete=models.SET_NULL, related_name="lookups")
    key = models.CharField(max_length=64)
    question = models.JSONField(help_text="Whom the source was asked about.")
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    version = models.PositiveIntegerField(default=1, help_text="Version of the adapter that asked.")
    period = models.CharField(max_length=7, help_text="The month that pays, YYYY-MM.")
    reserved = models.PositiveIntegerField(default=0, help_text="Credits set aside.")
    cost = models.PositiveIntegerField(default=0, help_text="Credits spent.")
    token = models.CharField(max_length=500, blank=True, help_text="The source's name for a late answer.")
    poll_at = models.DateTimeField(
        null=True, help_text="When to ask for a late answer; empty: it is sent to us."
    )
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    url = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "key"],
                condition=Q(state__in=["planned", "reserved", "sent", "waiting"]),
                name="lookup_open_once",
            )
        ]
        indexes = [models.Index(fields=["source", "key", "-answered_at"], name="lookup_cache")]

    def __str__(self) -> str:
        return f"{self.source}: {self.question.get('name') or self.question.get('domain') or self.pk}"
