"""Differences between what stands and what would, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm.models import Account, Contact
from enrichment.claims import Shift
from enrichment.models import EnrichmentSource
from enrichment.queries.catalogue import describe
from sources.attributes import Kind
from sources.display import display


@dataclass(frozen=True, slots=True)
class ShownShift:
    """A difference in words; empty text where nothing stands. `label` is the attribute's name for people."""

    kind: str
    record: int
    name: str
    attribute: str
    label: str
    source: str
    before: str
    after: str


def described(shifts: Sequence[Shift]) -> list[ShownShift]:
    """A few differences with the names of their records and sources (four queries)."""
    models: dict[Kind, Any] = {Kind.ACCOUNT: Account, Kind.CONTACT: Contact}
    records = {
        kind: model.objects.in_bulk({shift.record for shift in shifts if shift.kind is kind})
        for kind, model in models.items()
    }
    labels = dict(EnrichmentSource.objects.values_list("pk", "label"))
    known = describe({shift.attribute for shift in shifts})
    return [
        ShownShift(
            shift.kind.value, shift.record, str(records[shift.kind].get(shift.record, "a record that is gone")),
            shift.attribute, known[shift.attribute].label, labels.get(shift.source, ""),
            *(display(shift.attribute, value, known[shift.attribute]) for value in (shift.before, shift.after)),
        )
        for shift in shifts
    ]  # fmt: skip
