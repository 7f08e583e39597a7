"""What a task is told to do, by its type; a task that could never be carried out is refused when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm import monitoring, researching
from crm.models import IdealCustomerProfile
from crm.profiles import KIND_OF, TYPE_OF
from enrichment import uploads
from enrichment.api.ids import IdField
from enrichment.models import UploadedFile
from enrichment.models.signal import SignalType
from enrichment.queries.documents import OPERATORS, meant_by
from enrichment.webhooks import TargetRefused, check_target
from sources.attributes import Kind
from sources.vendors.prompts import PromptRefused, names_in

DISCOVERY = (
    "Finding new companies or people is outside this product: it enriches those you have. "
    "Upload a file and make a task of the type ingest."
)
_INGEST = ("ingest", "ingest-ondemand")
_INSTEAD = {"search": DISCOVERY}
_ENTITY_TYPES = list(KIND_OF)


def _words() -> Any:
    """Words that narrow what is meant; null and [] narrow nothing."""
    return serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=50, required=False, allow_null=True
    )


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
        return attrs | {"primary_column": _column_of(attrs["file_id"], attrs["primary_column"])}


def _column_of(file_id: int, wanted: str) -> str:
    """The column of a file that is there, as the file spells it. Raises ValidationError."""
    file = UploadedFile.objects.filter(pk=file_id).first()
    if file is None:
        raise ValidationError({"file_id": ["There is no file with this id: upload it first."]})
    columns = file.table.get("columns", [])
    same = [name for name in columns if name == wanted] or [
        name for name in columns if name.strip() == wanted.strip()
    ]
    if not same:
        listed = ", ".join(columns[:20])
        raise ValidationError({"primary_column": [f"The file has no column {wanted[:80]}; it has {listed}."]})
    try:
        uploads.path_of(file)
    except uploads.FileRefused as refused:
        raise ValidationError({"file_id": [str(refused)]}) from None
    return str(same[0])


class ProfileConfig(serializers.Serializer[Any]):
    """Ask a prompt about each company of a profile; its pages are read, and each value needs a quote from them."""

    type = serializers.ChoiceField(choices=[researching.TYPE])
    prompt = serializers.CharField(
        max_length=10_000,
        help_text="Names in double braces stand for what is known of the company, or for parameters: {{ company_name }}.",
    )
    webhook_url = WebhookUrlField(max_length=2000, required=False, allow_null=True)

    def validate_prompt(self, value: str) -> str:
        """A prompt that can be filled in."""
        try:
            names_in(value)
        except PromptRefused as refused:
            raise ValidationError(str(refused)) from None
        return value


class WatchedType(serializers.Serializer[Any]):
    """A type of signals to watch for."""

    type = serializers.ChoiceField(choices=SignalType.values)
    display = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")


class _SignalConfig(serializers.Serializer[Any]):
    """What all signal tasks say: types that values tell of are seen in those, the others on the companies' pages."""

    signal_types = serializers.ListField(child=WatchedType(), min_length=1, max_length=50)
    entity_type = serializers.ChoiceField(choices=_ENTITY_TYPES, default="company")
    monitoring_frequency = serializers.ChoiceField(
        choices=["daily", "weekly", "monthly"],
        default="weekly",
        help_text="How often pages are read anew; a schedule executes the task.",
    )
    webhook_url = WebhookUrlField(max_length=2000, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Pages are read of companies alone."""
        pages = monitoring.page_types(attrs)
        if pages and attrs["entity_type"] != TYPE_OF[Kind.ACCOUNT]:
            raise ValidationError({"entity_type": [
                f"Signals of the type {pages[0]} are looked for on companies' pages: write company."]})  # fmt: skip
        return attrs


class SignalSheetConfig(_SignalConfig):
    """Watch the records of a profile: executing asks for what the rules look at, signals come when the run ends."""

    type = serializers.ChoiceField(choices=[monitoring.SHEET])
    source_icp_id = IdField()
    entity_filters = serializers.DictField(
        required=False,
        allow_null=True,
        help_text=f"Only these, as a query of MongoDB with {', '.join(OPERATORS)}.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The filters can be read."""
        told = super().validate(attrs)
        try:
            meant_by(KIND_OF[told["entity_type"]], told.get("entity_filters") or {})
        except ValueError as refused:
            raise ValidationError({"entity_filters": [str(refused)]}) from None
        return told

    def validate_source_icp_id(self, value: int) -> int:
        """The profile is there."""
        if not IdealCustomerProfile.objects.filter(pk=value).exists():
            raise ValidationError("There is no profile with this id.")
        return value


class SignalCsvConfig(_SignalConfig):
    """Watch the records that a file names: its rows stand in a sheet of their own, which the rules are for."""

    type = serializers.ChoiceField(choices=[monitoring.CSV])
    file_id = IdField()
    primary_column = serializers.CharField(max_length=200, trim_whitespace=False, default="name")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The file is there and has the column."""
        told = super().validate(attrs)
        return told | {"primary_column": _column_of(told["file_id"], told["primary_column"])}


class SignalTopicConfig(_SignalConfig):
    """Watch a topic on the pages of the profile's companies, or of all; nobody new is looked for."""

    type = serializers.ChoiceField(choices=[monitoring.TOPIC])
    topic_criteria = serializers.CharField(max_length=2000)
    geographic_filters = _words()
    industry_filters = _words()
    company_size_filters = _words()


_CONFIGS: dict[str, type[serializers.Serializer[Any]]] = {
    **dict.fromkeys(_INGEST, IngestConfig),
    researching.TYPE: ProfileConfig,
    monitoring.SHEET: SignalSheetConfig,
    monitoring.CSV: SignalCsvConfig,
    monitoring.TOPIC: SignalTopicConfig,
}

_OLDER = {
    "ingest-task": "ingest",
    "profile-prompt": researching.TYPE,
    "search-task": "search",
    "search-prompt": "search",
}
"""What SDK 0.2 calls the types, in a field of another name."""
_TOLD_BY = {
    "topic_criteria": monitoring.TOPIC, "source_icp_id": monitoring.SHEET, "signal_types": monitoring.CSV,
    "prompt": researching.TYPE,
}  # fmt: skip
"""The type of a configuration that names none, by a field that it must have."""


def _type_of(data: Mapping[str, Any]) -> Any:
    """The type of a configuration, in whichever words."""
    told = data.get("type") or data.get("config_type")
    if told is None:
        return next((kind for name, kind in _TOLD_BY.items() if name in data), "ingest")
    return _OLDER.get(told, told) if isinstance(told, str) else told


@extend_schema_field(
    PolymorphicProxySerializer(
        "TaskConfig", list(dict.fromkeys(_CONFIGS.values())), resource_type_field_name=None, many=False
    )
)
class ConfigField(serializers.Field[Any, Any, Any, Any]):
    """The configuration of a task."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The configuration as it is kept; raises ValidationError."""
        if not isinstance(data, Mapping):
            raise ValidationError("Write an object with a type.")
        kind = _type_of(data)
        config = _CONFIGS.get(kind) if isinstance(kind, str) else None
        if config is None:
            other = f"A task of the type {str(kind)[:40]} cannot be carried out; {', '.join(_CONFIGS)} can."
            raise ValidationError(_INSTEAD.get(str(kind), other))
        reader = config(data=dict(data) | {"type": kind})
        reader.is_valid(raise_exception=True)
        return {name: value for name, value in reader.data.items() if value is not None}

    def to_representation(self, value: Any) -> dict[str, Any]:
        """The configuration as it was told."""
        return dict(value)
