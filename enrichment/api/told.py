"""What webhooks tell, for the OpenAPI description; `enrichment.webhooks.bodies` writes it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiWebhook, extend_schema
from rest_framework import serializers

from crm.profiles import KIND_OF
from enrichment.api.run_answers import ResourcesAnswer
from enrichment.api.signals import SignalAnswer
from enrichment.models import EnrichmentRun


class RunTold(serializers.Serializer[Any]):
    """A run, as the V1 dialect tells of it; `undone_at` stands in `run.….undone` only."""

    run_id = serializers.CharField()
    run_name = serializers.CharField()
    status = serializers.ChoiceField(choices=EnrichmentRun.Status.choices)
    icp_id = serializers.CharField(allow_null=True)
    icp_name = serializers.CharField(allow_null=True)
    user_email = serializers.CharField(allow_null=True)
    user_first_name = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)
    duration_formatted = serializers.CharField(allow_null=True)
    credits_used = serializers.IntegerField()
    error_message = serializers.CharField(allow_null=True)
    resources = ResourcesAnswer()
    total_signals = serializers.IntegerField()
    signal_breakdown = serializers.DictField(child=serializers.IntegerField())
    undone_at = serializers.DateTimeField(required=False)


class ValueTold(serializers.Serializer[Any]):
    """A value that changed: the one believed before and the one believed now; null where nothing is known."""

    record_type = serializers.ChoiceField(choices=[kind.value for kind in KIND_OF.values()])
    record_id = serializers.CharField()
    name = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    external_source = serializers.CharField(allow_null=True)
    attribute = serializers.CharField()
    old = serializers.JSONField(allow_null=True)
    old_display = serializers.CharField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    new_display = serializers.CharField(allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    at = serializers.DateTimeField()
    run_id = serializers.CharField(allow_null=True)


def _told(event: str, type_: str, summary: str, data: serializers.BaseSerializer[Any]) -> OpenApiWebhook:
    """An event: its name among an endpoint's events, what `event_type` says, and its data."""
    name = "".join(word.capitalize() for word in event.split("."))
    fields = {
        "event_type": serializers.CharField(help_text=type_),
        "timestamp": serializers.DateTimeField(),
        "data": data,
    }
    body = type(f"{name}Message", (serializers.Serializer,), fields)
    described = extend_schema(
        operation_id=f"told_{event.replace('.', '_')}", summary=summary, request=body, responses={200: None}, tags=["webhooks"],
    )  # fmt: skip
    return OpenApiWebhook(name=event, decorator=described)


RUN_FINISHED = _told("run.finished", "`run.<flow>.completed` or `.canceled`", "A run ended.", RunTold())
RUN_FAILED = _told("run.failed", "`run.<flow>.failed` or `.crashed`", "A run failed.", RunTold())
RUN_UNDONE = _told(
    "run.undone", "`run.<flow>.undone`", "A run was undone: told once, when the values are back.", RunTold()
)
SIGNAL = _told("signal", "`signal.created`", "A signal.", SignalAnswer())
VALUE = _told("value", "`value.changed`", "A value changed.", ValueTold())
