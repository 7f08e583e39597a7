"""What comes in: bodies within limits, and texts that any database can keep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from enrichment.api.errors import TooLarge
from enrichment.api.ids import IdField

MOST_BYTES = 10_000_000
_DEEPEST = 40
_LARGEST = 2**63


class JsonParser(BaseParser):
    """JSON in UTF-8, of limited size and depth, without what PostgreSQL cannot keep."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body; raises ParseError with one sentence."""
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge(f"A body has at most {MOST_BYTES:,} bytes: send less at once.")
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
            raise ParseError(f"The body is no JSON: {reason}.") from None
        if wrong := next(_unfit(value), None):
            raise ValidationError({"non_field_errors": [f"The body holds {wrong}."]})
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _unfit(value: Any, depth: int = 0) -> Iterator[str]:
    """What of a JSON value cannot be kept, in words."""
    if depth > _DEEPEST:
        yield f"more than {_DEEPEST} levels"
    elif isinstance(value, str):
        yield from _unfit_text(value)
    elif isinstance(value, float | int):
        if not math.isfinite(value) or (isinstance(value, int) and abs(value) >= _LARGEST):
            yield "a number that is too large"
    elif isinstance(value, list):
        for each in value:
            yield from _unfit(each, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _unfit_text(name)
            yield from _unfit(each, depth + 1)


def _unfit_text(text: str) -> Iterator[str]:
    if "\0" in text:
        yield "a NUL character"
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        yield "half a character (a lone surrogate)"


def check_query(query: Mapping[str, Any]) -> None:
    """Raises ValidationError for a query that holds a NUL character."""
    for name, values in getattr(query, "lists", dict(query).items)():
        if any("\0" in value for value in (name, *values)):
            raise ValidationError({name.replace("\0", "")[:40] or "query": ["A NUL character is no text."]})


class Words(serializers.ListField):
    """Several texts in a query: the parameter repeated, or joined by commas."""

    child: serializers.Field[Any, Any, Any, Any] = serializers.CharField(max_length=200)

    def get_value(self, dictionary: Any) -> Any:
        """The texts of a query, without blanks."""
        if not hasattr(dictionary, "getlist"):
            return super().get_value(dictionary)
        given = [*dictionary.getlist(self.field_name), *dictionary.getlist(f"{self.field_name}[]")]
        words = [word.strip() for text in given for word in text.split(",") if word.strip()]
        return words or serializers.empty


class Ids(Words):
    """Several ids in a query."""

    child = IdField()
