"""The tool that gives rows out as CSV, a page at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm.cells import escape_cell, join
from crm.reconcile.entities import id_of
from enrichment.agents.selecting import FILTERS, KIND, SHEET, TEXT, attribute, found, kind_of
from enrichment.agents.tools import CURSOR, WORDS, Agent, Tool, ToolRefused, page, takes
from enrichment.models import EnrichmentRun, RunItem
from sources.attributes import Kind

_MOST = 200
_LONGEST_CELL = 1000


def export_records(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Records as CSV with the attributes asked for, each with a column of references where these are wanted."""
    run = told.get("run")
    kind = _kind_of_run(run) if run else kind_of(told)
    slugs = list(dict.fromkeys(attribute(name, kind).slug for name in told["attributes"]))
    rows = found(kind, told)
    if run:
        rows = rows.filter(pk__in=RunItem.objects.filter(run=run).values(kind.value))
    total, (start, end) = rows.order_by().count(), page(told)
    text = _csv(rows.order_by("pk")[start:end], slugs, with_references=bool(told.get("with_references")))
    answer = {"total": total, "rows": max(0, min(end, total) - start), "csv": text}
    return answer | ({"next_cursor": end} if end < total else {})


def _kind_of_run(number: int) -> Kind:
    kind = EnrichmentRun.objects.filter(pk=number).values_list("kind", flat=True).first()
    if kind is None:
        raise ToolRefused(f"There is no run {number}. get_run without a number lists the newest.")
    return Kind(kind)


def _csv(rows: Iterable[Any], slugs: Sequence[str], *, with_references: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [
        name for slug in slugs for name in ([slug, f"{slug}_references"] if with_references else [slug])
    ]
    writer.writerow(["id", "record", *columns])
    for row in rows:
        cells: list[Any] = [id_of(row), _cell(str(row))]
        for slug in slugs:
            cells.append(_cell(row.value(slug)))
            if with_references:
                cells.append(_cell(row.current_values.get(slug, {}).get("references", [])))
        writer.writerow(cells)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = join(value)
    return escape_cell(value[:_LONGEST_CELL]) if isinstance(value, str) else value


TOOLS = (
    Tool(
        "export_records",
        "Give records out as CSV: all of a kind, those of a run or a sheet, or those that fit a text and filters.",
        takes(
            "attributes", kind=KIND, text=TEXT, filters=FILTERS, sheet=SHEET, cursor=CURSOR,
            run={"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "description": "The records of this run."},
            attributes=WORDS | {"minItems": 1, "description": "The columns."},
            with_references={"type": "boolean", "description": "A column of references beside each value."},
            limit={"type": "integer", "minimum": 1, "maximum": _MOST, "description": "Rows; 20 when left out."},
        ),
        export_records,
    ),
)  # fmt: skip
