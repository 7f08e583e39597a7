"""The child process that reads a workbook, JSON or Parquet: `python -m sources.tables.reader FORMAT PATH LIMITS`.

Limits of the operating system bound its memory, its processor time and what it writes; it answers in JSON lines.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sources.tables.table import Limits, TableError
from sources.tables.values import Message, read_json, read_parquet
from sources.tables.workbook import read_workbook

_CPU_SECONDS = 20
_MOST_TEXT = 100_000_000
_OUTPUT_BYTES = 3 * _MOST_TEXT
_MEMORY_BYTES = {"XLSX": 1_000_000_000, "JSON": 1_000_000_000, "PARQUET": 3_000_000_000}
"""Address space, of which Arrow reserves far more than it uses."""

_BATCH = 200
_READERS: dict[str, Callable[[Path, Limits], Iterator[Message]]] = {
    "XLSX": read_workbook,
    "JSON": read_json,
    "PARQUET": read_parquet,
}


def main(kind: str, path: str, limits: str) -> None:
    """Write the messages of the file's reader, rows in batches; a refusal is the last message."""
    _limit(resource.RLIMIT_AS, _MEMORY_BYTES[kind])
    _limit(resource.RLIMIT_CPU, _CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, _OUTPUT_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    said = 0
    try:
        for message in _batch(_READERS[kind](Path(path), Limits(**json.loads(limits)))):
            said += _say(*message)
            if said > _MOST_TEXT:
                raise TableError(f"The file unpacks to more than {_MOST_TEXT:,} bytes of text: split it.")
    except TableError as error:
        _say("error", str(error))
    else:
        _say("end", None)


def _limit(what: int, most: int) -> None:
    """Lower a limit of this process for good; a limit that is lower already stays."""
    _, hard = resource.getrlimit(what)
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError):  # macOS refuses some limits; the time-out of the parent holds everywhere
        resource.setrlimit(what, (value, value))


def _batch(messages: Iterable[Message]) -> Iterator[tuple[str, object]]:
    """The messages, rows gathered so that one line of the answer holds many."""
    rows: list[object] = []
    for word, content in messages:
        if word != "row":
            yield word, content
            continue
        rows.append(content)
        if len(rows) == _BATCH:
            yield "rows", rows
            rows = []
    yield "rows", rows


def _say(word: str, content: object) -> int:
    """Write one message; the number of characters it took."""
    return sys.stdout.write(json.dumps([word, content], ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
