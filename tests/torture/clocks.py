"""The shipped settings on a machine whose clock is wrong, where time may also pass faster.

TORTURE_CLOCK="STARTED SPEED MACHINE": by the database's clock it is STARTED (seconds since 1970), until `run` lets that clock
go, SPEED times as fast as ours. The clock of each MACHINE is right, an hour fast and an hour slow in turn, six hours each.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from config.settings import *  # noqa: F403
from enrichment import bulk

STAYS = 6 * 3600  # seconds until a machine's clock is set anew
_started, _speed, _machine = map(float, os.environ["TORTURE_CLOCK"].split())
_since: list[float] = []


def run(since: float) -> None:
    """Let time pass, from a moment of `time.time()` on."""
    _since.append(since)


def of_database() -> datetime:
    """The one clock that all machines share."""
    passed = (time.time() - _since[0]) * _speed if _since else 0.0
    return datetime.fromtimestamp(_started + passed, UTC)


def of_machine() -> datetime:
    """What this machine takes for the time."""
    now = of_database()
    turn = int(now.timestamp() // STAYS + _machine) % 3
    return now + (timedelta(), timedelta(hours=1), timedelta(hours=-1))[turn]


vars(timezone)["now"] = of_machine
vars(bulk)["clock"] = of_database
