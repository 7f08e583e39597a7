"""The shipped settings on a machine whose clock is wrong, where days pass as fast as the work of all machines is done.

TORTURE_CLOCK="FILE MACHINE": the file holds the database's time, as a `Clock` sets it, and how often each machine looked
at it. The clock of each MACHINE is right, an hour fast and an hour slow in turn, six hours each.
"""

from __future__ import annotations

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.utils import timezone

from config.settings import *  # noqa: F403
from enrichment import bulk

STAYS = 6 * 3600  # seconds until a machine's clock is set anew
_NUMBER = struct.Struct("d")
_path, _number = os.environ["TORTURE_CLOCK"].split()
_machine = int(_number)
with Path(_path).open("r+b") as _file:
    _shared = mmap.mmap(_file.fileno(), 0)


def of_database() -> datetime:
    """The one clock that all machines share."""
    place = _NUMBER.size * (1 + _machine)
    (looks,) = _NUMBER.unpack_from(_shared, place)
    _NUMBER.pack_into(_shared, place, looks + 1)
    (now,) = _NUMBER.unpack_from(_shared, 0)
    return datetime.fromtimestamp(now, UTC)


def of_machine() -> datetime:
    """What this machine takes for the time."""
    now = of_database()
    turn = int(now.timestamp() // STAYS + _machine) % 3
    return now + (timedelta(), timedelta(hours=1), timedelta(hours=-1))[turn]


vars(timezone)["now"] = of_machine
vars(bulk)["clock"] = of_database
