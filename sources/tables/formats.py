"""Which format a file has: told by its first bytes, then compared with the ending of its name."""

from __future__ import annotations

import re
from enum import StrEnum

from sources.tables.table import TableError


class Format(StrEnum):
    """A format that is read; the value is how people call it."""

    TEXT = "CSV"
    XLSX = "XLSX"
    JSON = "JSON"
    PARQUET = "Parquet"


_ENDINGS = {
    "csv": Format.TEXT,
    "tsv": Format.TEXT,
    "tab": Format.TEXT,
    "txt": Format.TEXT,
    "xlsx": Format.XLSX,
    "xlsm": Format.XLSX,
    "json": Format.JSON,
    "parquet": Format.PARQUET,
}

_WORKBOOKS = {
    "xls": "an old Excel workbook",
    "xlsb": "a binary Excel workbook",
    "ods": "an OpenDocument sheet",
}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "compressed (gzip): unpack it first"),
    (b"BZh", "compressed (bzip2): unpack it first"),
    (b"\xfd7zXZ\x00", "compressed (xz): unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old or password-protected workbook: save it as .xlsx without a password",
    ),
    (b"%PDF", "a PDF document: export the table as CSV or XLSX instead"),
    (b"\x89PNG", "a picture: export the table as CSV or XLSX instead"),
    (b"\xff\xd8\xff", "a picture: export the table as CSV or XLSX instead"),
    (b"GIF8", "a picture: export the table as CSV or XLSX instead"),
    (b"SQLite format 3\x00", "a database: export the table as CSV or XLSX instead"),
    (b"{\\rtf", "a rich-text document: export the table as CSV or XLSX instead"),
)

_MARKUP = re.compile(rb"<[!?a-zA-Z]")
_JSON = re.compile(rb'\[\s*[\[{\]"]|\{\s*["}]')


def recognise(start: bytes, name: str) -> Format:
    """The format of a file named `name` that begins with `start`. Raises TableError when it is not read."""
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            raise TableError(f"The file is {what}.")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _WORKBOOKS:
        raise TableError(
            f"The file is {_WORKBOOKS[ending]} (.{ending}): save it as .xlsx or .csv and choose that file."
        )
    found = _look(start)
    expected = _ENDINGS.get(ending, found)
    if found is not expected:
        raise TableError(
            f"The file is named .{ending} but holds {_describe(found)}: choose another file or correct its name."
        )
    return found


def _look(start: bytes) -> Format:
    """The format that the first bytes of a file speak for."""
    if start.startswith(b"PK\x03\x04"):
        return Format.XLSX
    if start.startswith(b"PAR1"):
        return Format.PARQUET
    # UTF-16 text is looked at without its zero bytes; marks and blanks may stand before the first sign.
    text = start.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    text = text.replace(b"\xef\xbb\xbf", b"").lstrip()
    if _MARKUP.match(text):
        raise TableError(
            "The file is a web page or XML, perhaps a login page saved instead of the table: download the table again."
        )
    return Format.JSON if _JSON.match(text) else Format.TEXT


def _describe(found: Format) -> str:
    """What a file with an unexpected content holds."""
    return {
        Format.XLSX: "a zip archive or an Excel workbook",
        Format.JSON: "JSON",
        Format.PARQUET: "Parquet",
        Format.TEXT: "plain text",
    }[found]
