"""The names of all records, kept in the memory of the process between requests.

OpenRefine asks ten rows at a time: reading every record for each ten would take longer than all else. An index is made
anew once something was written; of one that takes long, no more than a twentieth of the time goes into that. After ten
minutes it is made anew in any case: what no new claim shows, such as a pin that was released, is seen by then. While one
request makes it, the others use the one before.
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

_CHEAP = 0.5  # seconds; what took no longer is made anew whenever it has to
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
    state, kept = _state(kind), _kept.get(kind)
    if kept and not _is_old(kept, state):
        return kept.index
    if kept is None:
        _lock.acquire()
    elif not _lock.acquire(blocking=False):
        return kept.index
    try:
        newer = _kept.get(kind)
        if newer is None or newer is kept:
            newer = _kept[kind] = _made(kind, state)
        return newer.index
    finally:
        _lock.release()


def _made(kind: Kind, state: tuple[Any, ...]) -> _Kept:
    began = time.monotonic()
    index = NameIndex(known_companies() if kind is Kind.ACCOUNT else _people())
    made_at = time.monotonic()
    return _Kept(index, state, made_at, made_at - began)


def forget() -> None:
    """Make the indexes anew when they are next asked for."""
    with _lock:
        _kept.clear()


def _is_old(kept: _Kept, state: tuple[Any, ...]) -> bool:
    age = time.monotonic() - kept.made_at
    return age > _LONGEST or (kept.state != state and age > _REST * max(0.0, kept.seconds - _CHEAP))


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
