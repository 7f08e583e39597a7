"""What the fast workbook parser passes over in silence, found in the XML of a sheet; runs in the child process."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from sources.tables.table import Limits, TableError, too_many_columns

_LAST_ROW = 1_048_576
_CHUNK = 1 << 20
_MOST_CARRIED = 16 << 20

# Each pattern begins with plain text and a blank, for which the search is several times faster than for \s or a group.
_SUSPECT = re.compile(rb' r="[A-Z]*(?:[A-Z]{3}|0"|[0-9]{7})')
_FAR_CELL = re.compile(rb' r="([A-Z]{3,}[0-9]*|[A-Z]*(?:0|[0-9]{7,}))"[^>]*(?<!/)>(?!</)')
_TEXT_INDEX = re.compile(rb' t="s"[^>]*(?<!/)>\s*<(?:\w+:)?v>(?!\s*[0-9]*\s*<)')
_ERROR_CELL = re.compile(
    rb'<(?:\w+:)?c ([^>]*\bt="e"[^>]*)(?<!/)>(?:\s*<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>))?'
    rb"\s*<(?:\w+:)?v>(#[^<]{1,20})<"
)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')


def find_errors(archive: zipfile.ZipFile, member: str, limits: Limits) -> dict[tuple[int, int], str]:
    """The error values of a sheet, such as #N/A, by row and column from 0.

    Raises TableError for a cell outside a sheet or the limits, and for a shared text that has no number.
    """
    errors: dict[tuple[int, int], str] = {}
    for piece in _split(archive, member):
        part = piece.replace(b"'", b'"')  # either may stand around an attribute
        if _SUSPECT.search(part):
            for found in _FAR_CELL.finditer(part):
                _refuse_far(found[1].decode("ascii"), limits)
        if _TEXT_INDEX.search(part):
            raise TableError(
                "A cell of the sheet points to a text that does not exist: open the workbook in a spreadsheet program "
                "and save it again."
            )
        for found in _ERROR_CELL.finditer(part) if b't="e"' in part else ():
            if reference := _REFERENCE.search(found[1]):
                place = int(reference[2]) - 1, column_number(reference[1].decode("ascii")) - 1
                errors[place] = found[2].decode("ascii", "replace")
    return errors


def column_number(letters: str) -> int:
    """The number of a column, A is 1."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _split(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The XML of a sheet in parts that end between two rows."""
    carried = b""
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            carried += chunk
            end = carried.rfind(b"row>") + 4
            if end > 3:
                yield carried[:end]
                carried = carried[end:]
            if len(carried) > _MOST_CARRIED:
                raise TableError("A row of the sheet is too large to be read: save the sheet as CSV.")
    yield carried


def _refuse_far(reference: str, limits: Limits) -> None:
    """Refuse a row or a cell that no sheet can hold, or that lies beyond the columns that are read."""
    letters = reference.rstrip("0123456789")
    row = int(reference[len(letters) :][:12] or "1")
    if not 1 <= row <= _LAST_ROW or len(letters) > 3:
        raise TableError(
            f"The sheet has a cell or row {reference[:20]}, which no sheet can hold: open the workbook in a spreadsheet "
            "program and save it again."
        )
    if letters and column_number(letters) > limits.max_columns:
        raise too_many_columns(column_number(letters), limits)
