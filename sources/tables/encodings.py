"""In which encoding a text file is stored, and a clear refusal of bytes that are no text."""

from __future__ import annotations

import codecs
import re

from sources.tables.table import TableError

_SAMPLE = 1_000_000
_ADVICE = "save the file as CSV UTF-8 and choose that file."
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}")
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_CHINESE_RUN = re.compile(rb"(?:[\xb0-\xf7][\xa1-\xfe])+")


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding, byte-order marks removed.

    UTF-8, UTF-16 and Windows-1252 are read. Raises TableError, with line and character, for all else.
    """
    encoding, mark = _guess(data)
    try:
        text = str(memoryview(data)[mark:], encoding)
    except UnicodeDecodeError as error:
        where = _place(data[mark : mark + error.start].decode(encoding, "replace"))
        raise TableError(f"The text is not valid {encoding.upper()} at {where}: {_ADVICE}") from None
    if (zero := text.find("\0")) >= 0:
        raise TableError(f"There is a NUL character at {_place(text[:zero])}: remove it, or {_ADVICE}")
    return text.lstrip("\ufeff"), encoding


def _guess(data: bytes) -> tuple[str, int]:
    """The encoding of some bytes, and how many bytes its mark takes."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TableError(f"The text is stored as UTF-32, which is not read: {_ADVICE}")
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    return _find_utf16(data[:4096]) or _find_8bit(data), 0


def _find_utf16(sample: bytes) -> str:
    """UTF-16 without a mark shows in the zero bytes of its Latin letters: "" unless every other byte is mostly zero."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 < len(sample) or min(even, odd) * 10 > max(even, odd):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _find_8bit(data: bytes) -> str:
    """UTF-8 when the bytes are that, else Windows-1252 when they look like Western text."""
    try:
        str(data, "utf-8")
    except UnicodeDecodeError as error:
        _refuse_other(data, error)
        return "cp1252"
    return "utf-8"


def _refuse_other(data: bytes, error: UnicodeDecodeError) -> None:
    """Refuse bytes that Windows-1252 would read as nonsense: broken UTF-8, and other alphabets."""
    if found := _OVERLONG.search(data):
        where = _place(data[: found.start()].decode("utf-8", "replace"))
        raise TableError(f"There is an overlong UTF-8 sequence at {where}: {_ADVICE}")
    replaced = data.decode("utf-8", "replace")
    wrong = replaced.count("\ufffd")
    # Windows-1252 text is almost never valid UTF-8 by chance; mostly valid text is UTF-8 with a damaged place.
    if len(replaced) - len(replaced.encode("ascii", "ignore")) > 2 * wrong:
        where = _place(data[: error.start].decode("utf-8", "replace"))
        raise TableError(f"The text is not valid UTF-8 at {where}: {_ADVICE}")
    runs = _HIGH_RUNS.findall(data[error.start : error.start + _SAMPLE])
    if sum(len(run) for run in runs if len(run) > 2) * 2 > sum(map(len, runs)):
        # Western letters with accents stand alone between plain ones; other alphabets fill whole words.
        guess = "GB18030 (Chinese)" if all(map(_CHINESE_RUN.fullmatch, runs)) else "of a non-Western alphabet"
        where = _place(data[: error.start].decode("latin-1"))
        raise TableError(f"The encoding seems to be {guess} at {where}, which is not read: {_ADVICE}")


def _place(before: str) -> str:
    """Where the text after `before` stands, for a message."""
    lines = re.split("\r\n|\r|\n", before)
    return f"line {len(lines):,}, character {len(lines[-1]) + 1:,}"
