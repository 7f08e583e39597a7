"""Fair timing: ways of doing one thing take turns, and the median of the rounds counts."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median

Way = Callable[[], dict[str, float]]
"""Does one thing once and says how many seconds each part of it took."""


def alternate(rounds: int, ways: Mapping[str, Way]) -> dict[str, dict[str, float]]:
    """Median seconds of each part of each way, over `rounds` rounds in which every way has its turn."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(way())
    return {
        name: {part: median(found[part] for found in runs) for part in runs[0]}
        for name, runs in taken.items()
    }


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes; what was made before it is no matter of its garbage collections."""
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    work()
    taken = time.perf_counter() - started
    gc.unfreeze()
    return taken
