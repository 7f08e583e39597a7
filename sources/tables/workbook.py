"""The first sheet of an Excel workbook as rows of text; runs in the child process.

The package is checked before the fast parser sees it (sizes, names, well-formed XML without DTD, targets inside the
file), and the sheet for what that parser passes over in silence: error values, cells outside a sheet, text
indices that are no numbers.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from sources.tables.package import Sheet, open_package
from sources.tables.sheet_xml import find_errors
from sources.tables.table import Limits, TableError, too_many_columns, too_many_rows
from sources.tables.values import Message, write_value

_DAMAGED = "The workbook is damaged: open it in a spreadsheet program and save it again as .xlsx."


def read_workbook(path: Path, limits: Limits) -> Iterator[Message]:
    """The rows of the first visible sheet. Raises TableError: not a sound workbook, a limit passed."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = open_package(archive)
            first = next((sheet for sheet in sheets if sheet.is_visible), sheets[0])
            errors = find_errors(archive, first.member, limits)
        yield "sheet", first.name
        yield from _warn_of_others(first, sheets)
        yield from _read_sheet(CalamineWorkbook.from_path(path).get_sheet_by_name(first.name), errors, limits)
    except TableError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        CalamineError,
    ):
        raise TableError(_DAMAGED) from None


def _warn_of_others(first: Sheet, sheets: list[Sheet]) -> Iterator[Message]:
    """Say which sheets hold something and are not read."""
    for sheet in sheets:
        if sheet is not first and sheet.has_cells:
            yield "warning", f'sheet "{sheet.name}" was not read, only the first sheet "{first.name}" was'


def _read_sheet(
    sheet: CalamineSheet, errors: dict[tuple[int, int], str], limits: Limits
) -> Iterator[Message]:
    """The rows of a sheet that hold anything, each with its number; `errors` by row and column from 0."""
    left = sheet.start[1] if sheet.start else 0
    if sheet.end and sheet.end[1] - left >= limits.max_columns:
        raise too_many_columns(sheet.end[1] - left + 1, limits)
    erroneous = {row for row, _ in errors}
    found = 0
    for index, values in enumerate(sheet.iter_rows()):
        cells = [value if type(value) is str else write_value(value) for value in values]
        if index in erroneous:
            cells = [errors.get((index, left + column), cell) for column, cell in enumerate(cells)]
        if any(cells):
            found += 1
            if found > limits.max_rows + 1:
                raise too_many_rows(limits)
            yield "row", (index + 1, cells)
