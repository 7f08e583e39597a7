"""What a task is told to do, by its type; a task that could never be carried out is refused when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from enrichment import uploads
from enrichment.api.ids import IdField
from enrichment.models import UploadedFile

DISCOVERY = (
    "Finding new companies or people is outside this product: it enriches those you have. "
    "Upload a file and make a task of the type ingest."
)
_RUNNABLE = ("ingest", "ingest-ondemand")


class NewField(serializers.Serializer[Any]):
    """An attribute the sheet is to want from now on."""

    name = serializers.CharField(max_length=60)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")


class IngestConfig(serializers.Serializer[Any]):
    """Enrich the rows of a file."""

    type = serializers.ChoiceField(choices=_RUNNABLE)
    file_id = IdField()
    primary_column = serializers.CharField(max_length=200, trim_whitespace=False)
    csv_entity_type = serializers.ChoiceField(choices=["company", "person"])
    webhook_url = serializers.URLField(max_length=2000, required=False, allow_null=True)
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


@extend_schema_field(IngestConfig)
class ConfigField(serializers.Field[Any, Any, Any, Any]):
    """The configuration of a task."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The configuration as it is kept; raises ValidationError."""
        if not isinstance(data, Mapping):
            raise ValidationError("Write an object with a type.")
        kind = data.get("type", "ingest")
        if kind == "search":
            raise ValidationError(DISCOVERY, code="discovery")
        if kind not in _RUNNABLE:
            raise ValidationError(
                f"A task of the type {str(kind)[:40]} cannot be carried out; {' and '.join(_RUNNABLE)} can."
            )
        reader = IngestConfig(data=dict(data) | {"type": kind})
        reader.is_valid(raise_exception=True)
        return {name: value for name, value in reader.data.items() if value is not None}

    def to_representation(self, value: Any) -> dict[str, Any]:
        """The configuration as it was told."""
        return dict(value)
