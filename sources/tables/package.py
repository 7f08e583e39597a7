"""The check of an Excel package before any parser trusts it: members, sizes, XML, sheets; runs in the child process."""

from __future__ import annotations

import posixpath
import re
import struct
import xml.parsers.expat  # nosec B407
import zipfile
from dataclasses import dataclass

from sources.tables.table import TableError

_MOST_MEMBERS = 2_000
_MOST_BYTES = 100_000_000
_MOST_RATIO = 200
_RATIO_FROM = 1_000_000
_CHUNK = 1 << 18
_SMALL = 5_000_000
_XML_ENDINGS = (".xml", ".rels", ".vml")
_LOCAL_HEADER = struct.Struct("<6xH6xIII4x")
_SIZES_FOLLOW = 8
_IN_EXTRA_FIELD = 0xFFFFFFFF
_CELL = re.compile(rb"<(?:\w+:)?(?:v|is)[ >]")


@dataclass(slots=True)
class Sheet:
    """A sheet of the workbook: its name, the member that holds it, whether it is shown and holds cells."""

    name: str
    member: str
    is_visible: bool
    has_cells: bool


def open_package(archive: zipfile.ZipFile) -> list[Sheet]:
    """The worksheets of a package that passed every check. Raises TableError."""
    members = archive.infolist()
    _check_members(members)
    _compare_headers(archive, members)
    with_cells = {member.filename for member in members if _check_content(archive, member)}
    names = {member.filename for member in members}
    workbook = _find_workbook(archive, names)
    sheets = _list_sheets(archive, names, workbook)
    for sheet in sheets:
        sheet.has_cells = sheet.member in with_cells
    return sheets


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    """Refuse too many, too large, too dense, doubled and encrypted members.

    Names that climb out of the folder do no harm: nothing is ever unpacked to disk.
    """
    if len(members) > _MOST_MEMBERS:
        raise TableError(
            f"The workbook has {len(members):,} parts; at most {_MOST_MEMBERS:,} are read. Save it as CSV."
        )
    if len({member.filename.casefold() for member in members}) < len(members):
        raise TableError("The workbook has two parts of one name: save it again in a spreadsheet program.")
    if any(member.flag_bits & 1 for member in members):
        raise TableError("The workbook is encrypted: save it without a password.")
    if sum(member.file_size for member in members) > _MOST_BYTES:
        raise TableError(
            f"The workbook unpacks to more than {_MOST_BYTES:,} bytes: save the one sheet as CSV."
        )
    for member in members:
        if member.file_size > max(_RATIO_FROM, _MOST_RATIO * member.compress_size):
            raise TableError(
                f"The workbook unpacks to more than {_MOST_RATIO} times its size: save the one sheet as CSV."
            )


def _compare_headers(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Refuse a member whose own header tells another sum or size than the directory: parsers would disagree on it."""
    file = archive.fp
    assert file is not None  # nosec B101
    for member in members:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise zipfile.BadZipFile
        flags, crc, packed, unpacked = _LOCAL_HEADER.unpack(header)
        told_later = flags & _SIZES_FOLLOW or packed == _IN_EXTRA_FIELD or unpacked == _IN_EXTRA_FIELD
        if not told_later and (crc, packed, unpacked) != (member.CRC, member.compress_size, member.file_size):
            raise zipfile.BadZipFile


def _check_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Read a member to its end, which checks its sum; XML must be well-formed and without DTD. True: it holds cells."""
    parser = _make_parser() if member.filename.lower().endswith(_XML_ENDINGS) else None
    has_cells = False
    with archive.open(member) as file:
        try:
            while chunk := file.read(_CHUNK):
                if parser:
                    parser.Parse(chunk)
                    has_cells = has_cells or bool(_CELL.search(chunk))
            if parser:
                parser.Parse(b"", True)
        except xml.parsers.expat.ExpatError as error:
            raise TableError(
                f"The workbook is damaged (part {member.filename!r:.80}, line {error.lineno}): open it in a spreadsheet "
                "program and save it again."
            ) from None
    return has_cells


def _make_parser() -> xml.parsers.expat.XMLParserType:
    """A parser that stops as it meets a document type, the door to entities."""
    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    """A workbook never needs a document type."""
    raise TableError("The workbook holds a document type definition, which is not safe: save it as CSV.")


def _find_workbook(archive: zipfile.ZipFile, names: set[str]) -> str:
    """The member that lists the sheets."""
    if "mimetype" in names or "content.xml" in names:
        raise TableError("The file is an OpenDocument sheet: save it as .xlsx or .csv and choose that file.")
    links = _read_elements(archive, "_rels/.rels", "Relationship") if "_rels/.rels" in names else []
    targets = [link.get("Target", "") for link in links if link.get("Type", "").endswith("/officeDocument")]
    name = posixpath.normpath(targets[0].lstrip("/")) if targets else "xl/workbook.xml"
    if name.endswith(".bin"):
        raise TableError(
            "The file is a binary Excel workbook: save it as .xlsx or .csv and choose that file."
        )
    if name not in names or "document.xml" in name:
        raise TableError(
            "The file is a zip archive but no Excel workbook: unpack it, or save the table as .xlsx."
        )
    return name


def _list_sheets(archive: zipfile.ZipFile, names: set[str], workbook: str) -> list[Sheet]:
    """The worksheets in order; a sheet outside the file, or that is missing, is refused."""
    folder, file = posixpath.split(workbook)
    relations = posixpath.join(folder, "_rels", file + ".rels")
    if relations not in names:
        raise TableError(
            "The workbook does not say where its sheets are: save it again in a spreadsheet program."
        )
    links = {link.get("Id", ""): link for link in _read_elements(archive, relations, "Relationship")}
    sheets = []
    for entry in _read_elements(archive, workbook, "sheet"):
        key = next((value for name, value in entry.items() if name.endswith(":id")), "")
        link = links.get(key, {})
        if link.get("TargetMode") == "External":
            raise TableError(
                "A sheet of the workbook lies outside the file, which is not read: save it as CSV."
            )
        if not link.get("Type", "").endswith("/worksheet"):
            continue
        target = link.get("Target", "")
        member = posixpath.normpath(
            target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
        )
        if member not in names:
            raise TableError(
                "A sheet of the workbook is missing from the file: save it again in a spreadsheet program."
            )
        sheets.append(Sheet(entry.get("name", ""), member, entry.get("state", "visible") == "visible", False))
    if not sheets:
        raise TableError("The workbook has no sheet: choose a workbook with a header line and rows.")
    return sheets


def _read_elements(archive: zipfile.ZipFile, member: str, name: str) -> list[dict[str, str]]:
    """The attributes of every element called `name`, whatever its prefix, in a small member."""
    if archive.getinfo(member).file_size > _SMALL:
        raise TableError(f"Part {member!r:.80} of the workbook is too large: save the sheet as CSV.")
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == name:
            found.append(attributes)

    parser = _make_parser()
    parser.StartElementHandler = start
    parser.Parse(archive.read(member), True)
    return found
