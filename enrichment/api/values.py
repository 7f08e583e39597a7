"""`/v1/value`: what a record shows, what every source says, what was said before; and pins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.entities import record_of
from crm.models import Record, SheetEntry
from crm.told import model_of
from enrichment import claims, webhooks
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, read_body
from enrichment.api.errors import Unprocessable
from enrichment.api.ids import IdField
from enrichment.api.paging import page_serializer, read_query
from enrichment.ids import id_of
from enrichment.names import UnknownName, attribute_called
from enrichment.queries import Claim, Shown, as_of, current, history
from enrichment.winner import USER
from sources.attributes import Kind

_VIEWS = ("current", "sources", "history")


class RecordFields(serializers.Serializer[Any]):
    """Whose value: exactly one of the three ids."""

    entity_id = IdField(required=False)
    account_id = IdField(required=False)
    contact_id = IdField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The record."""
        given = [name for name in ("entity_id", "account_id", "contact_id") if attrs.get(name) is not None]
        if len(given) != 1:
            raise ValidationError("Name one record: entity_id, account_id or contact_id.")
        return attrs | {"record": _record(given[0], attrs[given[0]])}


class ValueQuery(RecordFields):
    """Whose values, and which."""

    attribute = serializers.CharField(required=False, max_length=60, help_text="Slug, label or alias.")
    source = serializers.CharField(required=False, max_length=60)  # type: ignore[assignment]
    view = serializers.ChoiceField(
        choices=_VIEWS,
        default="current",
        help_text="What is shown, what each source says now, or all that was ever said.",
    )
    as_of = serializers.DateTimeField(required=False, help_text="What was shown at that time.")
    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=1000, default=100)


class PinBody(RecordFields):
    """A value that a person says is right."""

    attribute = serializers.CharField(max_length=60)
    value = serializers.JSONField()


class ReleaseBody(RecordFields):
    """Whose pin goes."""

    attribute = serializers.CharField(max_length=60)


class ValueRow(serializers.Serializer[Any]):
    """A value or claim, with what proves it."""

    attribute = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    display = serializers.CharField()
    original = serializers.CharField(help_text="The source's own words, where they differ.")
    references = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=["live", "superseded", "retracted"])
    is_pinned = serializers.BooleanField()
    run_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True, help_text="When its source last confirmed it.")
    superseded_at = serializers.DateTimeField(allow_null=True)
    retracted_at = serializers.DateTimeField(allow_null=True)


_PAGE = page_serializer("ValuePage", "values", ValueRow(many=True))


class ValueList(ApiView):
    """Values of a record."""

    @extend_schema(operation_id="value_list", parameters=[ValueQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of values: current, of every source, of the past, or as of a time."""
        query = read_query(ValueQuery, request)
        record: Record = query["record"]
        slug = _slug(record.kind, query["attribute"]) if "attribute" in query else None
        rows = [
            row
            for row in _rows(record, slug, query)
            if "source" not in query or row["source"] == query["source"]
        ]
        start = (query["page"] - 1) * query["page_size"]
        told = ValueRow(rows[start : start + query["page_size"]], many=True).data
        return Response(
            {"values": told, "total": len(rows), "page": query["page"], "page_size": query["page_size"]}
        )


class ValuePin(ApiView):
    """Pinning a value."""

    @extend_schema(operation_id="value_pin", request=PinBody, responses=ValueRow)
    def post(self, request: Request) -> Response:
        """Make a value stand above every source until it is released."""
        told = read_body(PinBody, request)
        record, slug = told["record"], _slug(told["record"].kind, told["attribute"])
        if not isinstance(told["value"], str | int | float | list):
            raise Unprocessable("Write a text, a number, a list, true or false.", "value_refused", "value")
        try:
            with webhooks.telling(record, slug):
                claims.pin(record, slug, told["value"], user=caller_of(request).label)
        except ValueError as refused:
            raise Unprocessable(str(refused), "value_refused", "value") from None
        return Response(_one(record, slug))


class ValueRelease(ApiView):
    """Taking a pin off."""

    @extend_schema(operation_id="value_release", request=ReleaseBody, responses={200: ValueRow, 204: None})
    def post(self, request: Request) -> Response:
        """Let the sources decide again; the value they give, or nothing (204)."""
        told = read_body(ReleaseBody, request)
        record, slug = told["record"], _slug(told["record"].kind, told["attribute"])
        with webhooks.telling(record, slug):
            claims.release(record, slug)
        left = _one(record, slug)
        return Response(left) if left else Response(status=204)


def _record(name: str, pk: int) -> Record:
    if name == "entity_id":
        entry = SheetEntry.objects.filter(pk=pk).select_related("account", "contact").first()
        found = record_of(entry) if entry else None
    else:
        found = model_of(Kind(name.removesuffix("_id"))).objects.filter(pk=pk).first()
    if found is None:
        raise ValidationError({name: [f"There is no {name.removesuffix('_id')} with this id."]})
    return found


def _slug(kind: Kind, name: str) -> str:
    try:
        return attribute_called(name, kind).slug
    except UnknownName as unknown:
        raise Unprocessable(str(unknown), "unknown_attribute", "attribute") from None


def _one(record: Record, slug: str) -> dict[str, Any] | None:
    record.refresh_from_db()
    row = next((row for row in current(record) if row.slug == slug), None)
    return dict(ValueRow(_shown(row)).data) if row else None


def _rows(record: Record, slug: str | None, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "as_of" in query:
        return [row for row in _past(record, query["as_of"]) if slug in (None, row["attribute"])]
    if query["view"] == "current":
        return [_shown(row) for row in current(record) if slug in (None, row.slug)]
    rows = [_claim(row) for row in history(record, slug)]
    return rows if query["view"] == "history" else [row for row in rows if row["state"] == "live"]


def _past(record: Record, at: datetime) -> list[dict[str, Any]]:
    """What was shown at a time, in the words of today."""
    labels = {row.slug: (row.label, row.unit) for row in history(record)}
    return [
        _row(slug, *labels[slug], entry) | {"created_at": entry["created_at"], "state": "live"}
        for slug, entry in sorted(as_of(record.kind, [record.pk], at)[record.pk].items())
    ]


def _shown(row: Shown) -> dict[str, Any]:
    entry = {"value": row.value, "display": row.display, "references": row.references, "source": row.source}
    times = {"created_at": row.created_at, "updated_at": row.updated_at, "state": "live"}
    return _row(row.slug, row.label, row.unit, entry) | times


def _claim(row: Claim) -> dict[str, Any]:
    entry = {"value": row.value, "display": row.display, "references": row.references, "source": row.source}
    return _row(row.slug, row.label, row.unit, entry) | {
        "original": row.original, "run_id": id_of(row.run), "created_at": row.first_seen_at, "state": row.state,
        "superseded_at": row.superseded_at, "retracted_at": row.retracted_at,
    }  # fmt: skip


def _row(slug: str, label: str, unit: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attribute": slug, "label": label, "unit": unit, "value": entry["value"], "display": entry["display"],
        "references": list(entry["references"]), "source": entry["source"], "is_pinned": entry["source"] == USER,
        "original": "", "run_id": None, "updated_at": None, "superseded_at": None, "retracted_at": None,
    }  # fmt: skip
