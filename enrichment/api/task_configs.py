"""What a task is told to do, by its type; a task that could never be carried out is refused when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm import monitoring
from crm.models import IdealCustomerProfile
from enrichment import uploads
from enrichment.api.ids import IdField
from enrichment.models import UploadedFile
from enrichment.webhooks import TargetRefused, check_target

DISCOVERY = (
    "Finding new companies or people is outside this product: it enriches those you have. "
    "Upload a file and make a task of the type ingest."
)
_INGEST = ("ingest", "ingest-ondemand")
_RUNNABLE = (*_INGEST, monitoring.TYPE)
_INSTEAD = {
    "search": DISCOVERY,
    "signal-topic": DISCOVERY,
    "signal-csv": "Make an ingest task of the file, and a task of the type signal-sheet for its profile.",
}


class WebhookUrlField(serializers.URLField):
    """Where the events of the task's runs go: a public address over HTTPS, or one that EGRESS_ALLOW names."""

    def to_internal_value(self, data: Any) -> str:
        """The address in its normal form."""
        try:
            return check_target(super().to_internal_value(data))
        except TargetRefused as refused:
            raise ValidationError(str(refused)) from None


class NewField(serializers.Serializer[Any]):
    """An attribute the sheet is to want from now on."""

    name = serializers.CharField(max_length=60)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")


class IngestConfig(serializers.Serializer[Any]):
    """Enrich the rows of a file."""

    type = serializers.ChoiceField(choices=_INGEST)
    file_id = IdField()
    primary_column = serializers.CharField(max_length=200, trim_whitespace=False)
    csv_entity_type = serializers.ChoiceField(choices=["company", "person"])
    webhook_url = WebhookUrlField(max_length=2000, required=False, allow_null=True)
    ignored_fields = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=500, required=False
    )
    new_custom_fields = serializers.ListField(child=NewField(), max_length=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The file is there and has the column."""
        file = UploadedFile.objects.filter(pk=attrs["file_id"]).first()
        if file is None:
            raise ValidationError({"file_id": ["There is no file with this id: upload it first."]})
        columns, wanted = file.table.get("columns", []), attrs["primary_column"]
        same = [name for name in columns if name == wanted] or [
            name for name in columns if name.strip() == wanted.strip()
        ]
        if not same:
            listed = ", ".join(columns[:20])
            raise ValidationError(
                {"primary_column": [f"The file has no column {wanted[:80]}; it has {listed}."]}
            )
        try:
            uploads.path_of(file)
        except uploads.FileRefused as refused:
            raise ValidationError({"file_id": [str(refused)]}) from None
        return attrs | {"primary_column": same[0]}


class WatchedType(serializers.Serializer[Any]):
    """A type of signals to watch for."""

    type = serializers.CharField(max_length=60)
    display = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")

    def validate_type(self, value: str) -> str:
        """A type that the history of values tells of."""
        if value not in monitoring.SEEN:
            raise ValidationError(
                f"No value tells of {value[:40]}; there are rules for {', '.join(monitoring.SEEN)}."
            )
        return value


class SignalConfig(serializers.Serializer[Any]):
    """Watch the records of a profile: executing asks for what the rules look at, signals come when the run ends."""

    type = serializers.ChoiceField(choices=[monitoring.TYPE])
    source_icp_id = IdField()
    signal_types = serializers.ListField(child=WatchedType(), min_length=1, max_length=50)
    entity_type = serializers.ChoiceField(choices=["company", "person"], default="company")
    monitoring_frequency = serializers.ChoiceField(
        choices=["daily", "weekly", "monthly"],
        default="weekly",
        help_text="Kept; a schedule executes the task.",
    )
    webhook_url = WebhookUrlField(max_length=2000, required=False, allow_null=True)

    def validate_source_icp_id(self, value: int) -> int:
        """The profile is there."""
        if not IdealCustomerProfile.objects.filter(pk=value).exists():
            raise ValidationError("There is no profile with this id.")
        return value


@extend_schema_field(
    PolymorphicProxySerializer(
        "TaskConfig", [IngestConfig, SignalConfig], resource_type_field_name=None, many=False
    )
)
class ConfigField(serializers.Field[Any, Any, Any, Any]):
    """The configuration of a task."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The configuration as it is kept; raises ValidationError."""
        if not isinstance(data, Mapping):
            raise ValidationError("Write an object with a type.")
        kind = data.get("type", "ingest")
        if kind not in _RUNNABLE:
            other = f"A task of the type {str(kind)[:40]} cannot be carried out; {', '.join(_RUNNABLE)} can."
            raise ValidationError(_INSTEAD.get(str(kind), other))
        if kind == monitoring.TYPE and data.get("entity_filters"):
            raise ValidationError(
                {"entity_filters": ["Queries of MongoDB are not understood: leave them out."]}
            )
        told = dict(data) | {"type": kind}
        reader: Any = SignalConfig(data=told) if kind == monitoring.TYPE else IngestConfig(data=told)
        reader.is_valid(raise_exception=True)
        return {name: value for name, value in reader.data.items() if value is not None}

    def to_representation(self, value: Any) -> dict[str, Any]:
        """The configuration as it was told."""
        return dict(value)
