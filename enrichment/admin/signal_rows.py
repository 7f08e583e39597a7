"""The signals that the page of a record or of a run shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from crm.models import Record
from enrichment.admin.evidence import record_url
from enrichment.admin.references import Reference, read_references
from enrichment.models import Signal
from enrichment.queries.signals import ShownSignal, SignalValue, find_signals, show_signals

_ROWS = 20
"""Signals that a page shows, newest first; the list has the others."""

STRENGTH_TONES = {"low": "default", "medium": "warning", "high": "success"}
"""The colour of each strength, by its label."""


@dataclass(frozen=True, slots=True)
class ValueCell:
    """One of the two values of a signal: what it was, who said so, where and when."""

    text: str
    source: str
    at: datetime
    references: list[Reference]


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal as a line of a table; `before` is None for a first value."""

    href: str
    summary: str
    record: Record
    record_href: str
    rule: str
    strength: str
    tone: str
    before: ValueCell | None
    now: ValueCell
    created_at: datetime


def signals_of_record(request: HttpRequest, record: Record) -> dict[str, Any]:
    """For a template: the newest signals about a record, as `_fill` says."""
    return _fill(request, find_signals(record=record), {f"{record.kind}__id__exact": record.pk})


def signals_of_run(request: HttpRequest, run: int) -> dict[str, Any]:
    """For a template: the newest signals that a run made, as `_fill` says."""
    return _fill(request, find_signals(run=run), {"run": run})


def _fill(request: HttpRequest, found: QuerySet[Signal], address: dict[str, int]) -> dict[str, Any]:
    """`signals` (the rows), `signals_in_all` and `signals_href` (the list of all of them); nothing without the right."""
    if not request.user.has_perm("enrichment.view_signal"):
        return {}
    newest = list(found[: _ROWS + 1])
    return {
        "signals": signal_rows(newest[:_ROWS]),
        "signals_in_all": len(newest) if len(newest) <= _ROWS else found.count(),
        "signals_href": f"{reverse('admin:enrichment_signal_changelist')}?{urlencode(address)}",
    }


def signal_rows(signals: Sequence[Signal]) -> list[SignalRow]:
    """Signals as lines of a table, in the order given; a fixed number of queries."""
    return [_row(shown) for shown in show_signals(signals)] if signals else []


def _row(shown: ShownSignal) -> SignalRow:
    strength = Signal(strength=shown.strength).get_strength_display()
    return SignalRow(
        href=reverse("admin:enrichment_signal_change", args=[shown.id]),
        summary=shown.summary,
        record=shown.record,
        record_href=record_url(shown.record),
        rule=shown.rule,
        strength=strength,
        tone=STRENGTH_TONES[strength],
        before=_cell(shown.old) if shown.old else None,
        now=_cell(shown.new),
        created_at=shown.created_at,
    )


def _cell(value: SignalValue) -> ValueCell:
    return ValueCell(value.display, value.source, value.at, read_references(value.references))
