"""`python -m tests.torture [--database sqlite postgres://…] [--accounts 2000] [--kills 200] [--seed N]`."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from benchmarks import databases
from tests.torture.house import ROLES
from tests.torture.torment import Plan, Report, torture


def main(arguments: Sequence[str] | None = None) -> int:
    """Torture each database, print the counts; 1 when anything was lost, doubled or asked twice."""
    parser = argparse.ArgumentParser(
        description="Runs over killed processes: nothing is lost, nothing is paid twice."
    )
    parser.add_argument(
        "--database", nargs="+", default=databases.defaults(), help="sqlite, or a PostgreSQL URL"
    )
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--gap", type=float, default=1.5, help="mean seconds between two kills")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of an earlier run, to see it again"
    )
    parser.add_argument("--clusters", type=int, default=1)
    parser.add_argument(
        "--redis", default="", help="a Redis URL: the queue's broker in place of the database"
    )
    parser.add_argument("--roles", nargs="+", default=ROLES, choices=ROLES, help="whom to kill")
    parser.add_argument("--verbose", action="store_true", help="say how it goes on")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    broken = 0
    for database in options.database:
        print(f"{databases.name_of(database)}, seed {options.seed}", flush=True)
        report = torture(
            Plan(
                database=database, accounts=options.accounts, kills=options.kills, seed=options.seed, gap=options.gap,
                clusters=options.clusters, redis=options.redis, roles=tuple(options.roles),
                say=lambda text: print(text, flush=True) if options.verbose else None,
            )
        )  # fmt: skip
        print(shown(report), flush=True)
        broken += len(report.verdict.broken)
    return min(broken, 1)


def _end(number: int, frame: FrameType | None) -> None:
    """Leave through all `finally`s: nothing is left running, also where a script started us in the background."""
    sys.exit(128 + number)


def shown(report: Report) -> str:
    """The table of one database."""
    hits = ", ".join(f"{count} {role}" for role, count in sorted(report.kills.items()))
    lines = [f"  {'kills':<26}{sum(report.kills.values()):>8,}  {hits}"]
    lines += [f"  {name:<26}{count:>8,}" for name, count in report.verdict.counts.items()]
    lines.append(f"  {'seconds':<26}{report.seconds:>8,.0f}  {report.calm_seconds:.0f} undisturbed")
    lines += [f"  BROKEN: {sentence}" for sentence in report.verdict.broken[:20]]
    if len(report.verdict.broken) > 20:
        lines.append(f"  … and {len(report.verdict.broken) - 20} more")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
