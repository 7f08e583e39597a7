"""Enrichment runs and the records or rows in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crm.models import Account, Contact, Sheet
from crm.models.created import Created


class EnrichmentRun(models.Model):
    """One enrichment of a set of records; or one import, which makes claims of its own cells."""

    class Status(models.TextChoices):
        """Where a run stands; the last four are final."""

        SCHEDULED = "SCHEDULED", "scheduled"
        PENDING = "PENDING", "pending"
        RUNNING = "RUNNING", "running"
        PAUSED = "PAUSED", "paused"
        COMPLETED = "COMPLETED", "completed"
        FAILED = "FAILED", "failed"
        CANCELED = "CANCELED", "canceled"
        CRASHED = "CRASHED", "crashed"

    class Unmatched(models.TextChoices):
        """What becomes of a row that matches no record."""

        CREATE = "create", "make a record"
        DISCARD = "discard", "discard it unless a source knows it"

    OPEN = (Status.SCHEDULED, Status.PENDING, Status.RUNNING, Status.PAUSED)

    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    kind = models.CharField(max_length=10, choices=Sheet.Kind, default=Sheet.Kind.ACCOUNT)
    sheet = models.ForeignKey(Sheet, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    asks = models.BooleanField(default=True, help_text="Sources are asked; an import alone asks none.")
    wanted = models.JSONField(default=list, blank=True, help_text="Attribute slugs; empty means all.")
    sources = models.JSONField(
        default=list, blank=True, help_text="Source slugs; empty means all that are on."
    )
    source_settings = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Settings of sources for this run alone, by slug."
    )
    unmatched = models.CharField(max_length=10, choices=Unmatched, default=Unmatched.CREATE)
    credit_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Credits; empty is no cap.")
    parallel = models.PositiveIntegerField(default=5, help_text="Questions at once.")
    file_name = models.CharField(max_length=255, blank=True)
    file_hash = models.CharField(max_length=64, blank=True)
    headers = models.JSONField(
        default=list, blank=True, help_text="Header and field of each column of the file."
    )
    summary = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = Created()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    asks_next = models.JSONField(
        default=dict, blank=True,
        help_text="Once it ends: what is asked about the people of its companies, or the companies of its people.",
    )  # fmt: skip
    follows = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="follow_up",
        help_text="The run whose people or companies it asks about; that one's cap holds for both.",
    )  # fmt: skip
    followed_at = models.DateTimeField(
        null=True, blank=True, help_text="The end of this run that its follow-up takes account of."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["status"], name="run_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Whether the run may still do something."""
        return self.status in self.OPEN


def to_follow() -> Q:
    """Runs that ended and whose follow-up is to be begun, or to take account of a newer end."""
    is_due = Q(followed_at=None) | ~Q(followed_at=F("finished_at"))
    return is_due & Q(status=EnrichmentRun.Status.COMPLETED, undone_at=None) & ~Q(asks_next={})


class RunItem(models.Model):
    """One record, or one spreadsheet row, in a run: what was decided about it and why."""

    class State(models.TextChoices):
        """Where an item stands; the first three are open."""

        QUEUED = "queued"
        PROCESSING = "processing"
        WAITING = "waiting"
        COMPLETED = "completed"
        DISCARDED = "discarded"
        FAILED = "failed"
        SKIPPED = "skipped"
        REVIEW = "review"
        CANCELED = "canceled"

    OPEN = (State.QUEUED, State.PROCESSING, State.WAITING)

    run = models.ForeignKey(EnrichmentRun, on_delete=models.CASCADE, db_index=False, related_name="items")
    position = models.PositiveIntegerField(help_text="Row of the file, or order in the run.")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="run_items"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="run_items"
    )
    row = models.JSONField(null=True, blank=True, help_text="The original cells, by header.")
    subject = models.JSONField(
        null=True, blank=True, help_text="Whom the row names, while no record is known."
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=500, blank=True)
    strategy = models.CharField(max_length=30, blank=True, help_text="How the row was matched to its record.")
    score = models.FloatField(null=True, blank=True)
    evidence = models.JSONField(default=list, blank=True, help_text="Why the row matched, or whom it may be.")
    has_created_record = models.BooleanField(default=False)
    outcomes = models.JSONField(default=dict, blank=True, help_text="Per source: outcome, reason, lookup.")
    not_before = models.DateTimeField(null=True, blank=True, help_text="Parked until then.")
    waits_for = models.ForeignKey(
        "enrichment.Lookup",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="waiting_items",
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    starts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="runitem_position_once"),
            models.CheckConstraint(
                condition=Q(account__isnull=True) | Q(contact__isnull=True),
                name="runitem_has_one_record_at_most",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "state", "position"], name="runitem_queue"),
            models.Index(fields=["account"], condition=Q(account__isnull=False), name="runitem_account"),
            models.Index(fields=["contact"], condition=Q(contact__isnull=False), name="runitem_contact"),
            models.Index(fields=["waits_for"], condition=Q(waits_for__isnull=False), name="runitem_waits"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.position}"
