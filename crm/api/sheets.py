"""`/v1/sheet`: named lists of records, and the fields they want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.profiles import ENTITY_TYPES
from crm.models import IdealCustomerProfile, Sheet
from crm.profiles import KIND_OF, TYPE_OF
from enrichment.api.base import ApiView, found, named, nothing, read_body
from enrichment.api.idempotency import ONCE, made_once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.ids import id_of
from sources.attributes import Kind

_ONLY: dict[str, Any] = {"invalid_choice": "Footnote keeps companies and people: write company or person."}


class EntityTypeField(serializers.ChoiceField):
    """company or person; inside it is a kind of records."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=ENTITY_TYPES, error_messages=_ONLY, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The kind."""
        return KIND_OF[super().to_internal_value(data)]

    def to_representation(self, value: Any) -> str:
        """The V1 word of a kind."""
        return TYPE_OF[Kind(value)]


class SheetBody(serializers.Serializer[Any]):
    """A sheet as it is written."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=50_000, allow_blank=True, default="")
    icp_id = IdField()
    entity_type = EntityTypeField()


class SheetChange(serializers.Serializer[Any]):
    """What is to change of a sheet; null leaves a field as it is."""

    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    description = serializers.CharField(max_length=50_000, allow_blank=True, required=False, allow_null=True)
    icp_id = IdField(required=False, allow_null=True)


class SheetAnswer(serializers.Serializer[Any]):
    """A sheet; one that was made without a profile has an empty `icp_id`."""

    id = IdField(source="pk")
    name = serializers.CharField()
    description = serializers.CharField()
    icp_id = serializers.SerializerMethodField()
    entity_type = EntityTypeField(source="kind")
    entity_schema = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(str)
    def get_icp_id(self, sheet: Sheet) -> str:
        """The profile's id."""
        return icp_of(sheet.profile_id)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
    def get_entity_schema(self, sheet: Sheet) -> dict[str, Any]:
        """The sheet's own fields by name."""
        return {field["name"]: field for field in sheet.fields}


class SheetQuery(PageQuery):
    """Which sheets."""

    icp_id = IdField(required=False)
    entity_type = EntityTypeField(required=False)


_SORTABLE = {"created_at": "created_at", "updated_at": "updated_at", "name": "name"}
_PAGE = page_serializer("SheetPage", "sheets", SheetAnswer(many=True))


def icp_of(pk: int | None) -> str:
    """A profile's id; "" where there is none, since V1 always has one."""
    return id_of(pk) if pk else ""


def _shape(rows: Sequence[Sheet]) -> list[Any]:
    return list(SheetAnswer(rows, many=True).data)


class SheetList(ApiView):
    """All sheets."""

    @extend_schema(operation_id="sheet_list", parameters=[SheetQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of sheets."""
        query = read_query(SheetQuery, request)
        rows = Sheet.objects.all()
        if "icp_id" in query:
            rows = rows.filter(profile=query["icp_id"])
        if "entity_type" in query:
            rows = rows.filter(kind=query["entity_type"].value)
        return Response(page_of(rows, query, plural="sheets", shape=_shape, sortable=_SORTABLE))

    @extend_schema(
        operation_id="sheet_create", request=SheetBody, responses={201: SheetAnswer}, parameters=[ONCE]
    )
    def post(self, request: Request) -> Response:
        """Make a sheet of a profile."""
        told = read_body(SheetBody, request)
        profile = named(IdealCustomerProfile.objects.all(), told.pop("icp_id"), "icp_id")
        kind = told.pop("entity_type")
        sheet = Sheet(profile=profile, kind=kind.value, **told)
        return made_once(request, lambda: self._made(sheet))

    def _made(self, sheet: Sheet) -> Response:
        sheet.save()
        return Response(SheetAnswer(sheet).data, status=201)


class SheetOne(ApiView):
    """One sheet."""

    @extend_schema(operation_id="sheet_get", responses=SheetAnswer)
    def get(self, request: Request, sheet_id: int) -> Response:
        """The sheet."""
        return Response(SheetAnswer(found(Sheet.objects.all(), sheet_id)).data)

    @extend_schema(operation_id="sheet_update", request=SheetChange, responses={204: None})
    def put(self, request: Request, sheet_id: int) -> Response:
        """Change what is given."""
        sheet = found(Sheet.objects.all(), sheet_id)
        told = {name: value for name, value in read_body(SheetChange, request).items() if value is not None}
        if "icp_id" in told:
            sheet.profile = named(IdealCustomerProfile.objects.all(), told.pop("icp_id"), "icp_id")
        for name, value in told.items():
            setattr(sheet, name, value)
        sheet.save()
        return nothing()

    @extend_schema(operation_id="sheet_delete", responses={204: None})
    def delete(self, request: Request, sheet_id: int) -> Response:
        """Delete the list; its records stay."""
        found(Sheet.objects.all(), sheet_id).delete()
        return nothing()
