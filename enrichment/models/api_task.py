"""What the REST API keeps beside runs: files, tasks, schedules, where a run came from, and answers given before."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from crm.models import IdealCustomerProfile, Sheet
from enrichment.models.api_key import ApiKey
from enrichment.models.run import EnrichmentRun


class UploadedFile(models.Model):
    """A table somebody uploaded; `stored` is its name in the folder of uploads."""

    name = models.CharField(max_length=255)
    stored = models.CharField(max_length=60, unique=True)
    content_type = models.CharField(max_length=150, blank=True)
    size = models.PositiveBigIntegerField()
    table = models.JSONField(default=dict, blank=True, help_text="Row count, columns, first rows, encoding.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class ApiTask(models.Model):
    """What to do whenever somebody says so: in V1 words a flow with its configuration."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    flow = models.CharField(max_length=60)
    deployment = models.CharField(max_length=200)
    profile = models.ForeignKey(
        IdealCustomerProfile, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    sheet = models.ForeignKey(Sheet, null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks")
    prompt = models.TextField(blank=True)
    config = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API task"

    def __str__(self) -> str:
        return self.name


class ApiSchedule(models.Model):
    """When a task is executed by itself; `next_at` is the next planned moment, in UTC."""

    class Status(models.TextChoices):
        """Only active schedules fire."""

        ACTIVE = "active"
        PAUSED = "paused"
        DISABLED = "disabled"

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    task = models.ForeignKey(ApiTask, on_delete=models.CASCADE, related_name="schedules")
    profile = models.ForeignKey(IdealCustomerProfile, on_delete=models.CASCADE, related_name="schedules")
    key = models.ForeignKey(
        ApiKey, null=True, blank=True, to_field="prefix", on_delete=models.CASCADE, related_name="+"
    )
    cron = models.CharField(max_length=100)
    parameters = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    next_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True, help_text="Why the last moment made no run.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API schedule"
        indexes = [models.Index(fields=["next_at"], condition=Q(status="active"), name="apischedule_due")]

    def __str__(self) -> str:
        return self.name


class RunOrigin(models.Model):
    """Who started a run over the API, by which task, and what it was told."""

    run = models.OneToOneField(EnrichmentRun, on_delete=models.CASCADE, related_name="origin")
    task = models.ForeignKey(ApiTask, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    profile = models.ForeignKey(
        IdealCustomerProfile, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    key = models.ForeignKey(
        ApiKey, null=True, blank=True, to_field="prefix", on_delete=models.SET_NULL, related_name="runs"
    )
    schedule = models.ForeignKey(
        ApiSchedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    planned_at = models.DateTimeField(null=True, blank=True, help_text="The moment of the schedule.")
    file = models.ForeignKey(
        UploadedFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    config = models.JSONField(default=dict, blank=True, help_text="The task's configuration at that time.")
    parameters = models.JSONField(default=dict, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="Deleted over the API: not listed.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            # However often a moment is delivered, it makes one run (reliability, I11).
            models.UniqueConstraint(fields=["schedule", "planned_at"], name="runorigin_moment_once"),
        ]

    def __str__(self) -> str:
        return f"origin of run {self.run_id}"


class GivenAnswer(models.Model):
    """The answer to a request with an Idempotency-Key, given again when the request comes again."""

    caller = models.CharField(max_length=40, help_text="`key:<prefix>` or `user:<id>`.")
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64, help_text="Digest of method, path and body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="givenanswer_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
