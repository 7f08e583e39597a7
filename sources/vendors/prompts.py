"""Prompts with names in double braces, `{{ company_name }}`, and nothing else of a template language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sources.cleaning import plain

MOST_TOLD = 300
"""Characters of one value that are put in for a name."""

UNKNOWN = "unknown"
_OPENS = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}|(\{\{|\{%|\{#)")
_SHOWN = 40


class PromptRefused(ValueError):
    """The prompt holds more than names in double braces; str() is one sentence."""


def names_in(prompt: str) -> tuple[str, ...]:
    """The names that a prompt asks for, each once, as they are written. Raises PromptRefused."""
    names: dict[str, None] = {}
    for match in _OPENS.finditer(prompt):
        if match[2]:
            shown = plain(prompt[match.start() : match.start() + _SHOWN])
            raise PromptRefused(
                f"The prompt holds '{shown}': write names alone in double braces, such as {{{{ company_name }}}}; "
                "filters, conditions and loops are not carried out."
            )
        names[match[1]] = None
    return tuple(names)


def filled(prompt: str, told: Callable[[str], str]) -> str:
    """The prompt with what is `told` of each name, which is not read as a prompt again; "" is *unknown*.

    Raises PromptRefused.
    """
    names_in(prompt)
    return _OPENS.sub(lambda match: told(match[1]) or UNKNOWN, prompt)


def renamed(prompt: str, names: Mapping[str, str]) -> str:
    """The prompt with other names for those that `names` holds."""
    return _OPENS.sub(
        lambda match: f"{{{{ {names.get(match[1], match[1])} }}}}" if match[1] else match[0], prompt
    )


def one_line(text: str) -> str:
    """A value as it stands in a prompt: on one line, cut."""
    shown = plain(text)
    return shown if len(shown) <= MOST_TOLD else f"{shown[: MOST_TOLD - 1]}…"
