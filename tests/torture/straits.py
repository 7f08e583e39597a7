"""The shipped settings on a small disk: what is little room in life, and waits a minute for more, is scaled down."""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as SHIPPED

INSTALLED_APPS = [*SHIPPED, "tests.torture.straits.Straits"]
LEAST_FREE = 8_000_000  # bytes


class Straits(AppConfig):
    """Scales what `enrichment.spool` wants of a disk."""

    name = "tests.torture"

    def ready(self) -> None:
        """Before anything is asked."""
        from enrichment import asking, spool

        asking.NO_ROOM = timedelta(seconds=2)
        spool.LEAST_FREE, spool._LARGEST_ANSWERS, spool._READY = LEAST_FREE, 0, 200_000
