"""Rows of an import on their way into the database: the items of its run, and the entries of its sheet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from crm.models import Sheet
from enrichment import bulk
from enrichment.claims.state import owner_column, record_table
from enrichment.models import RunItem
from sources.attributes import IDENTITY, Kind

_ITEM = (
    "run_id", "position", "account_id", "contact_id", "row", "subject", "state", "reason", "strategy", "score",
    "evidence", "has_created_record", "outcomes", "fence", "starts", "finished_at",
)  # fmt: skip
_TOLD = ("external_id", "external_source", "status", "priority", "segment", "comments")
_UNTOLD = (*IDENTITY, "name_key")
_json = json.JSONEncoder(ensure_ascii=False).encode


def create_records(kind: Kind, told: Sequence[Mapping[str, str]]) -> list[int]:
    """Insert records with what people wrote of them (every column of `_TOLD`); their ids, in order.

    Whom they are is written by their claims.
    """
    table, now = record_table(kind), bulk.moment(bulk.clock())
    ids = bulk.new_ids(table, len(told))
    rest = ("",) * len(_UNTOLD)
    rows = [
        (pk, *(fields[name] for name in _TOLD), *rest, "{}", now)
        for pk, fields in zip(ids, told, strict=True)
    ]
    bulk.insert(table, ("id", *_TOLD, *_UNTOLD, "current_values", "created_at"), rows)
    return ids


def write_items(items: Iterable[RunItem]) -> None:
    """Insert items that are new."""
    rows = [
        (
            item.run_id, item.position, item.account_id, item.contact_id, _json(item.row),
            None if item.subject is None else _json(item.subject), str(item.state), item.reason, item.strategy,
            item.score, _json(item.evidence), item.has_created_record, _json(item.outcomes), item.fence, item.starts,
            bulk.moment(item.finished_at),
        )
        for item in items
    ]  # fmt: skip
    bulk.insert("enrichment_runitem", _ITEM, rows)


def list_records(sheet: Sheet, kind: Kind, records: Sequence[int | None]) -> None:
    """Put records on a sheet, once each; those that are on it stay."""
    now = bulk.moment(bulk.clock())
    columns = [("sheet_id", "bigint"), (owner_column(kind), "bigint"), ("created_at", "timestamptz")]
    rows = [(sheet.pk, pk, now) for pk in dict.fromkeys(filter(None, records))]
    bulk.insert_unless_there("crm_sheetentry", columns, rows)
