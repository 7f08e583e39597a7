"""What a table is, how large it may be, and how raw rows become one: header, widths, blank rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

Row = tuple[str, ...]

_PREAMBLE_ROWS = 10
_MOST_WARNINGS = 100
_REPEATED = 10_000
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = "\ufeff\u200b\u2060"


class TableError(ValueError):
    """The file cannot be read as a table; str() is one sentence: what, where, what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest file that is read: bytes, rows below the header, columns, characters in one cell."""

    max_bytes: int = 20_000_000
    max_rows: int = 100_000
    max_columns: int = 500
    max_cell: int = 32_000


@dataclass(frozen=True, slots=True)
class Table:
    """A file as text: its header and its rows, each row as wide as the header.

    header    distinct column names, without blanks around them
    rows      cells exactly as typed; rows without any text are left out
    lines     for each row, the line (in a workbook: the row; in JSON and Parquet: the record) it starts at
    encoding  how the text was stored, "" when the format has no choice
    delimiter what stood between two cells, "" when the format has none
    sheet     the sheet that was read, "" when the format has none
    warnings  things to tell the user, those about a row as "line 7: …"
    """

    header: Row
    rows: Sequence[Row]
    lines: Sequence[int]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Grid:
    """Rows as a format gives them, header first, widths still uneven; `unit` names one: line, row, record."""

    rows: list[Row]
    lines: list[int]
    warnings: list[str]
    unit: str = "line"
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


def assemble(grid: Grid, limits: Limits) -> Table:
    """The table a grid stands for. Raises TableError: no or unclear header, ragged rows, a limit passed."""
    _drop_blank_rows(grid)
    if not grid.rows:
        raise TableError("The file holds no text: choose a file with a header line and rows.")
    _refuse_preamble(grid)
    header = _name_columns(grid, limits)
    rows, lines = grid.rows[1:], grid.lines[1:]
    if len(rows) > limits.max_rows:
        raise too_many_rows(limits)
    if set(map(len, rows)) - {len(header)}:
        rows = [_fit(row, len(header), grid.unit, line) for row, line in zip(rows, lines, strict=True)]
    _keep_once(rows)
    _refuse_long_cells(header, rows, lines, grid.unit, limits)
    warnings = [*grid.warnings, *_warn_of_direction(header, rows, lines, grid.unit)]
    return Table(header, rows, lines, grid.encoding, grid.delimiter, grid.sheet, _shorten(warnings))


def _keep_once(rows: list[Row]) -> None:
    """Let texts that stand in many rows be one object: a country, a city, nothing."""
    known: dict[str, str] = {}

    def once(cell: str) -> str:
        if len(known) < _REPEATED:
            return known.setdefault(cell, cell)
        return known.get(cell, cell)

    for place, row in enumerate(rows):
        rows[place] = tuple(map(once, row))


def too_many_rows(limits: Limits) -> TableError:
    """The refusal of a file with more rows than are read."""
    return TableError(
        f"The file has more than {limits.max_rows:,} rows, the most that can be read. Split it into smaller files."
    )


def too_many_columns(count: int, limits: Limits) -> TableError:
    """The refusal of a file with `count` columns."""
    return TableError(
        f"The file has {count:,} columns; at most {limits.max_columns:,} can be read. Delete the columns you do not need."
    )


def _drop_blank_rows(grid: Grid) -> None:
    """Leave out rows whose cells are all blank."""
    kept = [index for index, row in enumerate(grid.rows) if "".join(row).strip()]
    if len(kept) < len(grid.rows):
        grid.rows = [grid.rows[index] for index in kept]
        grid.lines = [grid.lines[index] for index in kept]


def _refuse_preamble(grid: Grid) -> None:
    """Refuse a title above the header: one lonely cell where the following rows have several."""
    first, *following = grid.rows[: _PREAMBLE_ROWS + 1]
    if _count(first) > 1 or len(first) == 2:
        return
    if any(_count(row) > 1 for row in following):
        line = grid.lines[0]
        raise TableError(
            f'{grid.unit.capitalize()} {line} ("{_quote(first[0] or "".join(first))}") has one cell but the '
            f"{grid.unit}s below have more: delete the {grid.unit}s above the header, or name every column."
        )


def _count(row: Row) -> int:
    """How many cells of a row hold text."""
    return sum(1 for cell in row if cell.strip())


def _name_columns(grid: Grid, limits: Limits) -> Row:
    """The header: cells without blanks and byte-order marks, blank ones named by position, all distinct."""
    width = len(grid.rows[0])
    if width > limits.max_columns:
        raise too_many_columns(width, limits)
    header = tuple(
        cell.strip().strip(_INVISIBLE).strip() or f"column {number}"
        for number, cell in enumerate(grid.rows[0], start=1)
    )
    seen: dict[str, int] = {}
    for number, name in enumerate(header, start=1):
        earlier = seen.setdefault(" ".join(name.casefold().split()), number)
        if earlier != number:
            raise TableError(
                f'{grid.unit.capitalize()} {grid.lines[0]}: columns {earlier} ("{_quote(header[earlier - 1])}") and '
                f'{number} ("{_quote(name)}") have the same name: rename or delete one of them.'
            )
    return header


def _fit(row: Row, width: int, unit: str, line: int) -> Row:
    """A row as wide as the header: short ones are filled up, blank cells beyond the header are dropped."""
    if len(row) <= width:
        return row + ("",) * (width - len(row))
    if "".join(row[width:]).strip():
        raise TableError(
            f"{unit.capitalize()} {line} has {len(row):,} cells but the header has {width:,}: put quotes around "
            "cells that hold the delimiter, or delete what stands above the header."
        )
    return row[:width]


def _refuse_long_cells(
    header: Row, rows: Sequence[Row], lines: Sequence[int], unit: str, limits: Limits
) -> None:
    """Refuse a cell with more characters than are read."""
    longest = max(map(len, chain(header, chain.from_iterable(rows))), default=0)
    if longest <= limits.max_cell:
        return
    for row, line in zip(rows, lines, strict=True):
        for name, cell in zip(header, row, strict=True):
            if len(cell) > limits.max_cell:
                raise TableError(
                    f'{unit.capitalize()} {line}, column "{_quote(name)}": the cell has {len(cell):,} characters; at '
                    f"most {limits.max_cell:,} can be read. Shorten it, or look for a quote that is never closed."
                )
    raise TableError(
        f"A column name has {longest:,} characters; at most {limits.max_cell:,} can be read. Shorten it."
    )


def _warn_of_direction(header: Row, rows: Sequence[Row], lines: Sequence[int], unit: str) -> Iterator[str]:
    """Warn of characters that turn the reading direction: such text is not what it looks like."""
    for row, line in zip(rows, lines, strict=True):
        text = "".join(row)
        if not text.isascii() and _DIRECTION.search(text):
            for name, cell in zip(header, row, strict=True):
                if _DIRECTION.search(cell):
                    yield (
                        f'{unit} {line}: "{_quote(name)}" holds characters that turn the reading direction; it may '
                        "not be what it looks like"
                    )


def _shorten(warnings: list[str]) -> tuple[str, ...]:
    """The warnings, or the first of very many."""
    if len(warnings) <= _MOST_WARNINGS:
        return tuple(warnings)
    return (*warnings[:_MOST_WARNINGS], f"and {len(warnings) - _MOST_WARNINGS:,} more like these")


def _quote(text: str) -> str:
    """A cell as it can stand in a sentence: printable and short."""
    shown = "".join(character if character.isprintable() else " " for character in text[:61])
    return shown if len(shown) <= 60 else shown[:59] + "…"
