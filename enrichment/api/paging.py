"""Pages of a list: by numbers as V1 counts them, or by cursor, where no page is further away than another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from enrichment.ids import id_of, number_of

_OLDEST = "created_at"
_DESCENDING = {"-1", "desc"}


class PageNumbers(serializers.Serializer[Any]):
    """Which page, and in which order."""

    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1, help_text="From 1.")
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=50)
    sort_by = serializers.CharField(required=False, max_length=60)
    order = serializers.ChoiceField(
        choices=["-1", "1", "asc", "desc"], required=False, help_text="-1 or desc, 1 or asc."
    )


class PageQuery(PageNumbers):
    """Which page, by its number or by cursor, and in which order."""

    cursor = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=24,
        help_text="Instead of page: the next_cursor of the page before, empty for the first. No total is counted.",
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
    """One page: `{plural: [...], total, page, page_size}`; without an order the newest come first.

    By cursor it is `{plural: [...], total: null, page: null, page_size, next_cursor}`, null after the last.
    """
    column = query.get("sort_by") or _OLDEST
    if column not in sortable:
        raise ValidationError({"sort_by": [f"Sort by one of {', '.join(sorted(sortable))}."]})
    is_descending = query.get("order", "-1") in _DESCENDING
    if "cursor" in query:
        return _page_after(
            rows, query, plural=plural, shape=shape, column=column, is_descending=is_descending
        )
    expression = "pk" if column == _OLDEST else sortable[column]  # ids are given in the order of creation
    orders = [(expression, "pk"), (_reversed(expression), "-pk")]
    page, size = query["page"], query["page_size"]
    total = rows.order_by().count()
    ids = _ids(rows, orders[::-1] if is_descending else orders, (page - 1) * size, size, total)
    found = {row.pk: row for row in rows.filter(pk__in=ids)} if ids else {}
    there = [found[pk] for pk in ids if pk in found]
    return {plural: shape(there), "total": total, "page": page, "page_size": size}


def _ids(
    rows: QuerySet[Any], orders: Sequence[tuple[Any, str]], start: int, size: int, total: int
) -> list[int]:
    """The ids of `size` rows from `start` on, alone, because most are skipped; a late page is counted from the end."""
    forward, backward = orders
    if start <= total // 2:
        return list(rows.order_by(*forward).values_list("pk", flat=True)[start : start + size])
    stop = max(total - start, 0)
    return list(rows.order_by(*backward).values_list("pk", flat=True)[max(stop - size, 0) : stop])[::-1]


def _page_after(
    rows: QuerySet[Any],
    query: Mapping[str, Any],
    *,
    plural: str,
    shape: Callable[[Sequence[Any]], list[Any]],
    column: str,
    is_descending: bool,
) -> dict[str, Any]:
    if column != _OLDEST:
        raise ValidationError({"cursor": [f"A cursor goes with sort_by={_OLDEST} only."]})
    if query["cursor"]:
        try:
            pk = number_of(query["cursor"])
        except ValueError:
            raise ValidationError(
                {"cursor": ["This is no cursor: give the next_cursor of a page."]}
            ) from None
        rows = rows.filter(**{"pk__lt" if is_descending else "pk__gt": pk})
    size = query["page_size"]
    found = list(rows.order_by("-pk" if is_descending else "pk")[: size + 1])
    following = id_of(found[size - 1].pk) if len(found) > size else None
    page = {"total": None, "page": None, "page_size": size, "next_cursor": following}
    return {plural: shape(found[:size]), **page}


def _reversed(expression: Any) -> Any:
    return f"-{expression}" if isinstance(expression, str) else expression.desc()


def page_serializer(name: str, plural: str, child: serializers.BaseSerializer[Any]) -> Any:
    """The serializer of a page's answer, for the schema."""
    fields = {
        plural: child,
        "total": serializers.IntegerField(allow_null=True),
        "page": serializers.IntegerField(allow_null=True),
        "page_size": serializers.IntegerField(),
        "next_cursor": serializers.CharField(required=False, allow_null=True),
    }
    return type(name, (serializers.Serializer,), fields)
