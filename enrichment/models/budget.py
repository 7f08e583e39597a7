"""Budgets: what may be spent, is set aside, is spent."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Budget(models.Model):
    """One limit: of a source in a month, of a run, or in money of all sources in a month.

    `scope` is `source:<id>:<YYYY-MM>` (credits), `run:<id>` (credits) or `money:<YYYY-MM>`
    (millionths of a USD). Only `enrichment.budget` writes here.
    """

    scope = models.CharField(max_length=60, unique=True)
    limit = models.BigIntegerField(null=True)
    reserved = models.BigIntegerField(default=0)
    spent = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["scope"]
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0, spent__gte=0), name="budget_is_not_negative"),
            models.CheckConstraint(
                condition=Q(limit__isnull=True) | Q(limit__gte=F("spent") + F("reserved")),
                name="budget_is_kept",
            ),
        ]

    def __str__(self) -> str:
        return self.scope
