"""Rows from delimited text: comma, semicolon, tab or bar, told by the header line.

The csv module reads in strict mode; only a record it refuses is looked at again, to keep the row with a message or
to say where the trouble is. Lines end at CR, LF or CRLF, mixed as they may be: other line separators of Unicode are data.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

from sources.tables.encodings import decode
from sources.tables.table import Grid, Limits, Row, TableError, too_many_columns, too_many_rows

_DELIMITERS = "\t;|,"
_NO_DELIMITER = "\x1f"
_SEPARATOR_LINE = re.compile('"?sep=([\t;|,])"?(?:\r\n|\r|\n|$)', re.IGNORECASE)
_LINE_BREAK = re.compile("\r\n|\r|\n")
_SAMPLED = 12
_LINES_PER_ROW = 20


def read_delimited(data: bytes, limits: Limits) -> Grid:
    """The rows of a CSV file. Raises TableError: not text, an open quote, a limit passed."""
    text, encoding = decode(data)
    line_count = text.count("\n") + text.count("\r") - text.count("\r\n")
    if line_count > limits.max_rows * _LINES_PER_ROW:
        raise TableError(
            f"The file has {line_count:,} lines; at most {limits.max_rows:,} rows can be read. "
            "Delete blank lines or split it into smaller files."
        )
    first_line = 1
    delimiter = ""
    if separator := _SEPARATOR_LINE.match(text):
        text, delimiter, first_line = text[separator.end() :], separator[1], 2
    delimiter = delimiter or _find_delimiter(text)
    return _collect(_Records(text, delimiter, first_line), encoding, limits)


def _collect(records: _Records, encoding: str, limits: Limits) -> Grid:
    """All rows that are not empty, up to the limits."""
    rows: list[Row] = []
    lines: list[int] = []
    for line, row in records:
        if any(row):
            rows.append(tuple(row))
            lines.append(line)
            if len(rows) > limits.max_rows + 1:
                raise too_many_rows(limits)
            if len(rows) == 1 and len(row) > limits.max_columns:
                raise too_many_columns(len(row), limits)
    delimiter = "" if records.delimiter == _NO_DELIMITER else records.delimiter
    return Grid(rows, lines, records.warnings, encoding=encoding, delimiter=delimiter)


class _Records:
    """The records of a text, each with the line it starts at; rows read with doubt leave a warning."""

    def __init__(self, text: str, delimiter: str, first_line: int) -> None:
        self.delimiter = delimiter
        self.warnings: list[str] = []
        self._lines = list(io.StringIO(text, newline=""))
        self._first_line = first_line
        self._start = 0
        self._end = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Each record as (line, cells). Raises TableError when a quote is never closed."""
        strict = csv.reader(iter(self._lines), delimiter=self.delimiter, strict=True)
        first_line = self._first_line
        start = 0
        while True:
            try:
                for row in strict:
                    yield first_line + start, row
                    start = strict.line_num
                return
            except csv.Error as error:
                self._start, self._end = start, strict.line_num
                yield first_line + start, self._repair(error)
                start = strict.line_num

    @property
    def _line(self) -> int:
        """The line at which the record in doubt starts."""
        return self._first_line + self._start

    @property
    def _pending(self) -> list[str]:
        """The lines of the record in doubt."""
        return self._lines[self._start : self._end]

    def _repair(self, error: csv.Error) -> list[str]:
        """The cells of a one-line record that has text after a closing quote; everything else is refused."""
        if "field larger" in str(error):
            raise TableError(
                f"Line {self._line}: a cell has more than {csv.field_size_limit():,} characters. "
                "Shorten it, or look for a quote that is never closed."
            )
        at_end = "unexpected end" in str(error)
        if self._end == self._start + 1 and not at_end:
            line = self._lines[self._start]
            row = self._parse_escaped(line) or self._parse_loose(line)
            if row:
                return row
        number, opens_at = self._find_open_quote(at_end)
        raise TableError(
            f"Line {opens_at}, column {number}: the quote that opens here is not closed, or text follows where it closes. "
            "Close it, or write two quotes for a quote that belongs to the text."
        )

    def _parse_escaped(self, line: str) -> list[str]:
        r"""The record read with \" for a quote, as MySQL and some scripts write it; [] when that fails too."""
        if '\\"' not in line:
            return []
        try:
            row = next(csv.reader([line], delimiter=self.delimiter, escapechar="\\", strict=True))
        except csv.Error:
            return []
        self.warnings.append(rf"line {self._line}: \" was read as a quote; check the cells of this row")
        return row

    def _parse_loose(self, line: str) -> list[str]:
        """The record with the text after a closing quote taken as part of its cell; [] when a quote stays open."""
        row = next(csv.reader([line.rstrip("\r\n") + "\n"], delimiter=self.delimiter))
        if row[-1].endswith("\n"):
            return []
        self.warnings.append(f"line {self._line}: text follows a closing quote; check the cells of this row")
        return row

    def _find_open_quote(self, at_end: bool) -> tuple[int, int]:
        """The column and the line of the quote that swallows what follows: the last cell, or the first long one."""
        row = next(csv.reader(self._pending, delimiter=self.delimiter))
        broken = [index for index, cell in enumerate(row) if _LINE_BREAK.search(cell)]
        index = len(row) - 1 if at_end or not broken else broken[0]
        return index + 1, self._line + sum(len(_LINE_BREAK.findall(cell)) for cell in row[:index])


def _find_delimiter(text: str) -> str:
    """The delimiter under which the header splits, and the rows below it most alike.

    Where nothing splits the first line, it is a single column or a title above a table: then the delimiter of the
    rows below, so that the title is seen for what it is.
    """
    widths = {delimiter: [len(row) for row in _sample(text, delimiter)] for delimiter in _DELIMITERS}
    splitting = {key: value for key, value in widths.items() if value and value[0] > 1}
    if splitting:
        return max(splitting, key=lambda key: (_measure_agreement(splitting[key]), splitting[key][0]))
    tails = {key: value[1:][-2:] for key, value in widths.items()}
    tables = {key: tail[0] for key, tail in tails.items() if len(set(tail)) == 1 and tail[0] > 1}
    return max(tables, key=lambda key: tables[key]) if tables else _NO_DELIMITER


def _measure_agreement(widths: list[int]) -> float:
    """The share of rows that are as wide as the header, the first of `widths`."""
    header, *rows = widths
    return sum(width == header for width in rows) / len(rows) if rows else 1.0


def _sample(text: str, delimiter: str) -> Iterator[list[str]]:
    """The first records that are not empty, read without complaint."""
    lines = io.StringIO(text[:200_000], newline="")
    reader = csv.reader(islice(lines, 10 * _SAMPLED), delimiter=delimiter)
    found = 0
    try:
        for row in reader:
            if any(row):
                found += 1
                yield row
            if found == _SAMPLED:
                return
    except csv.Error:
        return
