"""The network as a source may use it: its address, its limits, what may be reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from sources.contract import Source
from sources.http import Client


@contextmanager
def client_of(adapter: Source, *, leaving: Callable[[], None] = lambda: None) -> Iterator[Client]:
    """A client within the limits of a source, closed at the end; <SLUG>_BASE_URL is another address to ask it at.

    `leaving`: as `sources.http.Client` has it.
    """
    client = Client(
        user_agent=settings.USER_AGENT,
        allow=frozenset(settings.EGRESS_ALLOW),
        deadline=adapter.limits.deadline,
        max_bytes=adapter.limits.max_bytes,
        max_unpacked=max(adapter.limits.max_bytes, 5_000_000),
        base_url=os.environ.get(f"{adapter.slug.upper()}_BASE_URL") or adapter.base_url,
        follow_redirects=not adapter.base_url,
        leaving=leaving,
    )
    try:
        yield client
    finally:
        client.close()
