"""Ids in addresses, bodies and answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from enrichment.ids import id_of, number_of

EXAMPLE = id_of(42)


class IdConverter:
    """The path converter `<id:…>`; what is no id leads to no address (404)."""

    regex = "[0-9a-f]{24}"

    def to_python(self, value: str) -> int:
        """The number of an id in a path."""
        return number_of(value)

    def to_url(self, value: int) -> str:
        """A number as a path writes it."""
        return id_of(value)


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{24}$", "example": EXAMPLE})
class IdField(serializers.Field[int, Any, str, Any]):
    """An id in a body, a query or an answer; inside it is a number."""

    default_error_messages = {"invalid": "This is no id: an id has 24 hexadecimal digits."}

    def to_internal_value(self, data: Any) -> int:
        """The number; anything else is refused in one sentence."""
        try:
            return number_of(data) if isinstance(data, str) else self.fail("invalid")
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: Any) -> str:
        """The id of a number, or of a model's row."""
        number: int = getattr(value, "pk", value)
        return id_of(number)
