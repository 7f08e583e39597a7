"""`/v1/sheet/schema`: what a sheet wants of its records, as JSON Schema."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.entities import V1_NAMES
from crm.models import Sheet
from crm.profiles import TYPE_OF, add_fields, asked_in, drop_fields
from enrichment.api.base import ApiView, found, nothing, read_body
from enrichment.api.errors import Unprocessable
from enrichment.queries import attributes_of
from sources.attributes import Attribute, Kind, Type

FIELD_TYPES = ("string", "number", "integer", "boolean", "array", "object", "reference", "enum")
_JSON_TYPES = {
    Type.INTEGER: "integer", Type.YEAR: "integer", Type.MONEY: "integer", Type.DECIMAL: "number", Type.PERCENT: "number",
    Type.BOOLEAN: "boolean", Type.LIST: "array",
}  # fmt: skip
_TITLES = {
    "string": "A text", "number": "A number", "integer": "A whole number", "boolean": "Yes or no",
    "array": "A list of texts", "object": "Kept as text", "reference": "Kept as text", "enum": "Kept as text",
}  # fmt: skip


class SheetFieldBody(serializers.Serializer[Any]):
    """A field a sheet wants; `object`, `reference` and `enum` are kept as text."""

    name = serializers.CharField(max_length=60)
    field_type = serializers.ChoiceField(choices=FIELD_TYPES)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")
    enum_values = serializers.ListField(child=serializers.JSONField(), required=False, allow_null=True)
    array_items = serializers.DictField(required=False, allow_null=True)
    properties = serializers.DictField(required=False, allow_null=True)
    reference_model = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    additional_props = serializers.DictField(required=False)


class SheetFieldsBody(serializers.Serializer[Any]):
    """Fields to add; one of the same name is replaced."""

    fields = serializers.ListField(child=SheetFieldBody(), min_length=1, max_length=200)  # type: ignore[assignment]


class SheetFieldNames(serializers.Serializer[Any]):
    """Fields to drop."""

    fields = serializers.ListField(child=serializers.CharField(), min_length=1, max_length=200)  # type: ignore[assignment]


class JsonSchemaAnswer(serializers.Serializer[Any]):
    """A JSON Schema."""

    title = serializers.CharField()
    type = serializers.CharField()
    properties = serializers.DictField(child=serializers.DictField(), required=False)
    required = serializers.ListField(child=serializers.CharField(), required=False)  # type: ignore[assignment]


class DefaultSchemas(serializers.Serializer[Any]):
    """What is known of each entity type without being asked for."""

    schemas = serializers.DictField(child=JsonSchemaAnswer())


class FieldSchemas(serializers.Serializer[Any]):
    """The types that a field can have."""

    fields = serializers.DictField(child=JsonSchemaAnswer())  # type: ignore[assignment]


class SheetSchema(ApiView):
    """What one sheet wants."""

    @extend_schema(operation_id="sheet_schema_get", responses=JsonSchemaAnswer)
    def get(self, request: Request, sheet_id: int) -> Response:
        """The V1 names, what the profile asks for, and the sheet's own fields."""
        sheet = found(Sheet.objects.select_related("profile"), sheet_id)
        return Response(_schema(Kind(sheet.kind), sheet.name, asked_in(sheet)))

    @extend_schema(operation_id="sheet_schema_add", request=SheetFieldsBody, responses={204: None})
    def put(self, request: Request, sheet_id: int) -> Response:
        """Want further fields; attributes nobody knows yet are made."""
        sheet = found(Sheet.objects.all(), sheet_id)
        fields = read_body(SheetFieldsBody, request)["fields"]
        try:
            add_fields(sheet, fields)
        except ValueError as refused:
            raise Unprocessable(str(refused), field="fields") from None
        return nothing()

    @extend_schema(operation_id="sheet_schema_drop", request=SheetFieldNames, responses={204: None})
    def delete(self, request: Request, sheet_id: int) -> Response:
        """Want some fields no more; their values stay."""
        sheet = found(Sheet.objects.all(), sheet_id)
        try:
            drop_fields(sheet, read_body(SheetFieldNames, request)["fields"])
        except ValueError as refused:
            raise Unprocessable(str(refused), field="fields") from None
        return nothing()


class DefaultSchema(ApiView):
    """What every sheet has."""

    @extend_schema(operation_id="sheet_schema_default", responses=DefaultSchemas)
    def get(self, request: Request) -> Response:
        """The schema of each entity type."""
        return Response({"schemas": {TYPE_OF[kind]: _schema(kind, TYPE_OF[kind], {}) for kind in Kind}})


class FieldTypes(ApiView):
    """The types of fields."""

    scopes: ClassVar[dict[str, str]] = {"GET": ""}

    @extend_schema(operation_id="sheet_schema_fields", responses=FieldSchemas)
    def get(self, request: Request) -> Response:
        """Each type with its meaning."""
        kept = {name: "string" if title == "Kept as text" else name for name, title in _TITLES.items()}
        return Response(
            {"fields": {name: {"title": _TITLES[name], "type": kept[name]} for name in FIELD_TYPES}}
        )


def _schema(kind: Kind, title: str, asked: dict[str, str]) -> dict[str, Any]:
    known = attributes_of(kind)
    properties: dict[str, Any] = {name: {"type": "string"} for name in V1_NAMES[kind]}
    properties |= {name: _property(known[slug]) for name, slug in asked.items() if slug in known}
    return {"title": title, "type": "object", "properties": properties, "required": ["name"]}


def _property(attribute: Attribute) -> dict[str, Any]:
    told = {"type": _JSON_TYPES.get(attribute.type, "string"), "description": attribute.description}
    return told | {"items": {"type": "string"}} if attribute.type is Type.LIST else told
