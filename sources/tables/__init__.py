"""Tables from files that nobody vouches for: CSV, XLSX, JSON and Parquet in, rows of text out.

`read` looks at what a file holds before it believes the ending of its name. CSV is read here; formats that need a
large parser are read in a child process with its own limits (`sources.tables.reader`). What comes out is
always text, exactly as typed.
"""

from __future__ import annotations

from pathlib import Path

from sources.tables.delimited import read_delimited
from sources.tables.formats import Format, recognise
from sources.tables.isolation import read_isolated
from sources.tables.table import Limits, Table, TableError, assemble

__all__ = ["Limits", "Table", "TableError", "read"]

_DEFAULT = Limits()


def read(path: Path, *, limits: Limits = _DEFAULT, name: str = "") -> Table:
    """The table in the file at `path`; `name` is the name people know it by, where that differs.

    Raises TableError when the file is not a table or passes a limit: all of it is refused, or all of it is read.
    """
    size = path.stat().st_size
    if size == 0:
        raise TableError("The file is empty: choose a file with a header line and rows.")
    if size > limits.max_bytes:
        raise TableError(
            f"The file has {size:,} bytes; at most {limits.max_bytes:,} can be read. Split it into smaller files."
        )
    with path.open("rb") as file:
        kind = recognise(file.read(4096), name or path.name)
    if kind is Format.TEXT:
        return assemble(read_delimited(path.read_bytes(), limits), limits)
    return assemble(read_isolated(path, kind, limits), limits)
