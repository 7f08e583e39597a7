"""What a tool is, who calls it, and how its arguments are read and its answers kept short."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from enrichment.models import ApiKey, Scope

T = TypeVar("T")

MOST = 50
"""Rows of one answer."""
_LONGEST_TEXT = 300


class ToolRefused(ValueError):
    """The call cannot be carried out; the text says why and what to do next."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Who calls: what it may do, and in whose name its runs are made."""

    name: str
    scopes: frozenset[str]
    key: ApiKey | None = None
    owner: Any = None

    def needs(self, scope: str) -> None:
        """Raises ToolRefused without the scope."""
        if scope not in self.scopes and Scope.ADMIN.value not in self.scopes:
            raise ToolRefused(
                f"This needs the scope '{scope}', which {self.name} does not have. Ask the person you work for: a key made "
                f"with `manage.py create_api_key NAME --scope read --scope {scope}`, or `manage.py mcp --scope {scope}`."
            )


Call = Callable[[Agent, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: name, what it is for, the JSON Schema of its arguments, the scope it needs, and its work.

    `changes`: it changes something; `undoes`: what it changes cannot simply be had back.
    """

    name: str
    description: str
    schema: dict[str, Any]
    call: Call
    scope: str = Scope.READ.value
    changes: bool = False
    undoes: bool = False


def takes(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of a tool's arguments: `required` of `properties` are needed, and nothing beside these is taken."""
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


LIMIT: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "maximum": MOST,
    "description": "Rows of the answer; 20 when left out.",
}
CURSOR: dict[str, Any] = {
    "type": "integer",
    "minimum": 0,
    "maximum": 1_000_000,
    "description": "`next_cursor` of the answer before.",
}
PAGED: dict[str, Any] = {"limit": LIMIT, "cursor": CURSOR}
WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string", "maxLength": 60}, "maxItems": MOST}


def page(told: Mapping[str, Any]) -> tuple[int, int]:
    """The first row of a page and the first one behind it."""
    start = int(told.get("cursor") or 0)
    return start, start + int(told.get("limit") or 20)


def paged(name: str, rows: Sequence[T], told: Mapping[str, Any], shape: Callable[[T], Any]) -> dict[str, Any]:
    """One page of rows that are all at hand, and where the next one begins."""
    start, end = page(told)
    answer: dict[str, Any] = {"total": len(rows), name: [shape(row) for row in rows[start:end]]}
    return answer | ({"next_cursor": end} if end < len(rows) else {})


def short(value: Any) -> Any:
    """A value that does not fill a model's context; lists keep their first items."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, list) and len(value) > MOST:
        return [*value[:MOST], f"… {len(value) - MOST} more"]
    return value


def text_of(answer: Mapping[str, Any]) -> str:
    """An answer as the model reads it: JSON, without what is empty."""
    kept = {name: value for name, value in answer.items() if value not in (None, "", [], {})}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), default=str)
