"""`python -m tests.torture [kills points budget …] [--database sqlite postgres://…] [--accounts 2000] [--kills 200] [--seed N]`."""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from benchmarks import databases
from tests.torture.budget import SCOPES, Race, race
from tests.torture.house import FROZEN, ROLES, ROOT, inside
from tests.torture.imports import Imports, imports
from tests.torture.outcome import Outcome
from tests.torture.overlap import Overlap, overlap
from tests.torture.schedules import Days, keep_time
from tests.torture.soak import Soak, soak
from tests.torture.steering import steer
from tests.torture.throughput import throughput
from tests.torture.torment import Plan, Report, torture
from tests.torture.trouble import HOLDS, Trouble, kinds, trouble
from tests.torture.upgrade import KINDS, Upgrade, upgrade
from tests.torture.wedge import Wedge, wedge


def main(arguments: Sequence[str] | None = None) -> int:
    """Torture each database, print the counts; 1 when anything was lost, doubled, asked twice or spent beyond a limit."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    broken = 0
    for database in options.database:
        for part in options.parts or PARTS:
            print(f"{databases.name_of(database)}, {part}, seed {options.seed}", flush=True)
            broken += PARTS[part](database, options)
    return min(broken, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Killed processes, budget races, vendors that misbehave.")
    say = parser.add_argument
    say("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    say(
        "--database",
        nargs="+",
        default=databases.defaults(),
        help="sqlite, or a PostgreSQL URL (default: both)",
    )
    say("--accounts", type=int, default=2000)
    say("--kills", type=int, default=200)
    say("--gap", type=float, default=1.5, help="mean seconds between two kills")
    say("--seed", type=int, default=random.randrange(10**6), help="of an earlier run, to see it again")
    say("--repeats", type=int, default=1, help="of overlap, each with the next seed")
    say("--times", type=int, default=20, help="trouble that a database has")
    say("--minutes", type=float, default=10, help="of soak")
    say("--clusters", type=int, default=1, help="supervisors, each with its cluster")
    say("--redis", default="", help="URL of a Redis database to empty and use as broker")
    say("--roles", nargs="+", default=ROLES, choices=ROLES, help="whom to kill")
    say("--verbose", action="store_true", help="say how it goes on")
    return parser


def _kills(database: str, options: argparse.Namespace) -> int:
    """One run under torture; how many sentences are broken."""
    report = torture(
        Plan(
            database=database, accounts=options.accounts, kills=options.kills, seed=options.seed, gap=options.gap,
            clusters=options.clusters, redis=options.redis, roles=tuple(options.roles),
            say=lambda text: print(text, flush=True) if options.verbose else None,
        )
    )  # fmt: skip
    print(shown(report), flush=True)
    return len(report.verdict.broken)


def _freezes(database: str, options: argparse.Namespace) -> int:
    """One run whose workers are stopped for longer than their lease and let go on; how many sentences are broken."""
    report = torture(
        Plan(
            database=database, accounts=options.accounts, kills=options.kills // 4, seed=options.seed,
            gap=4 * options.gap, roles=(FROZEN,), workers=4,
            say=lambda text: print(text, flush=True) if options.verbose else None,
        )
    )  # fmt: skip
    print(shown(report), flush=True)
    counts = report.verdict.counts
    wrong = ["no fence refused anything"] if not counts["refused by a fence"] else []
    if counts["asked twice, free"] > counts["asked twice, on the wire"]:
        wrong.append("a worker that had stood still asked what others had asked in its place")
    print("".join(f"  BROKEN: {sentence}\n" for sentence in wrong), end="", flush=True)
    return len(report.verdict.broken) + len(wrong)


def _schedules(database: str, options: argparse.Namespace) -> int:
    """Days of schedules with wrong clocks and an outage; how many sentences are broken."""
    kept = keep_time(Days(database=database))
    print("\n".join(f"  {name:<26}{count:>8,}" for name, count in kept.counts.items()), flush=True)
    print("".join(f"  BROKEN: {sentence}\n" for sentence in kept.broken), end="", flush=True)
    return len(kept.broken)


def _throughput(database: str, options: argparse.Namespace) -> int:
    """Accounts a minute in peace; never broken."""
    plan = Plan(
        database=database, accounts=options.accounts // 5, kills=0, seed=options.seed, clusters=options.clusters,
        redis=options.redis,
    )  # fmt: skip
    for workers, speed in throughput(plan).items():
        print(f"  {workers} workers {speed:>8,.0f} accounts/min", flush=True)
    return 0


def _budget(database: str, options: argparse.Namespace) -> int:
    """A race for each kind of limit; how many sentences are broken."""
    broken = 0
    for scope in SCOPES:
        plan = Race(
            database=database, scope=scope, accounts=options.accounts, cap=options.accounts // 2,
            kills=options.kills // 10, seed=options.seed,
        )  # fmt: skip
        outcome = race(plan)
        told = ", ".join(f"{name} {count:,}" for name, count in outcome.counts.items())
        print(f"  limit of the {scope:<7} {told}", flush=True)
        print("".join(f"  BROKEN: {sentence}\n" for sentence in outcome.broken), end="", flush=True)
        broken += len(outcome.broken)
    return broken


def _vendors(database: str, options: argparse.Namespace) -> int:
    """The table of misbehaviours; 1 when any ended otherwise than its name says."""
    return _on_scratch(database, "tests.torture.vendors")


def _bulk(database: str, options: argparse.Namespace) -> int:
    """The calls that a run of a thousand accounts makes to vendors with bulk endpoints; 1 when they are too many."""
    return _on_scratch(database, "tests.torture.bulk")


def _on_scratch(database: str, module: str) -> int:
    """The exit code of a module that brings its own vendors, run on a new database."""
    with databases.scratch(database) as environment:
        return subprocess.run([sys.executable, "-m", module], cwd=ROOT, env=environment).returncode


def _points(database: str, options: argparse.Namespace) -> int:
    """Every point of an item's life: killed there, the recovery as well, with a database that refuses once, and that
    takes nothing from there on; how many of the four are broken.
    """
    ways = {
        "killed": (), "killed, and again": ("--twice", str(options.seed)),
        "refused": ("--refuse", "once"), "refused from there on": ("--refuse", "lasting"),
    }  # fmt: skip
    broken = 0
    for name, way in ways.items():
        print(f"  {name}:", flush=True)
        broken += inside(database, "tests.torture.points", *way)
    return broken


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


def _overlap(database: str, options: argparse.Namespace) -> int:
    """Runs over the same accounts while people edit them; how many sentences are broken."""
    broken = 0
    for seed in range(options.seed, options.seed + options.repeats):
        broken += _told(f"seed {seed}", overlap(Overlap(database=database, seed=seed)))
    return broken


def _trouble(database: str, options: argparse.Namespace) -> int:
    """A full disk, lost connections or a lock; how many sentences are broken."""
    broken = 0
    for kind in kinds(database):
        hold = HOLDS[kind]
        plan = Trouble(database=database, kind=kind, seed=options.seed, times=options.times, hold=hold)
        broken += _told(kind, trouble(plan))
    return broken


def _upgrade(database: str, options: argparse.Namespace) -> int:
    """A full queue whose messages are lost or lead nowhere; how many sentences are broken."""
    return sum(_told(kind, upgrade(Upgrade(database=database, kind=kind))) for kind in KINDS)


def _told(name: str, outcome: Outcome) -> int:
    """Print what came of something; how many sentences are broken."""
    told = ", ".join(f"{each} {count:,}" for each, count in outcome.counts.items())
    print(f"  {name}: {told}", flush=True)
    print("".join(f"  BROKEN: {sentence}\n" for sentence in outcome.broken[:20]), end="", flush=True)
    return len(outcome.broken)


def _steering(database: str, options: argparse.Namespace) -> int:
    """Pause, resume after kill -9, cancel; how many sentences are broken."""
    came = steer(database)
    print("\n".join(f"  {name:<26}{taken:>8.1f} s" for name, taken in came.seconds.items()), flush=True)
    print("\n".join(f"  {name:<26}{count:>8,}" for name, count in came.counts.items()), flush=True)
    print("".join(f"  BROKEN: {sentence}\n" for sentence in came.broken), end="", flush=True)
    return len(came.broken)


def _soak(database: str, options: argparse.Namespace) -> int:
    """Minutes of steady load with a kill a minute; how many sentences are broken."""
    return _told("soak", soak(Soak(database=database, minutes=options.minutes, seed=options.seed)))


def _imports(database: str, options: argparse.Namespace) -> int:
    """Imports killed at random moments; how many sentences are broken."""
    plan = Imports(database=database, seed=options.seed, rows=25 * options.accounts, kills=options.kills // 4)
    return _told("imports", imports(plan))


def _wedge(database: str, options: argparse.Namespace) -> int:
    """Two clusters of which one stands still; how many sentences are broken."""
    return _told("wedge", wedge(Wedge(database=database)))


PARTS: dict[str, Callable[[str, argparse.Namespace], int]] = {
    "kills": _kills,
    "freezes": _freezes,
    "points": _points,
    "overlap": _overlap,
    "trouble": _trouble,
    "upgrade": _upgrade,
    "wedge": _wedge,
    "imports": _imports,
    "budget": _budget,
    "schedules": _schedules,
    "steering": _steering,
    "soak": _soak,
    "vendors": _vendors,
    "bulk": _bulk,
    "throughput": _throughput,
}
"""What there is to run; each prints its counts and returns how much is broken."""


if __name__ == "__main__":
    sys.exit(main())
