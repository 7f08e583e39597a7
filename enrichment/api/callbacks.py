"""The door for late answers: `POST /callbacks/<lookup>/<token>`."""

from __future__ import annotations

import json
import logging
import os

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from standardwebhooks import Webhook, WebhookVerificationError

from enrichment import callbacks, late
from enrichment.models import Lookup

MAX_BYTES = 1_000_000
_KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")

_log = logging.getLogger(__name__)


@csrf_exempt
def receive(request: HttpRequest, lookup: int, token: str) -> JsonResponse:
    """Take the answer to a lookup, once.

    The token proves that the sender was asked. Where `<SLUG>_CALLBACK_SECRET` is set, the message must be
    signed as well (Standard Webhooks). 202 taken, 200 known already, 400 no JSON object, 401 badly signed,
    404 nobody asked, 405 no POST, 413 too large.
    """
    if request.method != "POST":
        return _say(405, "An answer is sent by POST.")
    if not callbacks.is_genuine(lookup, token):
        return _say(404, "There is no such question.")
    row = Lookup.objects.filter(pk=lookup).select_related("source").first()
    if row is None:
        return _say(404, "There is no such question.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        return _say(413, f"An answer has at most {MAX_BYTES:,} bytes.")
    body = request.body
    if not _is_signed(row.source.slug, body, request):
        _log.warning("A callback to lookup %s is not signed by %s.", lookup, row.source.slug)
        return _say(401, "The signature is missing, wrong or too old.")
    if not _is_object(body):
        return _say(400, "The body must be a JSON object.")
    headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    is_new = late.receive(lookup, headers=headers, body=body)
    return _say(202, "Taken.") if is_new else _say(200, "Known already.")


def _is_signed(slug: str, body: bytes, request: HttpRequest) -> bool:
    """Whether no secret is set, or the message is signed with one of those set (rotation: several, by comma)."""
    secrets = [each for each in os.environ.get(f"{slug.upper()}_CALLBACK_SECRET", "").split(",") if each]
    headers = {name.lower(): value for name, value in request.headers.items()}
    for secret in secrets:
        try:
            Webhook(secret.strip()).verify(body, headers)
        except (WebhookVerificationError, ValueError, RecursionError):
            continue
        return True
    return not secrets


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body.decode()), dict)
    except (ValueError, RecursionError):
        return False


def _say(status: int, detail: str) -> JsonResponse:
    """An answer; a refusal is not logged by Django, for the token that stands in its address."""
    response = JsonResponse({"detail": detail}, status=status)
    if status == 405:
        response["Allow"] = "POST"
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
