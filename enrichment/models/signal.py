"""Signals: changes worth acting on, and the rules that see them in the history of values."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from crm.models import Account, Contact, IdealCustomerProfile, Sheet
from enrichment.models.api_task import ApiTask
from enrichment.models.run import EnrichmentRun
from enrichment.models.source import texts
from enrichment.models.value import AttributeValue


class SignalType(models.TextChoices):
    """What a signal is about, in the words of the V1 API."""

    FUNDING = "funding"
    LEADERSHIP_CHANGE = "leadership_change", "Leadership change"
    LAYOFF = "layoff"
    PRODUCT_LAUNCH = "product_launch", "Product launch"
    PARTNERSHIP = "partnership"
    ACQUISITION = "acquisition"
    EXPANSION = "expansion"
    AWARD = "award"
    PIVOT = "pivot"
    REGULATORY = "regulatory"
    RFP = "rfp", "RFP"
    CONTRACT_RENEWAL = "contract_renewal", "Contract renewal"
    HIRING_SURGE = "hiring_surge", "Hiring surge"
    INFRASTRUCTURE = "infrastructure"
    COMPLIANCE = "compliance"
    JOB_POSTING = "job_posting", "Job posting"
    OTHER = "other"


class Strength(models.TextChoices):
    """How much a signal says, weakest first."""

    LOW = "LOW", "low"
    MEDIUM = "MEDIUM", "medium"
    HIGH = "HIGH", "high"


class When(models.TextChoices):
    """Which change of a value a rule looks for."""

    RISES = "rises", "rises, or moves to a later stage or date"
    FALLS = "falls", "falls"
    REACHES = "reaches", "reaches the threshold from below"
    ADDED = "added", "gains an entry"
    REMOVED = "removed", "loses an entry"
    CHANGED = "changed", "changes in any way"


class SignalRule(models.Model):
    """Which change of which attribute makes a signal, for which records.

    `attributes` are looked at in order, the first that fits makes the signal; an empty list means each attribute
    that there is. Records of other segments, outside the profile's sheets or outside the sheet make none.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=20, choices=SignalType, default=SignalType.OTHER)
    is_enabled = models.BooleanField("on", default=True)
    attributes = models.JSONField(
        default=list, blank=True, help_text="The first that fits makes the signal; empty: any attribute."
    )
    when = models.CharField("when it", max_length=10, choices=When, default=When.CHANGED)
    threshold = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text="Rises and falls: by at least so many percent. Reaches: the value to reach.",
    )  # fmt: skip
    least = models.DecimalField(
        "at least", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text="Rises and falls: by at least so much, days for a date; two people more at a company of five are no surge.",
    )  # fmt: skip
    words = models.JSONField(
        default=list, blank=True, help_text="Only entries or texts that hold one of these words; empty: all."
    )
    strength = models.CharField(
        max_length=6, choices=Strength, default=Strength.MEDIUM,
        help_text="One step more when a number moves twice as far as the threshold.",
    )  # fmt: skip
    first_values = models.BooleanField(
        "first values too", default=False, help_text="Also when nothing was known before."
    )
    segments = models.JSONField("only these segments", default=list, blank=True)
    profile = models.ForeignKey(
        IdealCustomerProfile, null=True, blank=True, on_delete=models.CASCADE, related_name="signal_rules",
        verbose_name="only this profile", help_text="Only records in sheets of this profile.",
    )  # fmt: skip
    sheet = models.ForeignKey(
        Sheet, null=True, blank=True, on_delete=models.CASCADE, related_name="signal_rules",
        verbose_name="only this sheet", help_text="Only records in this sheet.",
    )  # fmt: skip
    task = models.ForeignKey(
        ApiTask, null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="signal_rules"
    )

    class Meta:
        ordering = ["type", "slug"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Lists are lists, and a rule can be judged; each mistake in one sentence."""
        wrong: dict[str, str] = {}
        for field in ("attributes", "words", "segments"):
            try:
                setattr(self, field, texts(getattr(self, field)))
            except ValueError as error:
                wrong[field] = str(error).replace("segment", "entry")
        if self.when == When.REACHES and self.threshold is None:
            wrong["threshold"] = "Write the value to reach."
        if self.when != When.CHANGED and not self.attributes:
            wrong["attributes"] = "Choose the attribute that is looked at; any attribute can only change."
        if wrong:
            raise ValidationError(wrong)


class Signal(models.Model):
    """One change that a rule saw: the claim before (None for a first value), the claim now, and the run that made it.

    Type, strength and `when` are the rule's at that time. A signal stands while its run is not undone.
    """

    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, db_index=False, related_name="signals"
    )
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.CASCADE, db_index=False, related_name="signals"
    )
    rule = models.ForeignKey(SignalRule, null=True, on_delete=models.SET_NULL, related_name="signals")
    type = models.CharField(max_length=20, choices=SignalType)
    strength = models.CharField(max_length=6, choices=Strength)
    attribute = models.CharField(max_length=60)
    when = models.CharField(max_length=10, choices=When)
    summary = models.TextField()
    old = models.ForeignKey(
        AttributeValue, null=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    new = models.ForeignKey(AttributeValue, on_delete=models.CASCADE, db_index=False, related_name="+")
    run = models.ForeignKey(EnrichmentRun, on_delete=models.CASCADE, related_name="signals")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="signal_has_one_record",
            ),
            # However often a run is looked at, it makes a signal once; two rules that see the same make one.
            models.UniqueConstraint(
                fields=["account", "run", "type", "attribute", "when"],
                condition=Q(account__isnull=False),
                name="signal_once_per_account",
            ),
            models.UniqueConstraint(
                fields=["contact", "run", "type", "attribute", "when"],
                condition=Q(contact__isnull=False),
                name="signal_once_per_contact",
            ),
        ]
        indexes = [
            models.Index(fields=["new"], name="signal_new"),
            models.Index(fields=["old"], name="signal_old"),
        ]

    def __str__(self) -> str:
        return self.summary

    @property
    def record(self) -> Any:
        """The account or contact it is about."""
        return self.account or self.contact


class RunScan(models.Model):
    """How far the changes of a run that ended have been looked at; a run that ends again is looked at again."""

    run = models.OneToOneField(EnrichmentRun, primary_key=True, on_delete=models.CASCADE, related_name="scan")
    run_ended_at = models.DateTimeField(help_text="The end of the run that is looked at.")
    account_after = models.PositiveBigIntegerField(default=0, help_text="Accounts up to here are done.")
    contact_after = models.PositiveBigIntegerField(default=0, help_text="Contacts up to here are done.")
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["-run"]

    def __str__(self) -> str:
        return f"scan of run {self.run_id}"
