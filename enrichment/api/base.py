"""What every view of the REST API shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enrichment.api.auth import HasScope, KeyAuthentication, StaffAuthentication
from enrichment.api.errors import Unprocessable
from enrichment.api.pace import CallerThrottle
from enrichment.api.reading import JsonParser, check_query
from enrichment.api.rendering import Json

M = TypeVar("M", bound=Model)


class _FirstRenderer(BaseContentNegotiation):
    """Whatever a client says it accepts, it gets what the address gives."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == wanted or not wanted:
                return parser
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class ApiView(APIView):
    """A view that asks for a scope, keeps the pace and refuses in one shape."""

    authentication_classes = [KeyAuthentication, StaffAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [CallerThrottle]
    parser_classes = [JsonParser]
    renderer_classes = [Json]
    content_negotiation_class = _FirstRenderer
    scopes: ClassVar[dict[str, str]] = {}
    """Method → scope where it is not read for GET and write for the others; "" is any key."""
    pace_headers: dict[str, str] = {}

    def scope_of(self, method: str) -> str:
        """The scope a method asks for."""
        if method in ("GET", "HEAD", "OPTIONS"):
            return self.scopes.get("GET", "read")
        return self.scopes.get(method, "write")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the caller is known: a query without what no database can keep."""
        super().initial(request, *args, **kwargs)
        check_query(request.query_params)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer says how much of the pace is left."""
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.pace_headers.items():
            response[name] = value
        return response


def read_body(
    serializer: type[serializers.Serializer[Any]], request: Request, *, partial: bool = False
) -> dict[str, Any]:
    """The body, checked; raises ValidationError."""
    reader = serializer(data=request.data, partial=partial)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def found(rows: QuerySet[M], pk: int) -> M:
    """The row of an id in a path; 404 without."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def named(rows: QuerySet[M], pk: int | None, field: str) -> M | None:
    """The row of an id in a body; 422 that names the field when there is none."""
    if pk is None:
        return None
    row = rows.filter(pk=pk).first()
    if row is None:
        what = rows.model._meta.verbose_name
        raise Unprocessable(f"There is no {what} with this {field}.", "unknown_id", field)
    return row


def nothing() -> Response:
    """An answer without a body."""
    return Response(status=204)
