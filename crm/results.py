"""A run's rows out again: the original cells, then a column for each attribute that was found."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db.models import QuerySet

from crm.cells import escape_cell, join
from crm.models import Contact, Record
from enrichment.models import EnrichmentRun, RunItem
from enrichment.people import chief_executives
from enrichment.queries import attributes_of
from enrichment.winner import SPREADSHEET
from sources.attributes import Kind

FORMATS = (".csv", ".xlsx", ".json", ".parquet")
_CHUNK = 2000
_ENDINGS = {".xls": ".xlsx", ".xlsm": ".xlsx", ".xlsb": ".xlsx", ".ods": ".xlsx"}


class OutputRefused(ValueError):
    """The file cannot be written so; the text says why."""


def output_of(path: Path) -> Path:
    """Where the output of an input goes when nobody says: beside it, with its ending where that can be written."""
    ending = path.suffix.lower()
    suffix = path.suffix if ending in FORMATS else _ENDINGS.get(ending, ".csv")
    return path.with_name(f"{path.stem}_enriched{suffix}")


def check_output(path: Path, source: Path | None = None) -> None:
    """Raises OutputRefused when `path` cannot be written, or is the file `source` that the rows come from."""
    if path.suffix.lower() not in FORMATS:
        raise OutputRefused(f"{path.name}: write a file that ends in {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise OutputRefused(f"{path.parent} is not a folder: make it first.")
    if path.is_dir():
        raise OutputRefused(f"{path} is a folder: name a file in it.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputRefused(f"{path} cannot be written: choose another place with --output.")
    if source and path.exists() and source.exists() and path.samefile(source):
        raise OutputRefused(f"{path} is the input: choose another name, so that it is not overwritten.")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise OutputRefused(
            "Parquet needs pyarrow: pip install 'footnote[parquet]', or write CSV, XLSX or JSON."
        )


def write_results(
    run: EnrichmentRun, path: Path, attributes: Mapping[str, str], *, of_people: Collection[str] = ()
) -> int:
    """Write every row of a run in its order; failed rows have empty columns. Returns the number of rows.

    `attributes` maps the name of a column, perhaps an alias, to an attribute slug; `of_people` names those that a
    row of a company takes from its chief executive. A file of that name is replaced once the new one is whole.
    Raises OutputRefused.
    """
    check_output(path)
    header = [entry["header"] for entry in run.headers]
    names = _unlike(header, [*attributes, "enrichment_state", "enrichment_reason"])
    rows = _rows(run, header, [(slug, name in of_people) for name, slug in attributes.items()])
    writer = {".csv": _csv, ".xlsx": _xlsx, ".json": _json, ".parquet": _parquet}[path.suffix.lower()]
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        count = writer(part, [*header, *names], rows)
        part.replace(path)
    except OSError as error:
        raise OutputRefused(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)
    return count


def found_attributes(run: EnrichmentRun) -> list[str]:
    """The attributes that rows of the run have a value for, other than the file's own cell, most frequent first.

    Rows of people also have what is known of their companies, and of companies only.
    """
    counts: Counter[str] = Counter()
    own = attributes_of(Kind.CONTACT)
    for item in _items(run).iterator(chunk_size=_CHUNK):
        record = item.account or item.contact
        counts.update(_foreign(record))
        if isinstance(record, Contact):
            counts.update(_foreign(record.account) - own.keys())
    return sorted(counts, key=lambda slug: (-counts[slug], slug))


def _foreign(record: Record | None) -> set[str]:
    """What a record has from elsewhere than a file's own cell."""
    current = record.current_values if record else {}
    return {slug for slug, entry in current.items() if entry.get("source") != SPREADSHEET}


def _items(run: EnrichmentRun) -> QuerySet[RunItem]:
    return run.items.select_related("account", "contact__account").order_by("position")


def _value(record: Record | None, slug: str, own: Collection[str]) -> Any:
    """The record's value, or of a person its company's where people have no such attribute."""
    if isinstance(record, Contact) and slug not in own:
        record = record.account
    return record.value(slug) if record else None


def _unlike(header: Iterable[str], names: Iterable[str]) -> list[str]:
    """Names of columns that no column before them has, as a table of an earlier run may."""
    taken = set(header)
    free: list[str] = []
    for name in names:
        number, unlike = 1, name
        while unlike in taken:
            unlike = f"{name} (enriched)" if number == 1 else f"{name} (enriched {number})"
            number += 1
        taken.add(unlike)
        free.append(unlike)
    return free


def _rows(
    run: EnrichmentRun, header: Sequence[str], attributes: Sequence[tuple[str, bool]]
) -> Iterator[list[Any]]:
    """The cells of each row; of each attribute is said whether it is taken from the company's chief executive."""
    own = attributes_of(Kind.CONTACT)
    needs_people = any(is_of_person for _, is_of_person in attributes)
    stream = _items(run).iterator(chunk_size=_CHUNK)
    while chunk := list(islice(stream, _CHUNK)):
        leads = chief_executives(item.account for item in chunk if item.account) if needs_people else {}
        for item in chunk:
            is_failed = item.state == RunItem.State.FAILED
            record = None if is_failed else item.account or item.contact
            person = None if is_failed else leads.get(item.account_id or 0)
            cells = item.row or {}
            values = [
                _value(person if is_of_person else record, slug, own) for slug, is_of_person in attributes
            ]
            yield [*(cells.get(name, "") for name in header), *values, item.state, item.reason]


def _text(value: Any) -> Any:
    """A value as a spreadsheet cell: lists joined, text made harmless, numbers as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = join(value)
    return escape_cell(value) if isinstance(value, str) else value


def _csv(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([escape_cell(name) for name in header])
        for row in rows:
            writer.writerow(["" if value is None else _text(value) for value in row])
            count += 1
    return count


def _xlsx(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> int:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    count = 0
    with xlsxwriter.Workbook(str(path), options) as book:
        page = book.add_worksheet("Enriched")
        for column, name in enumerate(header):
            page.write_string(0, column, name)
        for count, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, bool) or value is None:
                    page.write_string(count, column, "" if value is None else str(value).lower())
                elif isinstance(value, int | float):
                    page.write_number(count, column, value)
                else:
                    page.write_string(count, column, join(value) if isinstance(value, list) else value)
    return count


def _json(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for count, row in enumerate(rows, 1):
            file.write("\n" if count == 1 else ",\n")
            json.dump(dict(zip(header, row, strict=True)), file, ensure_ascii=False)
        file.write("\n]\n")
    return count


def _parquet(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> int:
    import pyarrow  # an extra, see check_output
    from pyarrow import parquet

    table = [[_plain(value) for value in row] for row in rows]
    columns = list(zip(*table, strict=True)) if table else [()] * len(header)
    arrays = {name: pyarrow.array(_alike(column)) for name, column in zip(header, columns, strict=True)}
    parquet.write_table(pyarrow.table(arrays), path)
    return len(table)


def _plain(value: Any) -> Any:
    return None if value == "" else value


def _alike(column: Sequence[Any]) -> list[Any]:
    """A column of one type: text where the values differ in kind."""
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) <= 1 or kinds == {int, float}:
        return list(column)
    return [None if value is None else str(_text(value)) for value in column]
