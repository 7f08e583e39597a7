"""Figures for Prometheus, read from the database when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Count, Model
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from enrichment import budget
from enrichment.models import Budget, Check, EnrichmentRun, EnrichmentSource, Lookup, RunItem, WebhookDelivery
from enrichment.operations import health


def text() -> bytes:
    """All figures in Prometheus' text format. Raises what the database raises."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Database())
    return generate_latest(registry)


class _Database(Collector):
    """Every figure is a gauge: it is counted anew from the tables, whichever process is asked."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is counted before it is asked for."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """About ten queries, whatever the number of sources."""
        sources = list(EnrichmentSource.objects.all())
        slugs = {row.pk: row.slug for row in sources}
        yield _gauge(
            "runs",
            "Runs by status.",
            ["status"],
            _counts(EnrichmentRun, "status", EnrichmentRun.Status.values),
        )
        yield _gauge(
            "run_items", "Run items by state.", ["state"], _counts(RunItem, "state", RunItem.State.values)
        )
        yield _gauge(
            "lookups", "Questions in the ledger.", ["source", "state"], _by_source(Lookup, "state", slugs)
        )
        yield _gauge(
            "checks", "Answers by outcome.", ["source", "outcome"], _by_source(Check, "outcome", slugs)
        )
        yield _gauge(
            "webhook_deliveries",
            "Webhook messages of the last month by state.",
            ["state"],
            _counts(WebhookDelivery, "state", WebhookDelivery.State.values),
        )
        yield from _money([row for row in sources if row.adapter])
        yield from _ages()


def _gauge(
    name: str, help_text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"footnote_{name}", help_text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counts(model: type[Model], column: str, known: Iterable[str]) -> Iterator[tuple[list[str], float]]:
    """The rows of each state; those of which there is none are 0, so that no line comes and goes."""
    rows: Iterable[tuple[Any, ...]] = (
        model._default_manager.order_by().values_list(column).annotate(Count("pk"))
    )
    counts = {str(value): int(count) for value, count in rows}
    return (([value], counts.get(value, 0)) for value in known)


def _by_source(model: type[Model], column: str, slugs: dict[int, str]) -> Iterator[tuple[list[str], float]]:
    rows = model._default_manager.order_by().values_list("source_id", column).annotate(Count("pk"))
    return (([slugs.get(source, "?"), str(value)], count) for source, value, count in rows)


def _money(sources: Sequence[EnrichmentSource]) -> Iterator[GaugeMetricFamily]:
    now = timezone.now()
    scopes = {f"source:{row.pk}:{budget.period_of(row, now)}": row for row in sources}
    used = {row.scope: (row.spent, row.reserved) for row in Budget.objects.filter(scope__in=scopes)}
    for index, name in enumerate(("spent", "reserved")):
        rows = [([row.slug], float(used.get(scope, (0, 0))[index])) for scope, row in scopes.items()]
        yield _gauge(f"credits_{name}", f"Credits {name} this month.", ["source"], rows)
    limits = [([row.slug], row.monthly_limit) for row in sources if row.monthly_limit is not None]
    yield _gauge("credits_limit", "Credits a month; no line is no limit.", ["source"], limits)


def _ages() -> Iterator[GaugeMetricFamily]:
    found = health.look()
    figures = (
        (
            "queue_age_seconds",
            "Since when the oldest item waits that could be taken.",
            found.oldest_runnable_age or 0,
        ),
        ("worker_heartbeat_age_seconds", "Since the last sign of life of a worker.", found.worker_age),
        ("sweeper_heartbeat_age_seconds", "Since the last sweep.", found.sweeper_age),
    )
    for name, help_text, age in figures:
        yield _gauge(name, help_text, [], [] if age is None else [([], age)])
    yield _gauge("broker_up", "Whether the queue's broker answers.", [], [([], float(found.broker))])
