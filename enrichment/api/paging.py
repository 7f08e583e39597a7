"""Pages of a list: numbers as V1 counts them, sorted by columns that are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

_DESCENDING = {"-1", "desc"}


class PageQuery(serializers.Serializer[Any]):
    """Which page, and in which order."""

    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1, help_text="From 1.")
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=50)
    sort_by = serializers.CharField(required=False, max_length=60)
    order = serializers.ChoiceField(
        choices=["-1", "1", "asc", "desc"], required=False, help_text="-1 or desc, 1 or asc."
    )


def read_query(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The query's parameters, checked; raises ValidationError."""
    reader = serializer(data=request.query_params)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def page_of(
    rows: QuerySet[Any],
    query: Mapping[str, Any],
    *,
    plural: str,
    shape: Callable[[Sequence[Any]], list[Any]],
    sortable: Mapping[str, Any],
) -> dict[str, Any]:
    """One page: `{plural: [...], total, page, page_size}`; without an order the newest come first."""
    column = query.get("sort_by") or "created_at"
    if column not in sortable:
        raise ValidationError({"sort_by": [f"Sort by one of {', '.join(sorted(sortable))}."]})
    expression, last = sortable[column], "pk"
    if query.get("order", "-1") in _DESCENDING:
        expression, last = _reversed(expression), "-pk"
    page, size = query["page"], query["page_size"]
    start = (page - 1) * size
    total = rows.order_by().count()
    found = list(rows.order_by(expression, last)[start : start + size]) if start < total else []
    return {plural: shape(found), "total": total, "page": page, "page_size": size}


def _reversed(expression: Any) -> Any:
    return f"-{expression}" if isinstance(expression, str) else expression.desc()


def page_serializer(name: str, plural: str, child: serializers.BaseSerializer[Any]) -> Any:
    """The serializer of a page's answer, for the schema."""
    fields = {
        plural: child,
        "total": serializers.IntegerField(),
        "page": serializers.IntegerField(),
        "page_size": serializers.IntegerField(),
    }
    return type(name, (serializers.Serializer,), fields)
