"""The texts that people wrote into a column of their records."""

from __future__ import annotations

from typing import Literal

from crm.models import Record
from enrichment import bulk


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
