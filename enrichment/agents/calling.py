"""A call carried out: arguments checked against the tool's schema, scope checked, one answer or one sentence."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from django.db import OperationalError
from jsonschema import Draft202012Validator, ValidationError

from enrichment.agents import exporting, reading, running, signals
from enrichment.agents.tools import Agent, Tool, ToolRefused, text_of

_log = logging.getLogger(__name__)
_UNFIT = re.compile(r"\\u0000|[\ud800-\udfff]")  # NUL as JSON writes it, and halves of characters

TOOLS: dict[str, Tool] = {
    tool.name: tool for tool in (*reading.TOOLS, *signals.TOOLS, *running.TOOLS, *exporting.TOOLS)
}

INSTRUCTIONS = (
    "Footnote holds the accounts and contacts of a CRM; every value has a source and references that prove it. Find records "
    "with find_records, then cite the references that get_record gives. Enriching spends credits: plan_run first, tell the "
    "person what it costs, then start_run with a cap, then get_run until it has ended. Lists come in pages: when an answer "
    "has next_cursor, call again with it as cursor."
)


def call(agent: Agent, name: str, arguments: Mapping[str, Any] | None) -> str:
    """The answer of a tool as text; raises ToolRefused with what to do next."""
    tool = TOOLS.get(name)
    if tool is None:
        raise ToolRefused(f"There is no tool {name[:60]}. There are {', '.join(TOOLS)}.")
    told = {key: value for key, value in (arguments or {}).items() if value is not None}
    _check(tool, told)
    agent.needs(tool.scope)
    try:
        return text_of(tool.call(agent, told))
    except OperationalError as busy:
        _log.warning("The database was busy: %s", busy)
        raise ToolRefused("The database is busy: try again in a few seconds.") from None


def _check(tool: Tool, told: Mapping[str, Any]) -> None:
    wrong = next(iter(sorted(Draft202012Validator(tool.schema).iter_errors(told), key=_depth)), None)
    if wrong is not None:
        raise ToolRefused(f"{_place(wrong)}{wrong.message[:200]}. {tool.name} takes {_shape(tool)}.")
    if _UNFIT.search(json.dumps(told, ensure_ascii=False)):
        raise ToolRefused("A text holds a character that no value can have: leave it out.")


def _depth(error: ValidationError) -> int:
    return len(error.absolute_path)


def _place(error: ValidationError) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    return f"{path}: " if path else ""


def _shape(tool: Tool) -> str:
    """The names of a tool's arguments; those it needs are marked."""
    needed = tool.schema["required"]
    return ", ".join(f"{name} (needed)" if name in needed else name for name in tool.schema["properties"])
