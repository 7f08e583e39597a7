"""What a preview shows of a record: a few values, each with its source and references."""

from __future__ import annotations

from typing import Any

from crm.models import Record
from crm.reconcile.entities import TYPES, describe
from enrichment.queries import current

_MOST_VALUES = 8
_MOST_REFERENCES = 2
_SHOWN_ABOVE = {"name", "domain", "city", "country", "email"}


def shown(record: Record) -> dict[str, Any]:
    """What the template `footnote/preview.html` needs (two queries, three with custom attributes)."""
    values = [each for each in current(record) if each.slug not in _SHOWN_ABOVE]
    rows = [
        {
            "label": each.label, "text": each.display, "source": each.source_label,
            "references": each.references[:_MOST_REFERENCES], "at": each.updated_at,
        }
        for each in values[:_MOST_VALUES]
    ]  # fmt: skip
    about = {"name": str(record), "type": TYPES[record.kind], "description": describe(record)}
    return about | {"rows": rows, "more": max(0, len(values) - _MOST_VALUES)}
