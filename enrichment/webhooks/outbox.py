"""The outbox: messages are written in the transaction of what they tell, sent later, each once to each endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from enrichment import bulk
from enrichment.models import (
    EnrichmentRun,
    EnrichmentSource,
    RunOrigin,
    Signal,
    WebhookDelivery,
    WebhookEndpoint,
)
from enrichment.models.webhook import Event
from enrichment.queries.signals import show_signals
from enrichment.webhooks import bodies
from enrichment.webhooks.results import KEPT
from enrichment.webhooks.secrets import new_secret
from enrichment.webhooks.targets import TargetRefused, check_target
from sources.attributes import Attribute


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which endpoints want to hear of changed values, and the attributes any of them names (None: all)."""

    endpoints: tuple[WebhookEndpoint, ...]
    attributes: frozenset[str] | None

    @property
    def want_first_values(self) -> bool:
        """Whether any endpoint wants to hear of values where nothing was known before."""
        return any(each.first_values for each in self.endpoints)


def value_wishes() -> Wishes:
    """What endpoints want to hear of changed values (one query)."""
    endpoints = tuple(_listeners(Event.VALUE))
    if not all(each.attributes for each in endpoints):
        return Wishes(endpoints, None)
    return Wishes(endpoints, frozenset(slug for each in endpoints for slug in each.attributes))


def run_ended(run: EnrichmentRun) -> None:
    """Tell that a run ended; to be called in the transaction that notes it.

    What was written without asking or importing anything, such as one value over the API, is not told.
    """
    if not (run.asks or run.file_name):
        return
    has_failed = run.status in (EnrichmentRun.Status.FAILED, EnrichmentRun.Status.CRASHED)
    event = Event.RUN_FAILED if has_failed else Event.RUN_FINISHED
    listeners = _listeners(event, since=run.finished_at) + _of_task(run)
    if not listeners:
        return
    body, at = bodies.run_ended(run), run.finished_at or run.created_at
    event_id = f"run_{run.pk}_{int(at.timestamp() * 1000)}"
    write((each, event, event_id, body, run.pk, None) for each in listeners)


def run_undone(run: EnrichmentRun) -> None:
    """Tell once that a run was undone, however often that is repeated; to be called when its values are back.

    The `webhook_url` of a V1 task hears nothing of it: that dialect knows no undoing.
    """
    if run.undone_at is None or run.undone_at < bulk.clock() - KEPT:
        return  # what was told then is forgotten
    listeners = _listeners(Event.RUN_UNDONE, since=run.undone_at)
    body = bodies.run_undone(run) if listeners else ""
    write((each, Event.RUN_UNDONE, f"run_{run.pk}_undone", body, run.pk, None) for each in listeners)


def signals_made(signals: Sequence[Signal]) -> None:
    """Tell of new signals; to be called in the transaction that makes them."""
    listeners = _listeners(Event.SIGNAL) if signals else []
    if not listeners:
        return
    write(
        (endpoint, Event.SIGNAL, f"signal_{each.id}", body, each.run, each.id)
        for each in show_signals(signals)
        for body in [bodies.envelope("signal.created", each.created_at, bodies.signal_data(each))]
        for endpoint in listeners
    )


def values_changed(
    run: EnrichmentRun, wishes: Wishes, found: Iterable[tuple[Any, Attribute, Sequence[Any]]]
) -> None:
    """Tell of values that a run changed (record, attribute, changes), to those who want to hear of them."""
    if not wishes.endpoints:
        return
    slugs = dict(EnrichmentSource.objects.values_list("pk", "slug"))
    write(
        (endpoint, Event.VALUE, f"value_{change.new.id}", body, run.pk, None)
        for record, attribute, changes in found
        for change in changes
        if change.moved
        for listeners in [wanting(wishes, attribute.slug, is_first=change.believed is None)]
        for body in [_value_body(run, record, attribute, change, slugs) if listeners else ""]
        for endpoint in listeners
    )


def wanting(wishes: Wishes, slug: str, *, is_first: bool) -> list[WebhookEndpoint]:
    """The endpoints that want to hear of a change of an attribute; `is_first`: nothing was known before."""
    return [
        each
        for each in wishes.endpoints
        if (not each.attributes or slug in each.attributes) and (each.first_values or not is_first)
    ]


def _value_body(
    run: EnrichmentRun, record: Any, attribute: Attribute, change: Any, slugs: dict[int, str]
) -> str:
    old = change.believed.value if change.believed else None
    source, at = slugs[change.new.source], change.new.first_seen
    data = bodies.value_data(record, attribute, run.pk, old, change.new.value, source=source, at=at)
    return bodies.envelope("value.changed", at, data)


def test_message(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Put a message without meaning into the outbox, so that people see whether their receiver works."""
    now = bulk.clock()
    body = bodies.envelope("test", now, {"endpoint": endpoint.name})
    write([(endpoint, Event.TEST, f"test_{endpoint.pk}_{int(now.timestamp() * 1000)}", body, None, None)])
    return WebhookDelivery.objects.filter(endpoint=endpoint, event=Event.TEST).latest("pk")


def replay(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Send messages again, under the same ids, for another three days; how many."""
    now = bulk.clock()
    return deliveries.update(
        state=WebhookDelivery.State.PENDING, next_at=now, since=now, attempts=0, ended_at=None
    )


def _listeners(event: Event, *, since: datetime | None = None) -> list[WebhookEndpoint]:
    """The endpoints that are on and want an event; none hears of what was before it."""
    rows = WebhookEndpoint.objects.filter(is_enabled=True, is_of_tasks=False)
    if since:
        rows = rows.filter(created_at__lte=since)
    return [each for each in rows if event in each.events]


def _of_task(run: EnrichmentRun) -> list[WebhookEndpoint]:
    """The endpoint of the run's task, made when it is first needed; an address that is refused hears nothing."""
    config = RunOrigin.objects.filter(run=run).values_list("config", flat=True).first() or {}
    if not config.get("webhook_url"):
        return []
    try:
        url = check_target(str(config["webhook_url"]))
    except TargetRefused:
        return []
    made = WebhookEndpoint(name=f"Tasks: {url}"[:100], url=url, is_of_tasks=True)
    new_secret(made)
    WebhookEndpoint.objects.bulk_create([made], ignore_conflicts=True)
    return list(WebhookEndpoint.objects.filter(url=url, is_of_tasks=True, is_enabled=True))


def write(messages: Iterable[tuple[WebhookEndpoint, Event, str, str, int | None, int | None]]) -> None:
    """Put messages into the outbox: endpoint, event, its id, body, run, signal; one that is there is left out."""
    now = bulk.clock()
    WebhookDelivery.objects.bulk_create(
        (
            WebhookDelivery(
                endpoint=endpoint, event=event, event_id=event_id, body=body, run_id=run, signal_id=signal, next_at=now, since=now
            )
            for endpoint, event, event_id, body, run, signal in messages
        ),
        batch_size=500,
        ignore_conflicts=True,
    )  # fmt: skip
