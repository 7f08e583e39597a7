"""List columns that show current values."""

from __future__ import annotations

from collections.abc import Callable

from crm.models import Record
from enrichment.queries import ordering_of
from sources.attributes import Attribute

_LONGEST = 60


def value_column(attribute: Attribute) -> Callable[[Record], str]:
    """A list column for an attribute; it reads what the row already holds, so it costs no query."""

    def column(record: Record) -> str:
        entry = record.current_values.get(attribute.slug)
        if entry is None:
            return "–"
        text: str = entry["display"]
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    column.__name__ = attribute.slug
    column.short_description = attribute.label  # type: ignore[attr-defined]
    column.admin_order_field = ordering_of(attribute.slug, attribute)  # type: ignore[attr-defined]
    return column
