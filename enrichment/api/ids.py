"""Ids as the V1 dialect writes them: 24 hexadecimal digits, which stand for our numbers."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_LARGEST = 2**63 - 1
_ID = re.compile(r"[0-9a-f]{24}")
EXAMPLE = f"{42:024x}"


def id_of(pk: int | None) -> str | None:
    """A number as an id; None stays None."""
    return None if pk is None else f"{pk:024x}"


def number_of(text: str) -> int:
    """The number an id stands for; raises ValueError for what is no id of ours."""
    if not _ID.fullmatch(text) or int(text, 16) > _LARGEST:
        raise ValueError(f"'{text[:40]}' is no id")
    return int(text, 16)


class IdConverter:
    """The path converter `<id:…>`; what is no id leads to no address (404)."""

    regex = "[0-9a-f]{24}"

    def to_python(self, value: str) -> int:
        """The number of an id in a path."""
        return number_of(value)

    def to_url(self, value: int) -> str:
        """A number as a path writes it."""
        return f"{value:024x}"


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
        return f"{getattr(value, 'pk', value):024x}"
