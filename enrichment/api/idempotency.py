"""A request that comes again gets the answer it got: one with an `Idempotency-Key`, and one that starts a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from enrichment.api.auth import caller_of
from enrichment.api.errors import Unprocessable
from enrichment.models import EnrichmentRun, GivenAnswer
from enrichment.repeats import forget_old, start_once

HEADER = "Idempotency-Key"
_REPLAYED = {"Idempotency-Replayed": "true"}
_LONGEST = 255


def once(request: Request, work: Callable[[], Response]) -> Response:
    """The answer of `work`, or the one it gave when this request came first.

    What `work` writes and the answer are one commit; a refusal is not kept, so that it can be tried again.
    Raises Unprocessable when the key came with another request.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key:
        with transaction.atomic():
            return work()
    if len(key) > _LONGEST or not key.isprintable():
        raise Unprocessable(
            f"{HEADER} has at most {_LONGEST} printable characters.", "idempotency_key_invalid"
        )
    caller, digest = caller_of(request).name, _digest(request)
    forget_old()
    try:
        with transaction.atomic():
            row = GivenAnswer.objects.create(caller=caller, key=key, request=digest)
            response = work()
            row.status, row.body = (
                response.status_code,
                json.loads(json.dumps(response.data, cls=JSONEncoder)),
            )
            row.save(update_fields=["status", "body"])
    except IntegrityError:
        return _again(caller, key, digest)
    return response


def _again(caller: str, key: str, digest: str) -> Response:
    row = GivenAnswer.objects.filter(caller=caller, key=key).first()
    if row is None:
        raise Unprocessable("The request conflicts with another one: send it again.", "conflict")
    if row.request != digest:
        raise Unprocessable(f"This {HEADER} was used for another request.", "idempotency_key_reused")
    return Response(row.body, status=row.status, headers=_REPLAYED)


def started_once(
    request: Request, make: Callable[[], EnrichmentRun], shape: Callable[[EnrichmentRun], dict[str, Any]]
) -> Response:
    """The answer about the run that `make` starts, as `shape` tells of it.

    Without an Idempotency-Key a request that comes again in a moment, as clients retry, gets the run of the first.
    """
    if request.headers.get(HEADER, "").strip():
        return once(request, lambda: Response(shape(make()), status=201))
    run, is_again = start_once(
        caller_of(request).name, [request.path, request.data], make, is_retry=is_retry(request)
    )
    return Response(shape(run), status=201, headers=_REPLAYED if is_again else None)


def is_retry(request: Request) -> bool:
    """Whether the client says that it has sent this before: clients made by Stainless count their tries."""
    count = request.headers.get("x-stainless-retry-count", "0")
    return count.isdecimal() and int(count[:9]) > 0


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()
