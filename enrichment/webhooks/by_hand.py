"""Values that people pin and release: told in the transaction that changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from crm.models import Record
from enrichment import bulk
from enrichment.models import WebhookEndpoint
from enrichment.models.webhook import Event
from enrichment.queries.catalogue import describe
from enrichment.webhooks import bodies
from enrichment.webhooks.outbox import value_wishes, wanting, write
from enrichment.winner import USER

_Entry = dict[str, Any]


@contextmanager
def telling(record: Record, slug: str) -> Iterator[None]:
    """Tell of the value that the block gives an attribute of a record, if it is another than before."""
    wishes = value_wishes()
    if not wishes.endpoints:
        yield
        return
    with transaction.atomic():
        before = _shown(record, slug)
        yield
        after = _shown(record, slug)
        if before.get("value") != after.get("value"):
            listeners = wanting(wishes, slug, is_first=not before)
            _tell(record, slug, before, after, listeners)


def _shown(record: Record, slug: str) -> _Entry:
    """The entry of the current value as it stands in the database; empty without one."""
    rows = type(record)._default_manager.filter(pk=record.pk)
    values = rows.values_list("current_values", flat=True).first() or {}
    return dict(values.get(slug) or {})


def _tell(record: Record, slug: str, before: _Entry, after: _Entry, listeners: list[WebhookEndpoint]) -> None:
    at = datetime.fromisoformat(after["created_at"]) if after.get("source") == USER else bulk.clock()
    data = bodies.value_data(
        record, describe({slug})[slug], None, before.get("value"), after.get("value"),
        source=after.get("source", ""), at=at,
    )  # fmt: skip
    body, event_id = bodies.envelope("value.changed", at, data), f"value_{uuid4().hex}"
    write((each, Event.VALUE, event_id, body, None, None) for each in listeners)
