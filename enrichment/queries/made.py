"""What a run brought forth."""

from __future__ import annotations

from crm.models import SheetEntry
from enrichment.models import EnrichmentRun, RunItem, Signal

MOST_LISTED = 1000
"""Ids of each kind that are named."""


def made_by(run: EnrichmentRun) -> dict[str, list[int]]:
    """Ids of the run's signals, and of its sheet's entries whose records it made and whose it completed otherwise.

    A run that was undone has no signals; one without a sheet has no entries. Three queries at most.
    """
    signals = Signal.objects.filter(run=run, run__undone_at=None).order_by("pk").values_list("pk", flat=True)
    made: dict[str, list[int]] = {
        "entities_created": [], "entities_updated": [], "signals_created": list(signals[:MOST_LISTED]),
    }  # fmt: skip
    if run.sheet_id is None:
        return made
    items = RunItem.objects.filter(run=run, state=RunItem.State.COMPLETED)
    for name, is_new in (("entities_created", True), ("entities_updated", False)):
        records = items.filter(has_created_record=is_new).values(run.kind)
        entries = SheetEntry.objects.filter(sheet=run.sheet_id, **{f"{run.kind}__in": records}).order_by("pk")
        made[name] = list(entries.values_list("pk", flat=True)[:MOST_LISTED])
    return made
