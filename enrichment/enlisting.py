"""The items of a run over records."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Max, QuerySet

from enrichment.claims.state import owner_column, record_table
from enrichment.models import EnrichmentRun
from sources.attributes import Kind


def enlist(run: EnrichmentRun, records: QuerySet[Any]) -> int:
    """Make an item of every record, by one INSERT … SELECT, after those there are; how many."""
    kind = Kind(run.kind)
    last = run.items.aggregate(last=Max("position"))["last"] or 0
    sql, params = records.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO enrichment_runitem (run_id, position, {owner_column(kind)}, state, reason, strategy, "
            "evidence, has_created_record, outcomes, fence, starts) "
            "SELECT %s, %s + row_number() OVER (ORDER BY r.id), r.id, 'queued', '', '', '[]', %s, '{}', 0, 0 "
            f"FROM {record_table(kind)} r WHERE r.id IN ({sql})",
            [run.pk, last, False, *params],
        )
        return int(cursor.rowcount)
