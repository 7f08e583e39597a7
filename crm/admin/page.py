"""What a record's page shows beside its form: values with their history, and where the record appears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crm.cells import join
from crm.models import Account, Contact, Record, SheetEntry
from enrichment.admin.references import Reference, read_references
from enrichment.models import RunItem
from enrichment.queries import Claim, Shown, attributes_of, current, history
from sources.attributes import Attribute

_ROWS = 50
"""Contacts, sheets and run items shown on a page, newest first."""


@dataclass(frozen=True, slots=True)
class Past:
    """One claim of an attribute's history."""

    claim: Claim
    references: list[Reference]


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute: what is shown now (None: nothing stands any more), and all claims about it."""

    slug: str
    label: str
    unit: str
    shown: Shown | None
    references: list[Reference]
    past: list[Past]

    @property
    def editable(self) -> str:
        """The value as a person would type it again."""
        value = self.shown.value if self.shown else ""
        return join(value) if isinstance(value, list) else str(value)


def value_rows(record: Record) -> list[Row]:
    """The attributes of a record, those with a value first."""
    past: dict[str, list[Past]] = {}
    for claim in history(record):
        past.setdefault(claim.slug, []).append(Past(claim, read_references(claim.references)))
    rows = [
        Row(each.slug, each.label, each.unit, each, read_references(each.references), past.pop(each.slug, []))
        for each in current(record)
    ]
    gone = [
        Row(slug, claims[0].claim.label, claims[0].claim.unit, None, [], claims)
        for slug, claims in past.items()
    ]
    return rows + gone


def free_attributes(record: Record, rows: list[Row]) -> list[Attribute]:
    """The attributes of this kind of record that show nothing yet."""
    filled = {row.slug for row in rows}
    return [each for slug, each in attributes_of(record.kind).items() if slug not in filled]


def surroundings(record: Record) -> dict[str, Any]:
    """The contacts of an account, and the sheets and run items in which a record appears."""
    owner = {record.kind.value: record}
    contacts: list[Contact] = []
    if isinstance(record, Account):
        contacts = list(record.contacts.order_by("-id")[:_ROWS])
    entries = SheetEntry.objects.filter(**owner).select_related("sheet").order_by("-id")
    items = RunItem.objects.filter(**owner).select_related("run").order_by("-id")
    return {"contacts": contacts, "entries": list(entries[:_ROWS]), "items": list(items[:_ROWS])}
