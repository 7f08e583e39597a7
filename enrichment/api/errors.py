"""One shape for every refusal: `{"detail": sentence, "code": word, "errors": {field: [sentences]}}`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

_log = logging.getLogger(__name__)


class Conflict(exceptions.APIException):
    """What is asked for does not fit the state things are in."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    """The request is understood, but cannot be carried out; `field` names what is to blame."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "unprocessable"

    def __init__(self, detail: str, code: str = "unprocessable", field: str = "") -> None:
        super().__init__(detail, code)
        self.field = field


class TooLarge(exceptions.APIException):
    """The body is larger than is taken."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


def answer(detail: str, code: str, errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    return {"detail": detail, "code": code, "errors": dict(errors or {})}


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """What REST framework calls with whatever a view raises; None: a bug, which becomes a plain 500."""
    translated = _translated(error)
    if translated is None:
        return None
    set_rollback()
    headers = dict(getattr(translated, "extra_headers", {}))
    if wait := getattr(translated, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if header := getattr(translated, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(translated, exceptions.ValidationError):
        errors = dict(_flat(translated.detail))
        field, sentences = next(iter(errors.items()), ("", ["The request does not fit."]))
        place = f"{field}: " if field and field != "non_field_errors" else ""
        body = answer(f"{place}{sentences[0]}", "validation_error", errors)
        return Response(body, status=status.HTTP_422_UNPROCESSABLE_ENTITY, headers=headers)
    detail, code = str(translated.detail), _code(translated)
    field = getattr(translated, "field", "")
    body = answer(detail, code, {field: [detail]} if field else None)
    return Response(body, status=translated.status_code, headers=headers)


def _translated(error: Exception) -> exceptions.APIException | None:
    """The error as one of REST framework's, with a status and a sentence."""
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound("There is nothing with this id.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, SuspiciousOperation):
        return TooLarge("The body is too large, or has too many parts: send less at once.")
    if isinstance(error, OperationalError):
        _log.warning("The database was busy: %s", error)
        busy = exceptions.APIException("The database is busy: try again in a moment.", "busy")
        busy.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        busy.extra_headers = {"Retry-After": "2"}  # type: ignore[attr-defined]
        return busy
    return None


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    words = {"not_authenticated": "unauthorized", "authentication_failed": "unauthorized",
             "permission_denied": "forbidden", "throttled": "rate_limit_exceeded"}  # fmt: skip
    code = str(codes) if isinstance(codes, str) else error.default_code
    return words.get(code, code)


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Nested error details as sentences by dotted path."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(each, Mapping | list) for each in detail):
        for place, inner in enumerate(detail):
            if inner:
                yield from _flat(inner, f"{path}.{place}" if path else str(place))
    else:
        yield (
            path or "non_field_errors",
            [str(each) for each in detail] if isinstance(detail, list) else [str(detail)],
        )


@csrf_exempt
def no_such_address(request: HttpRequest) -> JsonResponse:
    """The answer below /v1 where there is nothing."""
    return JsonResponse(answer("There is nothing at this address.", "not_found"), status=404)
