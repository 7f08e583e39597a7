"""What is in use: texts that people wrote into a column of their records, attributes that runs found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from django.db.models import QuerySet

from crm.models import Record
from enrichment import bulk
from enrichment.models import AttributeValue, EnrichmentRun


def texts_in_use(model: type[Record], column: Literal["priority", "segment"], most: int) -> list[str]:
    """The different texts in a column, in order, `most` of them.

    From text to text along the column's index: a DISTINCT would read every record.
    """
    table = model._meta.db_table
    rows = bulk.select(
        f"""
        WITH RECURSIVE leap(found) AS (
            SELECT MIN({column}) FROM {table} WHERE NOT ({column} = '')
            UNION ALL
            SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > leap.found AND NOT ({column} = ''))
            FROM leap WHERE leap.found IS NOT NULL
        )
        SELECT found FROM leap WHERE found IS NOT NULL LIMIT %s
        """,
        [most],
    )
    return [text for (text,) in rows]


def said_in(runs: QuerySet[EnrichmentRun], attributes: Collection[str]) -> set[str]:
    """Those of some attributes that any of the runs wrote a value of, whatever became of it since."""
    rows = AttributeValue.objects.filter(run__in=runs, attribute__in=attributes).order_by()
    return set(rows.values_list("attribute", flat=True).distinct())
