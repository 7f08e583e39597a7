"""The cells of a spreadsheet read: what each row says about a record, clean, and what did not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from crm.day_order import DayOrder, day_order, in_order
from crm.duplicates import Row
from crm.headers import Column, Headers
from crm.matching import Match
from crm.models import Record
from enrichment.claims import CleanClaim
from sources.attributes import IDENTITY, Attribute, Kind, identity_slug
from sources.cleaning import Refused, clean
from sources.contract import Subject
from sources.tables import Table

_REFERENCE = ("csv_import",)
_REPEATED = 10_000  # texts of a column that are remembered: a country or a trade is in row after row
_NOTHING: Mapping[str, Any] = MappingProxyType({})  # one for the hundred thousand rows that lack something

_Read = CleanClaim | str | None
"""A cell as a claim, why it did not fit, or nothing."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What one row says about one record: clean values, plain fields, and by column why a cell did not fit."""

    row: Row
    claims: tuple[CleanClaim, ...]
    fields: Mapping[str, str]
    refused: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether the row says nothing about such a record."""
        return not self.claims and not self.row.external_id


class CellReader:
    """Reads the rows of a table by its headers; `catalogue` holds all attributes by slug."""

    def __init__(self, table: Table, headers: Headers, catalogue: Mapping[str, Attribute]) -> None:
        self.table, self.headers, self.catalogue = table, headers, catalogue

    def read(self, kind: Kind) -> list[Cells]:
        """What each row says about a record of `kind`, in order."""
        columns = [column for column in self.headers.columns if column.kind is kind and column.field]
        readers = [(column, self._reader_of(column)) for column in columns]
        lines = zip(self.table.lines, self.table.rows, strict=True)
        return [self._cells(kind, readers, line, row) for line, row in lines]

    def _reader_of(self, column: Column) -> Callable[[str], _Read] | None:
        """What reads the cells of a column; None when they are no attribute's."""
        attribute = self.catalogue.get(column.field)
        if attribute is None:
            return None
        order = self._order(column, attribute)

        @lru_cache(maxsize=_REPEATED)
        def read(text: str) -> _Read:
            try:
                value = clean(attribute, in_order(text, order))
            except Refused as error:
                return str(error)
            if value is None:
                return None
            return CleanClaim(attribute.slug, value, _REFERENCE, text if text != value else "")

        return read

    def _order(self, column: Column, attribute: Attribute) -> DayOrder | None:
        """How a column of dates is written, as far as its cells tell."""
        is_date = attribute.type == "date"
        return day_order(row[column.index] for row in self.table.rows) if is_date else None

    def _cells(
        self,
        kind: Kind,
        readers: Sequence[tuple[Column, Callable[[str], _Read] | None]],
        line: int,
        row: Sequence[str],
    ) -> Cells:
        found: dict[str, CleanClaim] = {}
        fields: dict[str, str] = {}
        refused: dict[str, str] = {}
        for column, reader in readers:
            text = row[column.index]
            if reader is None:
                fields[column.field] = text.strip()
                if column.field == "status" and text.strip() and not _status(text):
                    refused[column.header] = (
                        f"'{text.strip()[:50]}' is none of {', '.join(Record.Status.values)}"
                    )
                continue
            told = reader(text)
            if isinstance(told, str):
                refused[column.header] = told
            elif told is not None:
                found[told.attribute] = told
        full = " ".join(filter(None, (fields.get("first_name", ""), fields.get("last_name", ""))))
        if full and "name" not in found:
            found["name"] = CleanClaim("name", full, _REFERENCE)
        claims = tuple(found.values())
        return Cells(self._row(kind, line, found, fields), claims, fields or _NOTHING, refused or _NOTHING)

    def _row(self, kind: Kind, line: int, found: Mapping[str, CleanClaim], fields: Mapping[str, str]) -> Row:
        """Whom the cells name."""
        identity: dict[str, Any] = {
            name: str(found[slug].value) for name in IDENTITY if (slug := identity_slug(kind, name)) in found
        }
        external = fields.get("external_id", "")[:200]
        subject = Subject(kind=kind, known=_NOTHING, row=_NOTHING, **identity)
        source = (self.headers.dialect or "csv") if external else ""
        return Row(line, subject, external, source)


def merged(rows: Sequence[Cells]) -> tuple[CleanClaim, ...]:
    """What rows of one record claim; the first of two values counts."""
    if len(rows) == 1:
        return rows[0].claims
    found: dict[str, CleanClaim] = {}
    for row in rows:
        found = {claim.attribute: claim for claim in row.claims} | found
    return tuple(found.values())


def fields_of(cells: Cells) -> dict[str, str]:
    """The columns of the record that a row would become."""
    fields = cells.fields
    return {
        "external_id": cells.row.external_id,
        "external_source": cells.row.external_source,
        "status": _status(fields.get("status", "")),
        "priority": fields.get("priority", "")[:50],
        "segment": fields.get("segment", "")[:100],
        "comments": fields.get("comments", ""),
    }


def _status(text: str) -> str:
    """Our status that a cell names, "" when it is the status of another CRM."""
    word = text.strip().lower()
    return word if word in Record.Status.values else ""


def merged_fields(cells: Sequence[Cells], matches: Sequence[Match]) -> dict[int, dict[str, str]]:
    """The columns of the record by its first row: what that leaves empty is taken from the next rows of the same."""
    merged: dict[int, dict[str, str]] = {}
    for each, match in zip(cells, matches, strict=True):
        mine = fields_of(each)
        told = merged.setdefault(each.row.position if match.same_as is None else match.same_as, mine)
        if not told["external_id"]:
            told |= {name: mine[name] for name in ("external_id", "external_source")}
        told |= {name: text for name, text in mine.items() if not told[name] and name != "external_source"}
    return merged


def unread(cells: Sequence[Cells]) -> list[str]:
    """A sentence for each column with cells that did not fit: how many, and the first one."""
    found: dict[str, list[tuple[int, str]]] = {}
    for each in cells:
        for column, why in each.refused.items():
            found.setdefault(column, []).append((each.row.position, why))
    return [
        f'column "{column}": {len(told)} {"cell was" if len(told) == 1 else "cells were"} not taken over, '
        f"but stay with their rows; line {told[0][0]}: {told[0][1]}"
        for column, told in found.items()
    ]
