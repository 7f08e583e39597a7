"""`/v1/sheet/{id}/entity/{id}`: the addresses under which the oldest clients (SDK 0.2) find one entity of a sheet."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.entities import EntityAnswer, change, shape
from crm.api.entity_queries import DISQUALIFIED, QUALIFIED, entries
from crm.entities import record_of
from enrichment.api.base import ApiView, found, nothing, read_body


class CommentsBody(serializers.Serializer[Any]):
    """Comments; null empties them."""

    comments = serializers.CharField(max_length=100_000, allow_null=True, allow_blank=True)


class QualifiedBody(serializers.Serializer[Any]):
    """Whether a record qualifies."""

    status = serializers.BooleanField(help_text="true: reviewed; false: passed.")


class SheetEntity(ApiView):
    """One entity of a sheet."""

    @extend_schema(operation_id="sheet_entity_get", responses=EntityAnswer)
    def get(self, request: Request, sheet_id: int, entity_id: int) -> Response:
        """The entity."""
        return Response(shape([found(entries().filter(sheet=sheet_id), entity_id)])[0])


class SheetEntityComments(ApiView):
    """The comments on an entity."""

    @extend_schema(operation_id="sheet_entity_comments", request=CommentsBody, responses={204: None})
    def put(self, request: Request, sheet_id: int, entity_id: int) -> Response:
        """Set the comments."""
        entry = found(entries().filter(sheet=sheet_id), entity_id)
        change(entry, comments=read_body(CommentsBody, request)["comments"] or "")
        return nothing()


class SheetEntityStatus(ApiView):
    """The status of an entity, as yes or no."""

    @extend_schema(operation_id="sheet_entity_status", request=QualifiedBody, responses={204: None})
    def put(self, request: Request, sheet_id: int, entity_id: int) -> Response:
        """Mark the record as reviewed or as passed; one that was contacted still qualifies and stays so."""
        entry = found(entries().filter(sheet=sheet_id), entity_id)
        wanted = QUALIFIED if read_body(QualifiedBody, request)["status"] else DISQUALIFIED
        if record_of(entry).status not in wanted:
            change(entry, status=wanted[0])
        return nothing()
