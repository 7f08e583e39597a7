"""Values as people read them."""

from __future__ import annotations

from typing import Any

from sources.attributes import BY_SLUG, Attribute, Type


def display(slug: str, value: Any, custom: Attribute | None = None) -> str:
    """The text shown for a value of attribute `slug`: numbers grouped, money and percent marked."""
    attribute = custom or BY_SLUG.get(slug)
    kind = attribute.type if attribute else Type.TEXT
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if kind is Type.YEAR:
            return str(value)
        number = f"{value:,}"
        if kind is Type.MONEY:
            return f"${number}"
        return f"{number} %" if kind is Type.PERCENT else number
    return "" if value is None else str(value)
