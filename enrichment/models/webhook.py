"""Webhooks out: who is told of what, and each message with what became of it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from enrichment.models.run import EnrichmentRun
from enrichment.models.signal import Signal
from enrichment.models.source import texts


class Event(models.TextChoices):
    """What an endpoint can be told of."""

    RUN_FINISHED = "run.finished", "a run finished"
    RUN_FAILED = "run.failed", "a run failed"
    RUN_UNDONE = "run.undone", "a run was undone"
    SIGNAL = "signal", "a signal"
    VALUE = "value", "a value changed"
    TEST = "test", "a test"


class WebhookEndpoint(models.Model):
    """An address that is told of events, signed with its secret (Standard Webhooks).

    `secret` and `previous_secret` are encrypted; both sign until `previous_until`. An endpoint of tasks is made for
    the `webhook_url` of V1 tasks and hears of their runs only.
    """

    CHOOSABLE = (Event.RUN_FINISHED, Event.RUN_FAILED, Event.RUN_UNDONE, Event.SIGNAL, Event.VALUE)

    name = models.CharField(max_length=100)
    url = models.CharField("address", max_length=2048, help_text="https://…, reachable from here.")
    events = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(
        default=list, blank=True, help_text="Whose changes are told, where changed values are; empty: all."
    )
    first_values = models.BooleanField(
        "first values too", default=False, help_text="Tell also of values where nothing was known before."
    )
    is_enabled = models.BooleanField("on", default=True)
    is_of_tasks = models.BooleanField(default=False, editable=False)
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, editable=False)
    failures = models.PositiveIntegerField(
        "failures in a row", default=0, editable=False, help_text="Without a success between them."
    )
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "webhook endpoint"
        constraints = [
            models.UniqueConstraint(
                fields=["url"], condition=Q(is_of_tasks=True), name="webhookendpoint_of_tasks_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The lists are lists of what there is."""
        wrong: dict[str, str] = {}
        try:
            self.attributes = texts(self.attributes)
        except ValueError:
            wrong["attributes"] = "Write one attribute a line."
        if not isinstance(self.events, list) or set(self.events) - {event.value for event in self.CHOOSABLE}:
            wrong["events"] = f"Choose some of {', '.join(self.CHOOSABLE)}."
        if wrong:
            raise ValidationError(wrong)


class WebhookDelivery(models.Model):
    """One event for one endpoint: written with its cause, sent until it is taken or three days have passed.

    `body` is signed as it stands. `tries` holds `{at, status, error, milliseconds}` of the latest tries.
    """

    class State(models.TextChoices):
        """Only pending ones are sent."""

        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"
        DROPPED = "dropped"

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, db_index=False, related_name="deliveries"
    )
    event = models.CharField(max_length=20, choices=Event)
    event_id = models.CharField(max_length=80, help_text="The same whenever the event is sent again.")
    body = models.TextField()
    run = models.ForeignKey(EnrichmentRun, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    signal = models.ForeignKey(Signal, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(help_text="The next try.")
    since = models.DateTimeField(help_text="Three days of tries begin here.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the latest answer.")
    error = models.CharField(max_length=300, blank=True)
    tries = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhookdelivery_event_once")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_at"], condition=Q(state="pending"), name="webhookdelivery_due"
            ),
            models.Index(
                fields=["ended_at"], condition=Q(ended_at__isnull=False), name="webhookdelivery_ended"
            ),
        ]

    def __str__(self) -> str:
        return self.event_id
