"""Single values as Python and spreadsheets hand them over → text or a finite number."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sources.cleaning.text import Refused

_MAX_BITS = 256


def scalar(raw: Any) -> str | int | float | bool:
    """`raw` as str, int, finite float or bool; dates and times become ISO text; raises Refused for the rest."""
    if isinstance(raw, str | bool):
        return raw
    if isinstance(raw, int):
        if raw.bit_length() > _MAX_BITS:
            raise Refused("The number is too large to be a value")
        return int(raw)
    if isinstance(raw, float | Decimal):
        if not (raw.is_finite() if isinstance(raw, Decimal) else math.isfinite(raw)):
            raise Refused(f"'{raw}' is not a number that can be kept")
        return float(raw)
    if isinstance(raw, datetime):
        return raw.date().isoformat() if raw.time() == time() else raw.isoformat(sep=" ")
    if isinstance(raw, date | time):
        return raw.isoformat()
    raise Refused(f"A {_kind_of(raw)} is not a single value")


def text_of(raw: Any) -> str:
    """`raw` as text: a whole float without ".0", since spreadsheets write every number as a float."""
    found = scalar(raw)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float) and found.is_integer() and abs(found) < 1e15:
        return str(int(found))
    return str(found)


def _kind_of(raw: Any) -> str:
    if isinstance(raw, dict):
        return "mapping"
    return "list" if isinstance(raw, list | tuple | set | frozenset) else type(raw).__name__
