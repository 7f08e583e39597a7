"""`/v1/signal`: buying triggers computed from history; V1 lists them, read-only."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.base import ApiView
from enrichment.api.ids import IdField
from enrichment.api.paging import PageNumbers, page_serializer, read_query


class SignalAnswer(serializers.Serializer[Any]):
    """A signal."""

    id = serializers.CharField()
    icp_id = serializers.CharField()
    entity_ids = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField()
    references = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class SignalQuery(PageNumbers):
    """Which signals."""

    icp_id = IdField(required=False)
    entity_id = IdField(required=False)
    external_id = serializers.CharField(required=False, max_length=200)
    external_source = serializers.CharField(required=False, max_length=50)
    signal_type = serializers.CharField(required=False, max_length=60)
    strength = serializers.CharField(required=False, max_length=10)
    days = serializers.IntegerField(required=False, min_value=1, max_value=36_500)
    search_term = serializers.CharField(required=False, max_length=200)


class SignalList(ApiView):
    """All signals."""

    @extend_schema(
        operation_id="signal_list",
        parameters=[SignalQuery],
        responses=page_serializer("SignalPage", "signals", SignalAnswer(many=True)),
    )
    def get(self, request: Request) -> Response:
        """A page of signals: no rule of this installation makes any."""
        query = read_query(SignalQuery, request)
        return Response({"signals": [], "total": 0, "page": query["page"], "page_size": query["page_size"]})


class SignalOne(ApiView):
    """One signal."""

    @extend_schema(operation_id="signal_get", responses=SignalAnswer)
    def get(self, request: Request, signal_id: int) -> Response:
        """The signal."""
        raise Http404
