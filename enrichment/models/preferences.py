"""What the whole installation prefers."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q


class Preferences(models.Model):
    """One row: which claim is believed, and what all sources together may cost."""

    class Policy(models.TextChoices):
        """Which of several sources' claims is the current value."""

        RANK = "rank", "the best ranked source"
        NEWEST = "newest", "the newest claim"

    policy = models.CharField(max_length=10, choices=Policy, default=Policy.RANK, editable=False)
    monthly_limit_usd = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text="USD a month over all sources; empty is no limit.",
    )  # fmt: skip

    hold_paid = models.BooleanField(
        "hold paid sources", default=False,
        help_text="Set by a restore: nothing paid is asked, since answers may have come after the backup was made.",
    )  # fmt: skip

    class Meta:
        verbose_name_plural = "preferences"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="preferences_is_one_row")]

    def __str__(self) -> str:
        return "Preferences"
