"""Commands that change much ask first."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError


def ask_first(out: Any, question: str, *, is_sure: bool) -> None:
    """Raises CommandError unless a person says yes or said so on the command line."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was changed: add --yes, nobody is here to ask.")
    out.write(f"{question} [y/N] ", ending="")
    out.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was changed.")
