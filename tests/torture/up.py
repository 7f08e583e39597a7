"""`manage.py up` with quicker clocks: what takes a minute in life takes seconds here, nothing else differs."""

from __future__ import annotations

import os
import sys
from functools import partial

import django


def main(arguments: list[str]) -> None:
    """Run `manage.py up` until it is stopped."""
    from django.core.management import execute_from_command_line

    from enrichment.supervisor import canary, children, supervisor

    stuck = float(os.environ.get("TORTURE_STUCK", "15"))
    quick = partial(canary.Timing, tick=0.5, beat=3, sweep=3, unanswered=6, stuck=stuck)
    vars(supervisor)["Timing"] = quick
    children.LONGEST_WAIT = 2.0
    execute_from_command_line(["manage.py", "up", *arguments])


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])
