"""Pages of long lists: counted as far as people look, and found by their ids where they lie deep.

Counting a million rows takes longer than showing fifty of them (performance.md, P7).
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from enrichment import bulk
from enrichment.queries import SURE

COUNTED = 10_000
"""Rows of a filtered list that are counted; it is leafed through so far, then a narrower filter is the way."""

_SHALLOW = 1_000
"""Rows that are skipped as fast as their ids alone."""


class RoundCount(int):
    """A count that is not exact: a number to reckon with, whose text says so."""

    def __new__(cls, number: int, word: str) -> RoundCount:
        """`word` is "about", "more than" or "fewer than"."""
        count = super().__new__(cls, number)
        count.word = word
        return count

    word: str

    def __str__(self) -> str:
        return f"{self.word} {int(self):,}"


class LongListPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a list of any length, in about the time that one page takes."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        """How many rows there are: exact where that is quick, else a RoundCount."""
        rows = self.object_list
        if bulk.is_postgres() and not rows.query.where and not rows.query.distinct:
            return count_of(rows)
        found: int = rows.order_by()[: COUNTED + 1].count()
        return RoundCount(COUNTED, "more than") if found > COUNTED else found

    def page(self, number: int | str) -> Page[Any]:
        """One page; of a deep one the ids are found first, so that the skipped rows are not read."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        if start < _SHALLOW:
            return super().page(number)
        ids = list(self.object_list.values_list("pk", flat=True)[start : start + self.per_page])
        return Page(self.object_list.filter(pk__in=ids), number, self)


def count_of(rows: QuerySet[Any]) -> int:
    """How many rows a whole table has; on PostgreSQL a RoundCount when they are very many."""
    planned = planned_rows(rows) if bulk.is_postgres() else 0
    return RoundCount(planned, "about") if planned > SURE else rows.count()


def planned_rows(rows: QuerySet[Any]) -> int:
    """How many rows PostgreSQL expects of a query, by its statistics; nothing is read."""
    plan = json.loads(rows.order_by().explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
