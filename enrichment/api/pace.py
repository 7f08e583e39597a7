"""How many requests a caller may make a minute, and the headers that say so."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from enrichment import bulk
from enrichment.api.auth import Caller, not_waiting

_SECOND = {
    True: "floor(extract(epoch FROM clock_timestamp()))::bigint",
    False: "CAST(strftime('%%s', 'now') AS INTEGER)",
}
_COUNT = """
    INSERT INTO enrichment_callerpace AS pace (caller, minute, requests) VALUES (%s, {now} / 60, 1)
    ON CONFLICT (caller) DO UPDATE SET minute = excluded.minute,
        requests = CASE WHEN pace.minute = excluded.minute THEN pace.requests + 1 ELSE 1 END
    RETURNING requests, {now} %% 60
"""


class CallerThrottle(BaseThrottle):
    """A count for each caller in the minute by the database's clock, which all web processes share."""

    def __init__(self) -> None:
        self._wait = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False when the minute is used up."""
        caller = request.auth
        if not isinstance(caller, Caller):
            return True
        count, second = _count(caller.name)
        self._wait = 60 - second
        view.pace_headers = {
            "RateLimit-Limit": str(caller.per_minute),
            "RateLimit-Remaining": str(max(0, caller.per_minute - count)),
            "RateLimit-Reset": str(self._wait),
        }
        return count <= caller.per_minute

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self._wait


def _count(caller: str) -> tuple[int, int]:
    """Requests of a caller in this minute with the one that is made now, and the second of the minute.

    One statement counts, so that requests at once are all counted. While an import holds SQLite's only pen a request
    is not, rather than kept waiting.
    """
    sql = _COUNT.format(now=_SECOND[bulk.is_postgres()])
    try:
        with not_waiting():
            ((count, second),) = bulk.select(sql, [caller])
    except OperationalError:
        return 0, 0
    return count, second
