"""`/v1/signal`: buying triggers computed from history, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import Case, Q, When
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.base import ApiView, found
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.ids import id_of
from enrichment.models.signal import Signal, SignalType, Strength
from enrichment.queries.signals import ShownSignal, find_signals, show_signals


class SignalValueAnswer(serializers.Serializer[Any]):
    """One of the two values of a signal."""

    value = serializers.JSONField(allow_null=True)
    display = serializers.CharField()
    references = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    at = serializers.DateTimeField()


class SignalDetails(serializers.Serializer[Any]):
    """What a signal was made of."""

    attribute = serializers.CharField()
    rule = serializers.CharField()
    run_id = serializers.CharField()
    record_id = serializers.CharField()
    old = SignalValueAnswer(allow_null=True)
    new = SignalValueAnswer()


class SignalAnswer(serializers.Serializer[Any]):
    """A signal; `icp_id` is empty where its record stands in no profile's sheet."""

    id = serializers.CharField()
    icp_id = serializers.CharField()
    entity_ids = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField()
    references = serializers.ListField(child=serializers.CharField())
    signal_type = serializers.ChoiceField(choices=SignalType.choices)
    signal_display_name = serializers.CharField()
    strength = serializers.ChoiceField(choices=Strength.choices)
    score = serializers.FloatField(allow_null=True)
    metadata = SignalDetails()
    created_at = serializers.DateTimeField()


class SignalQuery(PageQuery):
    """Which signals."""

    icp_id = IdField(required=False)
    entity_id = IdField(required=False)
    external_id = serializers.CharField(required=False, max_length=200)
    external_source = serializers.CharField(required=False, max_length=50, default="salesforce")
    signal_type = serializers.ChoiceField(choices=SignalType.choices, required=False)
    strength = serializers.ChoiceField(choices=Strength.choices, required=False)
    days = serializers.IntegerField(required=False, min_value=1, max_value=36_500)
    search_term = serializers.CharField(required=False, max_length=200)


_SORTABLE = {
    "created_at": "created_at",
    "updated_at": "created_at",
    "signal_type": "type",
    "strength": Case(*(When(strength=word, then=place) for place, word in enumerate(Strength.values))),
}
_PAGE = page_serializer("SignalPage", "signals", SignalAnswer(many=True))


def _shape(rows: Sequence[Signal]) -> list[Any]:
    return list(SignalAnswer([_told(each) for each in show_signals(rows)], many=True).data)


def _told(signal: ShownSignal) -> dict[str, Any]:
    return {
        "id": id_of(signal.id), "icp_id": id_of(signal.profile) or "", "entity_ids": [id_of(pk) for pk in signal.entries],
        "summary": signal.summary, "references": list(signal.references), "signal_type": signal.type,
        "signal_display_name": signal.type_label, "strength": signal.strength, "score": None,
        "metadata": {
            "attribute": signal.attribute.slug, "rule": signal.rule, "run_id": id_of(signal.run),
            "record_id": id_of(signal.record.pk), "old": asdict(signal.old) if signal.old else None,
            "new": asdict(signal.new),
        },
        "created_at": signal.created_at,
    }  # fmt: skip


class SignalList(ApiView):
    """All signals."""

    @extend_schema(operation_id="signal_list", parameters=[SignalQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of the signals that stand: none of a run that was undone."""
        query = read_query(SignalQuery, request)
        rows = find_signals(
            profile=query.get("icp_id"), entry=query.get("entity_id"), days=query.get("days"),
            types=[query["signal_type"]] if "signal_type" in query else [],
            strengths=[query["strength"]] if "strength" in query else [], search=query.get("search_term", ""),
        )  # fmt: skip
        if "external_id" in query:
            ids = {"external_id": query["external_id"], "external_source__iexact": query["external_source"]}
            rows = rows.filter(
                Q(**{f"account__{name}": value for name, value in ids.items()})
                | Q(**{f"contact__{name}": value for name, value in ids.items()})
            )
        return Response(page_of(rows, query, plural="signals", shape=_shape, sortable=_SORTABLE))


class SignalOne(ApiView):
    """One signal."""

    @extend_schema(operation_id="signal_get", responses=SignalAnswer)
    def get(self, request: Request, signal_id: int) -> Response:
        """The signal."""
        return Response(_shape([found(find_signals(), signal_id)])[0])
