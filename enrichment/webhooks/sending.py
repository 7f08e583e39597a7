"""Sending what is in the outbox: at least once, slow endpoints apart from the others, for three days.

One sender works at a time in the whole installation, so that messages cannot keep all workers from their runs. Its
threads speak to endpoints, the main thread does all that concerns the database. A message is put off before it is
sent: a sender that is killed loses none, and the message comes again under the same id.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from enrichment import bulk
from enrichment.models import Heartbeat, WebhookDelivery, WebhookEndpoint
from enrichment.models.webhook import Event
from enrichment.webhooks.results import KEPT, KEPT_TRYING, Answer, note, post
from sources.http import Client

SENDER = "webhooks"  # the sign of life of whoever sends
TURN = timedelta(seconds=30)  # a sender silent for so long is taken for dead
SIGNS_APART = 5.0  # seconds
PUT_OFF = timedelta(seconds=60)  # until a message whose sender died is sent again
PARALLEL, OF_ONE = 16, 4  # messages in flight at once, and those of one endpoint
DEADLINE = 10.0  # seconds for each

State = WebhookDelivery.State
_Flight = dict[Future[Answer], WebhookDelivery]


def is_due() -> bool:
    """Whether a message waits to be sent now."""
    return _ready(bulk.clock(), ()).exists()


def send(*, until: Callable[[], bool] = lambda: False, on_sign: Callable[[], None] = lambda: None) -> int:
    """Send what is due until `until()` or nothing is; how many tries. 0 while another sender works."""
    with _turn() as is_ours:
        return _send(until, on_sign) if is_ours else 0


def _send(until: Callable[[], bool], on_sign: Callable[[], None]) -> int:
    flight: _Flight = {}
    tries, signed = 0, time.monotonic()
    client = Client(
        user_agent=settings.USER_AGENT, allow=frozenset(settings.EGRESS_ALLOW), deadline=DEADLINE, max_bytes=1_000_000
    )  # fmt: skip
    dice = random.SystemRandom()
    try:
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="webhook") as pool:
            while True:
                for delivery in [] if until() else _take(flight.values()):
                    flight[pool.submit(post, client, delivery)] = delivery
                if not flight:
                    return tries
                done, _ = wait(flight, timeout=1.0, return_when=FIRST_COMPLETED)
                note([(flight.pop(each), each.result()) for each in done], bulk.clock(), dice)
                tries += len(done)
                if time.monotonic() > signed + SIGNS_APART:
                    signed = time.monotonic()
                    Heartbeat.objects.filter(name=SENDER).update(at=bulk.clock())
                    on_sign()
    finally:
        client.close()


@contextmanager
def _turn() -> Iterator[bool]:
    """Be the one sender; False when another gave a sign of life lately."""
    now = bulk.clock()
    Heartbeat.objects.bulk_create([Heartbeat(name=SENDER, at=now - 2 * TURN)], ignore_conflicts=True)
    sender = Heartbeat.objects.filter(name=SENDER)
    if not sender.filter(at__lt=now - TURN).update(at=now):
        yield False
        return
    try:
        yield True
    finally:
        sender.update(at=bulk.clock() - 2 * TURN)


def _ready(now: datetime, full: Collection[int]) -> QuerySet[Any]:
    """Endpoints that can be sent something, with their next messages."""
    due = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=State.PENDING, next_at__lte=now)
    first, second = (Subquery(due.order_by("next_at").values("pk")[n : n + 1]) for n in (0, 1))
    can_take = Q(paused_until=None) | Q(paused_until__lte=now)
    rows: QuerySet[Any] = WebhookEndpoint.objects.filter(can_take, is_enabled=True).exclude(pk__in=list(full))
    rows = rows.annotate(first=first, second=second)
    return rows.exclude(first=None)


def _take(flying: Collection[WebhookDelivery]) -> list[WebhookDelivery]:
    """Messages to send now, those that wait longest first, a few of each endpoint; put off in case we die."""
    room = PARALLEL - len(flying)
    if room <= 0:
        return []
    now = bulk.clock()
    busy = Counter(each.endpoint_id for each in flying)
    # Two at most are taken of an endpoint at a time.
    full = [pk for pk, count in busy.items() if count > OF_ONE - 2]
    rows = _ready(now, full).order_by("pk").values_list("first", "second")
    ids = [pk for pair in zip(*rows, strict=True) for pk in pair if pk][:room]
    if not ids:
        return []
    taken = WebhookDelivery.objects.filter(pk__in=ids, state=State.PENDING, next_at__lte=now)
    tells_of_undone = Q(event__in=(Event.SIGNAL, Event.VALUE), run__undone_at__isnull=False)
    dropped = list(taken.filter(tells_of_undone).values_list("pk", flat=True))
    WebhookDelivery.objects.filter(pk__in=dropped).update(
        state=State.DROPPED, ended_at=now, error="its run was undone"
    )
    taken.update(next_at=now + PUT_OFF, attempts=F("attempts") + 1)
    return list(WebhookDelivery.objects.filter(pk__in=set(ids) - set(dropped)).select_related("endpoint"))


def tidy() -> None:
    """Give up what nobody took for three days, and forget what ended a month ago."""
    now = bulk.clock()
    WebhookDelivery.objects.filter(state=State.PENDING, since__lt=now - KEPT_TRYING, next_at__lte=now).update(
        state=State.FAILED, ended_at=now, error="nobody took it within three days"
    )
    old = WebhookDelivery.objects.filter(ended_at__lt=now - KEPT).order_by("ended_at")
    WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:5000])).delete()
