"""The queue in our own database, by the database's clock."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django_q.brokers.orm import ORM
from django_q.conf import Conf

from enrichment import bulk


class Queue(ORM):  # type: ignore[misc]
    """django-q2's own, but for its clock: by that of each machine, one an hour fast hides its messages for an hour
    from the others, and one an hour slow lets them take its messages from it at once.
    """

    def timeout(self, task: Any) -> datetime:
        """Until when a message that is taken now is left to whom took it."""
        return bulk.clock() + timedelta(seconds=Conf.RETRY)

    def queue_size(self) -> int:
        """How many messages wait."""
        return int(self._mine().filter(lock__lte=bulk.clock()).count())

    def lock_size(self) -> int:
        """How many messages are taken and not done."""
        return int(self._mine().filter(lock__gt=bulk.clock()).count())

    def enqueue(self, task: str) -> int:
        """Add a message that waits from now on; its id."""
        row = self.get_connection().create(
            key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=bulk.clock()
        )
        return int(row.pk)

    def dequeue(self) -> list[tuple[int, str]]:
        """Take messages that wait, each by one UPDATE so that nobody else has it; none after a short rest."""
        waiting = list(self._mine().filter(lock__lte=bulk.clock())[: Conf.BULK])
        if not waiting:
            time.sleep(Conf.POLL)
        return [
            (row.pk, row.payload)
            for row in waiting
            if self._mine().filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row))
        ]

    def _mine(self) -> Any:
        return self.get_connection().filter(key=self.list_key)
