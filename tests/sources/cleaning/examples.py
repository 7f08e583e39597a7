"""What the tests of cleaning share: attributes of every type, and the two ways a call may end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sources.attributes import BOTH, Attribute, Type
from sources.cleaning import Refused, clean


def attribute(kind: Type, unit: str = "", slug: str = "thing") -> Attribute:
    return Attribute(slug, slug, kind, BOTH, unit)


def cleaned(kind: Type, raw: Any, unit: str = "") -> Any:
    return clean(attribute(kind, unit), raw)


def reason(call: Callable[..., Any], *given: Any) -> str:
    """The sentence with which `call` refuses what is given; fails when it does not."""
    try:
        value = call(*given)
    except Refused as refused:
        return str(refused)
    raise AssertionError(f"{given!r} was read as {value!r}")


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
