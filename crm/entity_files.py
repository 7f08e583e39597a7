"""Entities as CSV, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from crm.cells import escape_cell, join
from crm.entities import V1_NAMES, Shaper
from crm.models import Account, Contact, Sheet, SheetEntry
from crm.profiles import TYPE_OF
from enrichment.ids import id_of
from enrichment.queries import attributes_of, coverage
from sources.attributes import Kind

_CHUNK = 1000
_FIRST = ["entity_id", "entity_type", "sheet", "status", "comments", "external_id"]


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_of(rows: QuerySet[SheetEntry], *, is_combined: bool) -> Iterator[str]:
    """The lines of one table, or of one for each kind of records with an empty line between.

    Columns: the V1 names, what the sheets ask for, then every other attribute that any row has.
    """
    writer = csv.writer(_Echo())
    kinds = [kind for kind in Kind if rows.filter(**{f"{kind.value}__isnull": False}).exists()] or [
        Kind.ACCOUNT
    ]
    yield "\ufeff"
    for number, part in enumerate([kinds] if is_combined else [[kind] for kind in kinds]):
        if number:
            yield writer.writerow([])
        yield from _table(writer, rows, part)


def _table(writer: Any, rows: QuerySet[SheetEntry], kinds: list[Kind]) -> Iterator[str]:
    shaper = Shaper()
    names = list(dict.fromkeys(name for kind in kinds for name in _names(rows, kind, shaper)))
    yield writer.writerow([*_FIRST, *map(escape_cell, names)])
    for kind in kinds:
        stream = rows.filter(**{f"{kind.value}__isnull": False}).order_by("pk").iterator(chunk_size=_CHUNK)
        while chunk := list(islice(stream, _CHUNK)):
            for entity in shaper.shape(chunk):
                yield writer.writerow(_row(entity, names))


def _names(rows: QuerySet[SheetEntry], kind: Kind, shaper: Shaper) -> list[str]:
    of_kind = rows.filter(**{f"{kind.value}__isnull": False}).order_by()
    sheets = Sheet.objects.filter(pk__in=of_kind.select_related(None).values("sheet")).select_related(
        "profile"
    )
    asked = [name for sheet in sheets for name in (*shaper.asked(sheet), *shaper.asked_of_people(sheet))]
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    records = model.objects.filter(pk__in=of_kind.select_related(None).values(kind.value))
    filled = [slug for slug, (count, _) in coverage(records, list(attributes_of(kind))).items() if count]
    return [*V1_NAMES[kind], *asked, *filled]


def _row(entity: dict[str, Any], names: list[str]) -> list[Any]:
    first = [
        id_of(entity["pk"]), TYPE_OF[entity["kind"]], entity["sheet_name"], entity["status"], entity["comments"] or "",
        entity["external_id"] or "",
    ]  # fmt: skip
    return [
        _cell(value) for value in (*first, *(entity["data"].get(name, {}).get("value") for name in names))
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    text = join(value) if isinstance(value, list) else value
    return escape_cell(text) if isinstance(text, str) else ("" if text is None else text)
