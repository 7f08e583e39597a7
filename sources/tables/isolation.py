"""Formats that need a large parser are read in a child process, which hostile files may kill without harm.

The child (`sources.tables.reader`) gets an almost empty environment and limits of its own; it writes one JSON list a
line to a temporary file. Whatever happens to it, the caller sees a Grid or a TableError.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import IO

from sources.tables.formats import Format
from sources.tables.table import Grid, Limits, TableError

SECONDS = 30
"""How long the child may take by the clock on the wall; its processor time is limited to less."""

_ROOT = Path(__file__).resolve().parents[2]
_UNITS = {Format.XLSX: "row"}


def read_isolated(path: Path, kind: Format, limits: Limits, *, seconds: float = SECONDS) -> Grid:
    """The rows of a workbook, a JSON or a Parquet file. Raises TableError, also when the child dies or hangs."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "sources.tables.reader",
        kind.name,
        str(path),
        json.dumps(asdict(limits)),
    ]
    with tempfile.TemporaryFile() as answer:
        try:
            # A fixed command without a shell; the path is one argument.
            subprocess.run(  # nosec B603
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env=_environment(),
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TableError(
                f"The {kind} file took more than {seconds:g} seconds to read: save it again, or split it."
            ) from None
        answer.seek(0)
        return _collect(answer, kind)


def _environment() -> dict[str, str]:
    """What the child is told: where our code is, and nothing of our settings and secrets."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR") if key in os.environ}
    return {**kept, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _collect(answer: IO[bytes], kind: Format) -> Grid:
    """The child's answer: `rows`, `sheet`, `warning` and `error` messages, closed by `end`."""
    grid = Grid([], [], [], unit=_UNITS.get(kind, "record"))
    for message in answer:
        try:
            word, content = json.loads(message)
        except ValueError:
            break
        if word == "rows":
            for line, row in content:
                grid.lines.append(line)
                grid.rows.append(tuple(row))
        elif word == "sheet":
            grid.sheet = content
        elif word == "warning":
            grid.warnings.append(content)
        elif word == "error":
            raise TableError(content)
        elif word == "end":
            return grid
    raise TableError(
        f"The {kind} file cannot be read, it is damaged or needs too much memory: open it in a spreadsheet program "
        "and save it again."
    )
