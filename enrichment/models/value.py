"""Claims: what each source says, kept for ever."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from crm.models import Account, Contact
from enrichment.models.lookup import Lookup
from enrichment.models.run import EnrichmentRun
from enrichment.models.source import EnrichmentSource


class AttributeValue(models.Model):
    """One claim: a source says that an attribute of a record has a value, and why.

    Live means neither superseded nor retracted. Only `enrichment.claims` writes here;
    apart from those two dates a row never changes.
    """

    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, db_index=False, related_name="claims"
    )
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.CASCADE, db_index=False, related_name="claims"
    )
    attribute = models.CharField(max_length=60)
    source = models.ForeignKey(
        EnrichmentSource, on_delete=models.PROTECT, db_index=False, related_name="claims"
    )
    value = models.JSONField()
    original = models.TextField(blank=True, help_text="As the source wrote it, where that differs.")
    references = models.JSONField(default=list)
    run = models.ForeignKey(
        EnrichmentRun, null=True, on_delete=models.PROTECT, db_index=False, related_name="claims"
    )
    lookup = models.ForeignKey(
        Lookup, null=True, on_delete=models.PROTECT, db_index=False, related_name="claims"
    )
    first_seen_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    retracted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-first_seen_at", "-id"]
        verbose_name = "claim"
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="value_has_one_owner",
            ),
            models.UniqueConstraint(
                fields=["account", "attribute", "source"],
                condition=Q(account__isnull=False, superseded_at__isnull=True, retracted_at__isnull=True),
                name="value_live_once_per_account",
            ),
            models.UniqueConstraint(
                fields=["contact", "attribute", "source"],
                condition=Q(contact__isnull=False, superseded_at__isnull=True, retracted_at__isnull=True),
                name="value_live_once_per_contact",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(account__isnull=False), name="value_account"),
            models.Index(fields=["contact"], condition=Q(contact__isnull=False), name="value_contact"),
            models.Index(fields=["run"], condition=Q(run__isnull=False), name="value_run"),
        ]

    def __str__(self) -> str:
        return f"{self.attribute} = {self.value}"
