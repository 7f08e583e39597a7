"""A request that comes again gets the answer it got: one with an `Idempotency-Key`, one that makes something, one that starts a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from enrichment import bulk
from enrichment.api.auth import caller_of
from enrichment.api.errors import Conflict, Unprocessable
from enrichment.models import EnrichmentRun, GivenAnswer
from enrichment.repeats import RETRIED, forget_old, start_once

HEADER = "Idempotency-Key"
ONCE = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key and request get the same answer for a day.",
)
_REPLAYED = {"Idempotency-Replayed": "true"}
_LONGEST = 255
_TRIES = "x-stainless-retry-count"
"""How clients made by Stainless count their tries: 0 for the first. They send no key of their own."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that may come again: from whom, under which key, and what it is."""

    caller: str
    key: str
    digest: str

    def answered(self) -> Response | None:
        """What it was answered before. Raises Unprocessable when the key came with another request."""
        row = GivenAnswer.objects.filter(caller=self.caller, key=self.key).first()
        if row is None:
            return None
        if row.request != self.digest:
            raise Unprocessable(f"This {HEADER} was used for another request.", "idempotency_key_reused")
        return Response(row.body, status=row.status, headers=_REPLAYED)

    def hold(self) -> None:
        """Let nobody else answer it until the end of the transaction. Raises Conflict while somebody does.

        SQLite lets one transaction write at a time: there the second request waits for the first.
        """
        if bulk.is_postgres():
            name = f"{self.caller} {self.key}"
            ((is_first,),) = bulk.select("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
            if not is_first:
                raise Conflict(
                    "The first of these requests is at work: send it again in a moment.", "in_progress"
                )

    def remember(self, response: Response) -> None:
        """Keep the answer; raises IntegrityError when there is one."""
        body = json.loads(json.dumps(response.data, cls=JSONEncoder))
        GivenAnswer.objects.create(
            caller=self.caller, key=self.key, request=self.digest, status=response.status_code, body=body
        )


def once(request: Request, work: Callable[[], Response]) -> Response:
    """The answer of `work`, or the one it gave when this Idempotency-Key came first.

    What `work` writes and the answer are one commit; a refusal is not kept, so that it can be tried again.
    Raises Unprocessable when the key came with another request, Conflict while the first is at work.
    """
    return _answered_once(_with_key(request, lambda: request.data), work)


def made_once(request: Request, work: Callable[[], Response]) -> Response:
    """As `once`; and without a key a request that says it is a retry gets the answer of its first try."""
    return _answered_once(_asked(request, lambda: request.data), work)


def kept_once(request: Request, tell: Callable[[], Any], work: Callable[[], Response]) -> Response:
    """As `made_once`, for work that takes too long for one transaction; what `tell` says stands for the body.

    Of two requests at once both are carried out.
    """
    asked = _asked(request, tell)
    if asked is None:
        return work()
    if before := asked.answered():
        return before
    response = work()
    with suppress(IntegrityError), transaction.atomic():
        asked.remember(response)
    return response


def _answered_once(asked: _Asked | None, work: Callable[[], Response]) -> Response:
    if asked and (before := asked.answered()):
        return before
    try:
        with transaction.atomic():
            if asked is None:
                return work()
            asked.hold()
            if before := asked.answered():
                return before
            response = work()
            asked.remember(response)
    except IntegrityError:
        if asked and (before := asked.answered()):
            return before
        raise Conflict("The request conflicts with another one: send it again.") from None
    return response


def _asked(request: Request, tell: Callable[[], Any]) -> _Asked | None:
    return _with_key(request, tell) or _tried(request, tell)


def _with_key(request: Request, tell: Callable[[], Any]) -> _Asked | None:
    """The request under its Idempotency-Key; None without one. Raises Unprocessable for what is no key."""
    key = request.headers.get(HEADER, "").strip()
    if not key:
        return None
    if len(key) > _LONGEST or not key.isprintable():
        raise Unprocessable(
            f"{HEADER} has at most {_LONGEST} printable characters.", "idempotency_key_invalid"
        )
    forget_old()
    return _Asked(caller_of(request).name, key, _digest(request, tell()))


def _tried(request: Request, tell: Callable[[], Any]) -> _Asked | None:
    """The request of a client that counts its tries, under its digest; None of other clients.

    A first try, and one so late that it can be no retry, is another request than the one before it.
    """
    if _TRIES not in request.headers:
        return None
    forget_old()
    digest = _digest(request, tell())
    asked = _Asked(caller_of(request).name, f"tried {digest}", digest)
    earlier = GivenAnswer.objects.filter(caller=asked.caller, key=asked.key)
    if is_retry(request):
        earlier = earlier.filter(created_at__lt=timezone.now() - RETRIED)
    earlier.delete()
    return asked


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
    count = request.headers.get(_TRIES, "0")
    return count.isdecimal() and int(count[:9]) > 0


def _digest(request: Request, told: Any) -> str:
    body = json.dumps(told, sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()
