"""A run's progress as its page shows it, at once and again every second."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from enrichment.models import EnrichmentRun, RunItem
from enrichment.runs import progress

TONES = {
    "completed": "success", "review": "warning", "failed": "danger", "discarded": "default", "skipped": "default",
    "canceled": "default", "queued": "info", "processing": "info", "waiting": "info",
}  # fmt: skip
"""The colour of each item state."""

BUTTONS = (
    ("pause", "Pause", "pause", (EnrichmentRun.Status.PENDING, EnrichmentRun.Status.RUNNING)),
    ("resume", "Resume", "play_arrow", (EnrichmentRun.Status.PAUSED,)),
    ("cancel", "Cancel", "stop", EnrichmentRun.OPEN),
)
"""Name, label, icon, and the statuses in which a button makes sense."""


def as_json(run: EnrichmentRun) -> dict[str, Any]:
    """What the page shows and its script asks for."""
    now = progress(run)
    return {
        "status": now.status,
        "label": EnrichmentRun.Status(now.status).label,
        "open": now.status in EnrichmentRun.OPEN,
        "total": now.total,
        "done": now.done,
        "percent": now.percent,
        "left": seconds_text(now.seconds_left),
        "error": now.error,
        "states": {state.value: now.by_state.get(state.value, 0) for state in RunItem.State},
    }


def state_links(run: EnrichmentRun, states: dict[str, int]) -> list[dict[str, Any]]:
    """The counts by state, each leading to the queue filtered by it."""
    queue = reverse("admin:enrichment_runitem_changelist")
    return [
        {
            "state": state,
            "count": count,
            "tone": TONES[state],
            "href": f"{queue}?run={run.pk}&state__exact={state}",
        }
        for state, count in states.items()
    ]


def seconds_text(seconds: float | None) -> str:
    """How long something will take, as people say it."""
    if seconds is None:
        return ""
    whole = max(1, round(seconds))
    if whole < 90:
        return f"about {whole} s left"
    if whole < 5400:
        return f"about {round(whole / 60)} min left"
    return f"about {round(whole / 3600)} h left"
