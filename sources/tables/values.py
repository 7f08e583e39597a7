"""JSON and Parquet records as rows of text; runs in the child process."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal

from sources.tables.table import Limits, TableError, too_many_columns, too_many_rows

Message = tuple[Literal["row", "sheet", "warning"], Any]
"""A row as ("row", (line, cells)), the name of the sheet, or a warning as a sentence."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPACKED_BYTES = 100_000_000


def write_value(value: Any) -> str:
    """A value as text: whole numbers without ".0", ISO dates, TRUE and FALSE, lists as JSON, None as ""."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return (
            str(int(value))
            if math.isfinite(value) and value.is_integer() and abs(value) < 1e16
            else repr(value)
        )
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=write_value)
    return str(value)


def read_json(path: Path, limits: Limits) -> Iterator[Message]:
    """The rows of a JSON array of objects; the columns are the keys in order of appearance."""
    try:
        records = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise TableError(f"The file is not valid JSON ({error}): export it again.") from None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise TableError("The JSON is not an array of objects: export the table as CSV, or as [{…}, {…}].")
    if len(records) > limits.max_rows:
        raise too_many_rows(limits)
    columns = list(dict.fromkeys(key for record in records for key in record))
    if len(columns) > limits.max_columns:
        raise too_many_columns(len(columns), limits)
    yield "row", (0, [_check(column, 0) for column in columns])
    for number, record in enumerate(records, start=1):
        yield "row", (number, [_check(write_value(record.get(column)), number) for column in columns])


def read_parquet(path: Path, limits: Limits) -> Iterator[Message]:
    """The rows of a Parquet file. Raises TableError when pyarrow is not installed."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise TableError(
            "Parquet needs the pyarrow package, which is not installed: save the table as CSV."
        ) from None
    try:
        file = parquet.ParquetFile(path)
        _check_size(file.metadata, limits)
        yield "row", (0, [_check(column, 0) for column in file.schema_arrow.names])
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield "row", (number, [_check(write_value(value), number) for value in values])
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError("The Parquet file is damaged: export it again.") from None


def _check_size(metadata: Any, limits: Limits) -> None:
    """Refuse what would unpack to more than is read."""
    if metadata.num_rows > limits.max_rows:
        raise too_many_rows(limits)
    if metadata.num_columns > limits.max_columns:
        raise too_many_columns(metadata.num_columns, limits)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > _UNPACKED_BYTES:
        raise TableError(
            f"The file unpacks to more than {_UNPACKED_BYTES:,} bytes: split it into smaller files."
        )


def _check(text: str, number: int) -> str:
    """The text of a cell (record 0: a column name), unless it cannot be stored: NUL, or half a character."""
    where = f"Record {number}" if number else "A column name"
    if "\0" in text:
        raise TableError(f"{where} holds a NUL character: remove it.")
    if not text.isascii() and _SURROGATE.search(text):
        raise TableError(f"{where} holds half a character (a lone surrogate): remove it.")
    return text
