"""Checks: what was learned by asking, and when to ask again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from crm.models import Account, Contact
from enrichment.models.lookup import Lookup
from enrichment.models.run import EnrichmentRun
from enrichment.models.source import EnrichmentSource

_ONE_OWNER = Q(account__isnull=False, contact__isnull=True) | Q(account__isnull=True, contact__isnull=False)


class Outcome(models.TextChoices):
    """What became of one question about one record; only the first three are answers and make a check."""

    FOUND = "found"
    NOT_FOUND = "not_found", "not found"
    REJECTED = "rejected", "rejected: about somebody else"
    FAILED = "failed"
    WAITING = "waiting"
    UNCERTAIN = "uncertain"


class Check(models.Model):
    """One source answered one run about one record; inserted only. A replay has one for each answer it read anew.

    `asserted` names the live claims that the answer confirmed without writing: claim ids,
    or `[id, [references], original]` where references or original text differ.
    """

    run = models.ForeignKey(EnrichmentRun, on_delete=models.PROTECT, db_index=False, related_name="checks")
    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, db_index=False, related_name="checks"
    )
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.CASCADE, db_index=False, related_name="checks"
    )
    source = models.ForeignKey(
        EnrichmentSource, on_delete=models.PROTECT, db_index=False, related_name="checks"
    )
    at = models.DateTimeField(help_text="When the source was asked.")
    outcome = models.CharField(max_length=10, choices=Outcome)
    lookup = models.ForeignKey(
        Lookup, null=True, on_delete=models.PROTECT, db_index=False, related_name="checks"
    )
    asserted = models.JSONField(default=list)
    reread = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="The lookup that a replay read anew; 0: an answer as it came."
    )

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=_ONE_OWNER, name="check_has_one_owner"),
            models.UniqueConstraint(
                fields=["account", "source", "run", "reread"],
                condition=Q(account__isnull=False),
                name="check_account_once",
            ),
            models.UniqueConstraint(
                fields=["contact", "source", "run", "reread"],
                condition=Q(contact__isnull=False),
                name="check_contact_once",
            ),
        ]
        indexes = [models.Index(fields=["run"], name="check_run")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.outcome} {self.at}"


class Freshness(models.Model):
    """When a source's answer about a record is due again: a projection of its newest standing check."""

    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    source = models.ForeignKey(EnrichmentSource, on_delete=models.CASCADE, db_index=False, related_name="+")
    checked_at = models.DateTimeField()
    key = models.CharField(max_length=64, help_text="The question that was asked.")
    due_at = models.DateTimeField(null=True, help_text="Empty: never.")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "freshness"
        constraints = [
            models.CheckConstraint(condition=_ONE_OWNER, name="freshness_has_one_owner"),
            models.UniqueConstraint(
                fields=["account", "source"],
                condition=Q(account__isnull=False),
                name="freshness_account_once",
            ),
            models.UniqueConstraint(
                fields=["contact", "source"],
                condition=Q(contact__isnull=False),
                name="freshness_contact_once",
            ),
        ]
        indexes = [models.Index(fields=["source", "due_at"], name="freshness_due")]

    def __str__(self) -> str:
        return f"{self.source_id} due {self.due_at}"
