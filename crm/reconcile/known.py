"""The names of all records, kept in the memory of the process between requests.

OpenRefine asks ten rows at a time: reading every record for each ten would take longer than all else. An index is made
anew once something was written, but no more than a twentieth of the time goes into that, and after ten minutes in any
case: what no write of a claim shows, such as a pin that was released, is seen by then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.db.models import Count, Max

from crm.matching import known_companies
from crm.models import Account, Contact
from enrichment.models import AttributeValue, EnrichmentRun
from sources.attributes import Kind
from sources.identity import Entry, NameIndex

_REST = 20  # times as long as the making took
_LONGEST = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class _Kept:
    index: NameIndex
    state: tuple[Any, ...]
    made_at: float
    seconds: float


_kept: dict[Kind, _Kept] = {}
_lock = Lock()


def names(kind: Kind) -> NameIndex:
    """The index of a kind's names, at most ten minutes old (three queries, and one over all records when made)."""
    state = _state(kind)
    with _lock:
        kept, now = _kept.get(kind), time.monotonic()
        if kept is None or _is_old(kept, state, now - kept.made_at):
            index = NameIndex(known_companies() if kind is Kind.ACCOUNT else _people())
            made_at = time.monotonic()
            kept = _kept[kind] = _Kept(index, state, made_at, made_at - now)
        return kept.index


def forget() -> None:
    """Make the indexes anew when they are next asked for."""
    with _lock:
        _kept.clear()


def _is_old(kept: _Kept, state: tuple[Any, ...], age: float) -> bool:
    return age > _LONGEST or (kept.state != state and age > _REST * kept.seconds)


def _state(kind: Kind) -> tuple[Any, ...]:
    """What differs after most writes; all of it is found in indexes or small tables."""
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    records = model.objects.order_by().aggregate(count=Count("pk"), newest=Max("pk"))
    claims = AttributeValue.objects.order_by().aggregate(newest=Max("pk"))
    runs = EnrichmentRun.objects.order_by().aggregate(undone=Max("undone_at"))
    return records["count"], records["newest"], claims["newest"], runs["undone"]


def _people() -> Iterable[Entry]:
    rows = Contact.objects.exclude(name="").order_by().values_list("pk", "name", "city", "country")
    for pk, name, city, country in rows.iterator(chunk_size=5000):
        yield Entry(id=pk, name=name, city=city, country=country)
