"""Ids as the V1 dialect writes them: 24 hexadecimal digits, which stand for our numbers."""

from __future__ import annotations

import re
from typing import overload

_LARGEST = 2**63 - 1
_ID = re.compile(r"[0-9a-f]{24}")


@overload
def id_of(pk: int) -> str: ...
@overload
def id_of(pk: None) -> None: ...
@overload
def id_of(pk: int | None) -> str | None: ...
def id_of(pk: int | None) -> str | None:
    """A number as an id; None stays None."""
    return None if pk is None else f"{pk:024x}"


def number_of(text: str) -> int:
    """The number an id stands for; raises ValueError for what is no id of ours."""
    if not _ID.fullmatch(text) or int(text, 16) > _LARGEST:
        raise ValueError(f"'{text[:40]}' is no id")
    return int(text, 16)
