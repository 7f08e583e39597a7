"""Files that a registry publishes for everyone to look up in, fetched once a day by a process.

Their publishers ask for it: RFC 9224 (section 8) for the list of RDAP servers, the SEC's fair-access rules for its
list of companies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sources.contract import Http, Payload
from sources.vendors.json_answers import raise_for_status

_DAY = 86_400.0
_T = TypeVar("_T")


class ReferenceFile(Generic[_T]):
    """The file at `url` as `read` understands it; threads share it."""

    def __init__(self, url: str, read: Callable[[Payload], _T]) -> None:
        self.url, self._read = url, read
        self._lock = threading.Lock()
        self._kept: tuple[float, _T] | None = None

    def content(self, http: Http) -> _T:
        """What the file says, at most a day old; raises SourceError when it cannot be had or read."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > _DAY:
                payload = http.get(self.url)
                raise_for_status(payload)
                self._kept = time.monotonic(), self._read(payload)
            return self._kept[1]
