"""Lists the sources: what each needs and what it answers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrichment.keys import key_of, key_variable, other_keys
from enrichment.models import EnrichmentSource
from enrichment.plan import provides
from enrichment.registration import adapter_of, row_of
from enrichment.terminal import prepare_database
from sources import registry
from sources.contract import Source

_WIDTH = 100
_LABEL = 12


class Command(BaseCommand):
    """`manage.py sources`"""

    help = "List every source, trusted most first: on or off, what it is asked with, what it answers."

    def handle(self, *args: Any, **options: Any) -> None:
        """A paragraph for each row, then for the adapters without a row."""
        prepare_database()
        self.stdout.write("\n".join(_lines()))


def _lines() -> Iterator[str]:
    adapters = registry.adapters()
    rows = list(EnrichmentSource.objects.order_by("rank", "slug"))
    for row in rows:
        yield f"{row.slug}: {row.label}, {'on' if row.is_enabled else 'off'}, rank {row.rank}"
        adapter = adapter_of(row)
        if adapter:
            yield from _paragraph(_facts(row, adapter))
        else:
            missing = ("adapter", f"{row.adapter} is not installed")
            yield from _paragraph([missing if row.adapter else ("is", "a writer: nobody asks it, it tells")])
    for slug in sorted(adapters.keys() - {row.adapter for row in rows}):
        adapter = adapters[slug]
        state = (
            "a template: tables and APIs that you set up are sources of it"
            if adapter.template
            else "not added yet"
        )
        yield f"{slug}: {adapter.label}, {state}"
        yield from _paragraph(_facts(row_of(adapter), adapter))
    for name, reason in registry.left_out().items():
        yield f"{name}: left out"
        yield from _paragraph([("because", reason)])


def _paragraph(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in facts:
        yield textwrap.fill(
            text, _WIDTH, initial_indent=f"    {label:{_LABEL}}", subsequent_indent=" " * (4 + _LABEL),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def _facts(row: EnrichmentSource, adapter: Source) -> Iterator[tuple[str, str]]:
    kinds = " and ".join(sorted(f"{kind.value}s" for kind in adapter.kinds))
    yield "about", kinds
    yield "needs", ", or ".join(" and ".join(inputs) for inputs in adapter.needs)
    if given := [*adapter.provides, *sorted(provides(row, adapter) - set(adapter.provides))]:
        yield "answers", ", ".join(given)
    if adapter.columns:
        yield "columns", ", ".join(adapter.columns)
    yield "cost", _cost(row)
    yield "refreshed", row.cadence
    if adapter.secret:
        variable = key_variable(row.slug, adapter)
        place = f", get one at {adapter.secret.help_url}" if adapter.secret.help_url else ""
        is_set = bool(key_of(row.slug, adapter))
        yield "key", f"{variable} is set" if is_set else f"{variable} is missing{place}"
    for secret in adapter.other_secrets:
        yield "may use", f"{secret.env}, which is {'set' if secret.env in other_keys(adapter) else 'missing'}"
    if row.paused_until and row.paused_until > timezone.now():
        yield "paused", f"until {row.paused_until:%Y-%m-%d %H:%M} UTC: {row.paused_reason}"


def _cost(row: EnrichmentSource) -> str:
    if not row.cost:
        return "free"
    limit = "no monthly limit" if row.monthly_limit is None else f"at most {row.monthly_limit:,} a month"
    miss = "a miss is charged too" if row.charges_miss else "a miss is free"
    return f"up to {row.cost} credit{'s' if row.cost > 1 else ''} a question, {miss}; {limit}"
