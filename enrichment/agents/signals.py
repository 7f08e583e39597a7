"""The tool that tells what changed and is worth acting on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.reconcile.entities import id_of
from enrichment.agents.tools import PAGED, Agent, Tool, page, short, takes
from enrichment.models.signal import SignalType, Strength
from enrichment.queries.signals import ShownSignal, find_signals, show_signals


def list_signals(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Signals that stand, newest first."""
    rows = find_signals(
        types=told.get("types") or (), strengths=told.get("strengths") or (), days=told.get("days"),
        search=str(told.get("text") or ""),
    )  # fmt: skip
    total, (start, end) = rows.count(), page(told)
    answer = {"total": total, "signals": [_signal(each) for each in show_signals(rows[start:end])]}
    return answer | ({"next_cursor": end} if end < total else {})


def _signal(each: ShownSignal) -> dict[str, Any]:
    told: dict[str, Any] = {
        "record": id_of(each.record), "summary": short(each.summary), "type": each.type, "strength": each.strength,
        "attribute": each.attribute.slug, "value": short(each.new.value),
    }  # fmt: skip
    before = {"before": short(each.old.value)} if each.old else {}
    return told | before | {
        "source": each.new.source, "references": short(list(each.references)), "seen": f"{each.created_at:%Y-%m-%d}",
    }  # fmt: skip


TOOLS = (
    Tool(
        "list_signals",
        "List changes worth acting on, such as new funding or a hiring surge, with both values and their references.",
        takes(
            types={"type": "array", "items": {"enum": list(SignalType.values)}, "maxItems": len(SignalType)},
            strengths={"type": "array", "items": {"enum": list(Strength.values)}, "maxItems": len(Strength)},
            days={"type": "integer", "minimum": 1, "maximum": 36_500, "description": "Only of the last days."},
            text={"type": "string", "maxLength": 200, "description": "Part of a summary, such as a name."},
            **PAGED,
        ),
        list_signals,
    ),
)  # fmt: skip
