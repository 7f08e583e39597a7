"""How many accounts a minute one, two and four workers enrich, in peace."""

from __future__ import annotations

from dataclasses import replace

from tests.torture.torment import Plan, run_once

WORKERS = (1, 2, 4)
ANSWERS_IN = 0.1  # seconds, on average


def throughput(plan: Plan) -> dict[int, float]:
    """Accounts a minute by number of workers: from the run's first question to its last answer."""
    return {count: _measure(replace(plan, workers=count)) for count in WORKERS}


def _measure(plan: Plan) -> float:
    found, _, _ = run_once(plan, kills=0, seconds=ANSWERS_IN, pace=1_000_000)
    return plan.accounts * 60 / found.span
