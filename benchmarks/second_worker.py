"""Another worker in a process of its own: `python -m benchmarks.second_worker` reads the ids of runs to work on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django

READY = "ready"


@contextmanager
def helping() -> Iterator[Callable[[int], None]]:
    """A worker on the database and the allowed addresses of this process, and what tells it a run to work on."""
    command = [sys.executable, "-m", "benchmarks.second_worker"]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin and process.stdout
        try:
            if process.stdout.readline().strip() != READY:
                raise RuntimeError("the second worker did not start")
            yield lambda run: print(run, file=process.stdin, flush=True)
        finally:
            process.kill()


def main() -> None:
    """Work on each run named on the input, until there is nothing left of it."""
    django.setup()
    from benchmarks import engine  # makes the benchmarks' sources known
    from enrichment import tasks
    from enrichment.models import EnrichmentRun

    assert engine.IN_FLIGHT
    EnrichmentRun.objects.exists()  # the connection stands before the clock starts
    print(READY, flush=True)
    for line in sys.stdin:
        tasks.work(int(line))


if __name__ == "__main__":
    main()
