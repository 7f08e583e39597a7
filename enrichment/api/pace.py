"""How many requests a caller may make a minute, and the headers that say so."""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from enrichment.api.auth import Caller

_WINDOW = 60


class CallerThrottle(BaseThrottle):
    """A count for each caller and minute, in the cache that web processes share where Redis is set up."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False when the minute is used up."""
        caller = request.auth
        if not isinstance(caller, Caller):
            return True
        now = time.time()
        window = int(now // _WINDOW)
        self._wait = (window + 1) * _WINDOW - now
        name = f"api-pace:{caller.name}:{window}"
        cache.add(name, 0, timeout=2 * _WINDOW)
        try:
            count = cache.incr(name)
        except ValueError:  # it went out of the cache this moment
            count = 1
        left = max(0, caller.per_minute - count)
        view.pace_headers = {
            "RateLimit-Limit": str(caller.per_minute),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(int(self._wait) + 1),
        }
        return count <= caller.per_minute

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self._wait
