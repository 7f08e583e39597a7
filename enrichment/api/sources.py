"""`/v1/source`: who can be asked, what they answer and what that costs."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.profiles import TYPE_OF
from enrichment import budget
from enrichment.api.base import ApiView
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.keys import key_of, key_variable
from enrichment.models import EnrichmentSource
from enrichment.plan import provides
from enrichment.registration import adapter_of


class SourceAnswer(serializers.Serializer[Any]):
    """A source; one without an adapter is never asked, it tells."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_on = serializers.BooleanField()
    is_asked = serializers.BooleanField()
    rank = serializers.IntegerField(help_text="1 is trusted most.")
    entity_types = serializers.ListField(child=serializers.CharField())
    needs = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Alternatives of inputs."
    )
    provides = serializers.ListField(child=serializers.CharField())
    cadence = serializers.CharField()
    cost = serializers.IntegerField(help_text="Credits a question costs at most.")
    credit_price = serializers.DecimalField(max_digits=12, decimal_places=6, help_text="USD.")
    monthly_limit = serializers.IntegerField(allow_null=True)
    budget_left = serializers.IntegerField(allow_null=True)
    key_variable = serializers.CharField(
        allow_null=True, help_text="The variable of its key; null: it needs none."
    )
    has_key = serializers.BooleanField(allow_null=True, help_text="Null: it needs none.")
    health = serializers.ChoiceField(choices=["ok", "off", "paused", "no key"])
    paused_until = serializers.DateTimeField(allow_null=True)
    paused_reason = serializers.CharField()


_SORTABLE = {"created_at": "pk", "rank": "rank", "slug": "slug", "label": "label"}
_PAGE = page_serializer("SourcePage", "sources", SourceAnswer(many=True))


def _shape(rows: Any) -> list[dict[str, Any]]:
    used = budget.used(rows, timezone.now())
    return [_answer(row, adapter_of(row), used.get(row.pk, 0)) for row in rows]


def _answer(row: EnrichmentSource, adapter: Any, used: int) -> dict[str, Any]:
    limit = row.monthly_limit
    has_key = bool(key_of(row.slug, adapter)) if adapter and adapter.secret else None
    told = {
        "slug": row.slug, "label": row.label, "is_on": row.is_enabled, "is_asked": adapter is not None, "rank": row.rank,
        "entity_types": sorted(TYPE_OF[kind] for kind in adapter.kinds) if adapter else [],
        "needs": [list(need) for need in adapter.needs] if adapter else [],
        "provides": sorted(provides(row, adapter)) if adapter else [], "cadence": row.cadence, "cost": row.cost,
        "credit_price": row.credit_price, "monthly_limit": limit, "budget_left": None if limit is None else max(0, limit - used),
        "key_variable": None if has_key is None else key_variable(row.slug, adapter), "has_key": has_key,
        "health": _health(row, has_key), "paused_until": row.paused_until, "paused_reason": row.paused_reason,
    }  # fmt: skip
    return dict(SourceAnswer(told).data)


def _health(row: EnrichmentSource, has_key: bool | None) -> str:
    if not row.is_enabled:
        return "off"
    if has_key is False:
        return "no key"
    return "paused" if row.paused_until and row.paused_until > timezone.now() else "ok"


class SourceList(ApiView):
    """All sources."""

    @extend_schema(operation_id="source_list", parameters=[PageQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of sources."""
        query = {"sort_by": "rank", "order": "asc"} | read_query(PageQuery, request)
        return Response(
            page_of(EnrichmentSource.objects.all(), query, plural="sources", shape=_shape, sortable=_SORTABLE)
        )


class SourceOne(ApiView):
    """One source."""

    @extend_schema(operation_id="source_get", responses=SourceAnswer)
    def get(self, request: Request, slug: str) -> Response:
        """The source."""
        row = EnrichmentSource.objects.filter(slug=slug).first()
        if row is None:
            raise Http404
        return Response(_shape([row])[0])
