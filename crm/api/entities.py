"""`/v1/entity`: records as seen in a sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Coalesce
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.entity_queries import (
    STATUS,
    UPDATED,
    EntityFilter,
    EntityQuery,
    ExportQuery,
    SearchQuery,
    SheetEntityQuery,
    entries,
    matching,
    of_sheet,
)
from crm.api.sheets import icp_of
from crm.entities import Shaper, record_of
from crm.entity_files import csv_of
from crm.models import Account, Contact, Record, Sheet, SheetEntry
from crm.profiles import TYPE_OF
from enrichment.api.base import ApiView, found, nothing, read_body
from enrichment.api.ids import IdField
from enrichment.api.paging import page_of, page_serializer, read_query
from enrichment.api.reading import Ids
from enrichment.ids import id_of
from sources.attributes import Kind

_MOST_AT_ONCE = 1000


class ValueAnswer(serializers.Serializer[Any]):
    """One value of a record, with what proves it."""

    value = serializers.JSONField(allow_null=True)
    display = serializers.CharField(help_text="As people read it.")
    references = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="When its source last confirmed what it knows.")


class DuplicateIcp(serializers.Serializer[Any]):
    """A profile in whose sheets the same record stands."""

    icp_id = serializers.CharField()
    icp_name = serializers.CharField()


class DuplicateAnswer(serializers.Serializer[Any]):
    """Which other entities show the same record; the oldest is the primary one."""

    is_duplicate = serializers.BooleanField()
    is_primary = serializers.BooleanField()
    duplicate_count = serializers.IntegerField(allow_null=True)
    duplicate_entity_ids = serializers.ListField(child=serializers.CharField(), allow_null=True)
    duplicate_icps = DuplicateIcp(many=True, allow_null=True)
    primary_entity_id = serializers.CharField(allow_null=True)
    primary_icp_name = serializers.CharField(allow_null=True)


class EntityAnswer(serializers.Serializer[Any]):
    """An entity; `data` holds each value under our slug, its V1 name and the name it was asked for under."""

    id = serializers.CharField()
    sheet_id = serializers.CharField()
    sheet_name = serializers.CharField()
    icp_id = serializers.CharField(help_text="Empty where the sheet has no profile.")
    entity_type = serializers.ChoiceField(choices=list(TYPE_OF.values()))
    record_id = serializers.CharField(help_text="The account's or contact's id.")
    data = serializers.DictField(child=ValueAnswer())  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=Record.Status.choices)
    comments = serializers.CharField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    external_source = serializers.CharField(allow_null=True)
    parent_id = serializers.CharField(allow_null=True)
    duplicate_info = DuplicateAnswer(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EntityChange(serializers.Serializer[Any]):
    """What is to change; both `propagate_…` are taken and without effect: sheets share their records."""

    status = serializers.ChoiceField(choices=Record.Status.choices, required=False, allow_null=True)
    comments = serializers.CharField(max_length=100_000, required=False, allow_null=True, allow_blank=True)
    propagate_to_family = serializers.BooleanField(default=True)
    propagate_to_duplicates = serializers.BooleanField(default=True)


class StatusChange(serializers.Serializer[Any]):
    """One status for many entities."""

    entity_ids = serializers.ListField(child=IdField(), min_length=1, max_length=_MOST_AT_ONCE)
    status = serializers.ChoiceField(choices=Record.Status.choices, allow_null=True)
    propagate_to_family = serializers.BooleanField(default=True)
    propagate_to_duplicates = serializers.BooleanField(default=True)


class StatusChanged(serializers.Serializer[Any]):
    """How many entities changed, and which are not there."""

    updated_count = serializers.IntegerField()
    failed_ids = serializers.ListField(child=serializers.CharField(), allow_null=True)


class CountsAnswer(serializers.Serializer[Any]):
    """Entities by type."""

    total = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())


_SORTABLE = {
    "created_at": "created_at", "id": "pk", "name": Coalesce("account__name", "contact__name"), "status": STATUS,
}  # fmt: skip
_PAGE = page_serializer("EntityPage", "entities", EntityAnswer(many=True))
_FOUND = type("EntitySearch", (_PAGE,), {"query": serializers.CharField()})
_CSV = {(200, "text/csv"): OpenApiTypes.STR}


def _sortable(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """What entities are sorted by; what changed last only within a sheet, since the checks of each are looked at."""
    if "sheet_id" in query:
        return _SORTABLE | {"updated_at": UPDATED}
    if query.get("sort_by") == "updated_at":
        raise ValidationError(
            {"sort_by": ["Entities are sorted by updated_at within a sheet: name its sheet_id."]}
        )
    return _SORTABLE


def shape(rows: Sequence[SheetEntry], fields: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Entities as the API answers them; with `fields` only these names in their data."""
    return [_answer(each) for each in Shaper(fields).shape(rows)]


def change(entry: SheetEntry, **fields: str) -> None:
    """Set status or comments of an entry's record."""
    record = record_of(entry)
    model = Account if record.kind is Kind.ACCOUNT else Contact
    model._default_manager.filter(pk=record.pk).update(**fields)


def _answer(entity: dict[str, Any]) -> dict[str, Any]:
    """An entity as the API writes it."""
    told = dict(entity)
    told["id"], told["entity_type"] = id_of(told.pop("pk")), TYPE_OF[told.pop("kind")]
    told["icp_id"] = icp_of(told["icp_id"])
    told["sheet_id"], told["record_id"] = id_of(told["sheet_id"]), id_of(told["record_id"])
    return told | {"parent_id": None, "duplicate_info": _duplicates(told["duplicate_info"])}


def _duplicates(told: dict[str, Any] | None) -> dict[str, Any] | None:
    if told is None:
        return None
    ids, profiles = told["duplicate_entity_ids"], told["duplicate_icps"]
    return told | {
        "duplicate_entity_ids": None if ids is None else [id_of(pk) for pk in ids],
        "duplicate_icps": None
        if profiles is None
        else [{"icp_id": id_of(each["pk"]), "icp_name": each["name"]} for each in profiles],
        "primary_entity_id": id_of(told["primary_entity_id"]),
    }


class EntityList(ApiView):
    """All entities."""

    @extend_schema(operation_id="entity_list", parameters=[EntityQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of entities."""
        query = read_query(EntityQuery, request)
        fields = query.get("fields", ())
        page = page_of(
            matching(query),
            query,
            plural="entities",
            shape=lambda rows: shape(rows, fields),
            sortable=_sortable(query),
        )
        return Response(page)


class EntityOne(ApiView):
    """One entity."""

    @extend_schema(operation_id="entity_get", responses=EntityAnswer)
    def get(self, request: Request, entity_id: int) -> Response:
        """The entity."""
        return Response(shape([found(entries(), entity_id)])[0])

    @extend_schema(operation_id="entity_update", request=EntityChange, responses=EntityAnswer)
    def put(self, request: Request, entity_id: int) -> Response:
        """Set status and comments, those that are given; null empties them."""
        entry = found(entries(), entity_id)
        told = read_body(EntityChange, request)
        change(entry, **{name: told[name] or "" for name in ("status", "comments") if name in told})
        return Response(shape([found(entries(), entity_id)])[0])

    @extend_schema(operation_id="entity_change", request=EntityChange, responses=EntityAnswer)
    def patch(self, request: Request, entity_id: int) -> Response:
        """The same as PUT."""
        return self.put(request, entity_id)

    @extend_schema(operation_id="entity_delete", responses={204: None})
    def delete(self, request: Request, entity_id: int) -> Response:
        """Take the record out of the sheet; the record stays."""
        found(SheetEntry.objects.all(), entity_id).delete()
        return nothing()


class EntityStatuses(ApiView):
    """The status of many entities."""

    @extend_schema(operation_id="entity_status_bulk", request=StatusChange, responses=StatusChanged)
    def patch(self, request: Request) -> Response:
        """Set one status; ids that are not there are listed."""
        told = read_body(StatusChange, request)
        ids, status = list(dict.fromkeys(told["entity_ids"])), told["status"] or ""
        with transaction.atomic():
            rows = list(SheetEntry.objects.filter(pk__in=ids).values_list("pk", "account", "contact"))
            for model, place in ((Account, 1), (Contact, 2)):
                owners = [row[place] for row in rows if row[place]]
                model._default_manager.filter(pk__in=owners).update(status=status)
        missing = [id_of(pk) for pk in ids if pk not in {row[0] for row in rows}]
        return Response({"updated_count": len(rows), "failed_ids": missing or None})


class EntityCounts(ApiView):
    """How many entities there are."""

    @extend_schema(operation_id="entity_counts", parameters=[EntityFilter], responses=CountsAnswer)
    def get(self, request: Request) -> Response:
        """Entities by type."""
        rows = matching(read_query(EntityFilter, request)).select_related(None).order_by()
        counts = {TYPE_OF[Kind(kind)]: n for kind, n in rows.values_list("sheet__kind").annotate(Count("pk"))}
        return Response({"total": sum(counts.values()), "counts": counts})


class EntitySearch(ApiView):
    """Entities by what they are called."""

    @extend_schema(operation_id="entity_search", parameters=[SearchQuery], responses=_FOUND)
    def get(self, request: Request) -> Response:
        """A page of entities whose name, domain or e-mail address holds `q`."""
        query = read_query(SearchQuery, request)
        page = page_of(matching(query), query, plural="entities", shape=shape, sortable=_sortable(query))
        return Response(page | {"query": query["q"]})


class EntityExport(ApiView):
    """Entities as a file."""

    @extend_schema(operation_id="entity_export", parameters=[ExportQuery], responses=_CSV)
    def get(self, request: Request) -> StreamingHttpResponse:
        """CSV in UTF-8; texts that look like formulas are made harmless."""
        query = read_query(ExportQuery, request)
        rows = matching(query)
        if "entity_ids" in query:
            rows = rows.filter(pk__in=query["entity_ids"])
        return _file(csv_of(rows, is_combined=query["format"] == "combined"), "entities.csv")


class SheetEntities(ApiView):
    """The entities of one sheet."""

    @extend_schema(operation_id="sheet_entities", parameters=[SheetEntityQuery], responses=_PAGE)
    def get(self, request: Request, sheet_id: int) -> Response:
        """A page of entities."""
        sheet = found(Sheet.objects.all(), sheet_id)
        query = read_query(SheetEntityQuery, request)
        rows = of_sheet(sheet.pk, Kind(sheet.kind), query)
        return Response(
            page_of(rows, query, plural="entities", shape=shape, sortable=_SORTABLE | {"updated_at": UPDATED})
        )


class SheetExportQuery(serializers.Serializer[Any]):
    """Which entities of the sheet."""

    entity_ids = Ids(required=False)


class SheetExport(ApiView):
    """A sheet as a file."""

    @extend_schema(operation_id="sheet_export_csv", parameters=[SheetExportQuery], responses=_CSV)
    def get(self, request: Request, sheet_id: int) -> StreamingHttpResponse:
        """CSV in UTF-8."""
        sheet = found(Sheet.objects.all(), sheet_id)
        query = read_query(SheetExportQuery, request)
        rows = entries().filter(sheet=sheet)
        if "entity_ids" in query:
            rows = rows.filter(pk__in=query["entity_ids"])
        return _file(csv_of(rows, is_combined=True), f"sheet-{sheet.pk}.csv")


def _file(lines: Any, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
