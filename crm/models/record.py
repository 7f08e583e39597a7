"""What accounts and contacts have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from crm.models.created import Created
from sources.attributes import IDENTITY, Kind


class Record(models.Model):
    """A company or person of the team's CRM.

    The identity columns and `current_values` are projections of claims: only
    `enrichment.claims` writes them. `current_values` maps an attribute slug to
    `{value, display, references, source, created_at}` of the winning claim.
    """

    class Status(models.TextChoices):
        """How far the team is with a record."""

        NEW = "new"
        REVIEWED = "reviewed"
        PASSED = "passed"
        CONTACTED = "contacted"

    kind: ClassVar[Kind]

    external_id = models.CharField(max_length=200, blank=True, help_text="The record's id in your CRM.")
    external_source = models.CharField(max_length=50, blank=True, help_text="The CRM that gave the id.")
    status = models.CharField(max_length=20, choices=Status, blank=True)
    priority = models.CharField(max_length=50, blank=True, help_text="For example P1, or high.")
    segment = models.CharField(max_length=100, blank=True, help_text="For example Enterprise.")
    comments = models.TextField(blank=True)

    name = models.CharField(max_length=500, blank=True, editable=False)
    name_key = models.CharField(max_length=500, blank=True, editable=False)
    domain = models.CharField(max_length=253, blank=True, editable=False)
    email = models.CharField("e-mail", max_length=320, blank=True, editable=False)
    linkedin_url = models.CharField("LinkedIn", max_length=500, blank=True, editable=False)
    city = models.CharField(max_length=200, blank=True, editable=False)
    country = models.CharField(max_length=100, blank=True, editable=False)
    current_values = models.JSONField(default=dict, blank=True, editable=False)

    created_at = Created()

    class Meta:
        abstract = True
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_source", "external_id"],
                condition=~Q(external_id=""),
                name="%(class)s_external_id_is_unique",
            )
        ]
        indexes = [
            *(
                models.Index(fields=[column], condition=~Q(**{column: ""}), name=f"%(class)s_{column}"[:30])
                for column in ("domain", "email", "linkedin_url", "name_key")
            ),
            # Lists filtered by them are ordered by id, and their different texts are found by leaps.
            *(
                models.Index(fields=[column, "id"], condition=~Q(**{column: ""}), name=f"%(class)s_{column}")
                for column in ("priority", "segment")
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.domain or self.email or f"Unnamed {self.kind} {self.pk}"

    def identity(self) -> dict[str, str]:
        """The identity columns by name."""
        return {column: getattr(self, column) for column in IDENTITY}

    def value(self, slug: str) -> Any:
        """The current value of an attribute, or None."""
        return self.current_values.get(slug, {}).get("value")
