"""One try to deliver a message, and what follows from its answer."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from enrichment.models import WebhookDelivery, WebhookEndpoint
from enrichment.webhooks.secrets import SecretUnreadable, signatures
from enrichment.webhooks.targets import TargetRefused, check_target
from sources.contract import Payload
from sources.errors import SourceError
from sources.http import Client

KEPT_TRYING = timedelta(days=3)
KEPT = timedelta(days=30)  # messages that ended
GONE = 410
_FIRST, _LONGEST = 5.0, 6 * 3600.0  # seconds between tries; each wait is three times the one before
_JITTER = 0.2
_FAILURES, _PAUSE, _LONGEST_PAUSE = (
    5,
    5.0,
    600.0,
)  # in a row until an endpoint rests, and for how many seconds
_TRIES_KEPT = 20

State = WebhookDelivery.State
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try: a status, or why there is none; `retry_after` in seconds, where the endpoint asks for it."""

    at: datetime
    status: int | None
    error: str
    milliseconds: int
    retry_after: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has the message now."""
        return self.status is not None and 200 <= self.status < 300


def post(client: Client, delivery: WebhookDelivery) -> Answer:
    """Send a message, signed for this moment (Standard Webhooks); asks the database nothing."""
    at, began = datetime.now(UTC), time.monotonic()
    status, error, retry_after = None, "", 0.0
    try:
        url = check_target(delivery.endpoint.url)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signatures(delivery.endpoint, delivery.event_id, at, delivery.body),
        }
        payload = client.send(url, body=delivery.body.encode(), headers=headers)
    except (SourceError, TargetRefused, SecretUnreadable) as refused:
        error = str(refused)
    except Exception:  # whatever it is, the other messages go on
        _log.exception("A webhook could not be sent.")
        error = "it could not be sent; the log of the workers says why"
    else:
        status, retry_after = payload.status, _retry_after(payload)
        error = "" if 200 <= status < 300 else _explained(status)
    return Answer(at, status, error[:300], round(1000 * (time.monotonic() - began)), retry_after)


def _retry_after(payload: Payload) -> float:
    text = payload.headers.get("retry-after", "")
    return min(float(text), _LONGEST) if text.isascii() and text.isdecimal() else 0.0


def _explained(status: int) -> str:
    if status == GONE:
        return "it answered 410: nobody is there any more"
    if 300 <= status < 400:
        return f"it answered {status}: redirects are not followed, write the address it leads to"
    return f"it answered {status}"


def note(results: Sequence[tuple[WebhookDelivery, Answer]], now: datetime, dice: random.Random) -> None:
    """Write down tries that ended, plan the next ones, and let endpoints rest or end that do not answer."""
    if not results:
        return
    endpoints = WebhookEndpoint.objects.in_bulk({delivery.endpoint_id for delivery, _ in results})
    for delivery, answer in results:
        _note_delivery(delivery, answer, now, dice)
        if delivery.endpoint_id in endpoints:
            _note_endpoint(endpoints[delivery.endpoint_id], answer, now)
    gone = {delivery.endpoint_id for delivery, answer in results if answer.status == GONE}
    with transaction.atomic():
        WebhookDelivery.objects.bulk_update(
            [delivery for delivery, _ in results],
            ["state", "next_at", "status", "error", "tries", "ended_at"],
        )
        WebhookEndpoint.objects.bulk_update(endpoints.values(), ["failures", "paused_until"])
        _end(gone, now)


def _note_delivery(delivery: WebhookDelivery, answer: Answer, now: datetime, dice: random.Random) -> None:
    delivery.status, delivery.error = answer.status, answer.error
    tried = {
        "at": answer.at.isoformat(), "status": answer.status, "error": answer.error, "milliseconds": answer.milliseconds,
    }  # fmt: skip
    delivery.tries = [*delivery.tries, tried][-_TRIES_KEPT:]
    delivery.next_at = now + timedelta(seconds=max(backoff(delivery.attempts, dice), answer.retry_after))
    if answer.is_taken:
        delivery.state = State.DELIVERED
    elif answer.status == GONE or delivery.next_at > delivery.since + KEPT_TRYING:
        delivery.state = State.FAILED
    delivery.ended_at = None if delivery.state == State.PENDING else now


def backoff(attempts: int, dice: random.Random) -> float:
    """Seconds until the next try after so many: 5, 15, 45 … six hours, a fifth more or less by chance."""
    wait = min(_FIRST * 3.0 ** min(attempts - 1, 20), _LONGEST)
    return wait * dice.uniform(1 - _JITTER, 1 + _JITTER)


def _note_endpoint(endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    """After some failures in a row an endpoint rests, so that one that is down is not asked for each message."""
    endpoint.failures = 0 if answer.is_taken else endpoint.failures + 1
    rest = endpoint.failures - _FAILURES
    seconds = min(_PAUSE * 2.0 ** min(rest, 20), _LONGEST_PAUSE)
    endpoint.paused_until = now + timedelta(seconds=seconds) if rest >= 0 else None


def _end(endpoints: Iterable[int], now: datetime) -> None:
    """Turn endpoints off that say they are gone; what waits for them is not sent."""
    reason = "It answered 410: nobody is there any more. Turn it on again when there is."
    for_them = WebhookEndpoint.objects.filter(pk__in=list(endpoints))
    if for_them.update(is_enabled=False, disabled_reason=reason):
        waiting = WebhookDelivery.objects.filter(endpoint__in=for_them, state=State.PENDING)
        waiting.update(
            state=State.DROPPED, ended_at=now, error="its endpoint was turned off: it answered 410"
        )
