"""The addresses that monitors ask."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from enrichment.operations import health, metrics


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """What works, for anybody: 200, or 503 when database, broker or workers do not."""
    found = health.look()
    told = {
        "status": "ok" if found.is_well else "unhealthy",
        "database": _word(found.database),
        "broker": _word(found.broker),
        "workers": _word(found.has_workers),
        "worker_heartbeat_age_seconds": _rounded(found.worker_age),
        "oldest_runnable_item_age_seconds": _rounded(found.oldest_runnable_age),
    }
    return JsonResponse(told, status=200 if found.is_well else 503)


@never_cache
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """Prometheus' figures, for superusers and for who knows FOOTNOTE_METRICS_TOKEN; others find nothing."""
    if not (_has_token(request) or _is_superuser(request)):
        raise Http404
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def _word(is_well: bool) -> str:
    return "ok" if is_well else "down"


def _rounded(age: float | None) -> float | None:
    return None if age is None else round(age, 1)
