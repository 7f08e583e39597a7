"""Every point at which an item's life may be cut: `python -m tests.torture.points LOG PORT [--every 5] [--case paid]`.

A child process is killed before or after its N-th write, commit or vendor call, for every N; another one goes on.
With `--refuse` it lives: its database takes nothing from that point on, or refuses once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import django

LONGEST = 120  # seconds a child may take
LASTING = "lasting"
MET = 3  # exit code of a process that met its fault and lived
MOST, LAST = 1000, 999  # accounts of a case, the number of its last


@dataclass
class Visit:
    """What came of the points of one case; `stood`: rows of the crash table."""

    case: str
    points: int = 0
    visited: int = 0
    stood: Counter[str] = field(default_factory=Counter)
    asked_twice: int = 0
    broken: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """The lines of the table."""
        share = 100 * self.visited / max(self.points, 1)
        stood = ", ".join(f"{count} {name}" for name, count in self.stood.items())
        line = f"  {self.case:<20}{self.visited:>5} of {self.points} points ({share:.0f} %), asked twice {self.asked_twice}"
        return "\n".join(
            [f"{line}; cut {stood}", *(f"  BROKEN: {sentence}" for sentence in self.broken[:20])]
        )


def visit(case: lives.Case, number: int, log: Path, options: argparse.Namespace) -> Visit:
    """Cut the life of a case at each of the chosen points; `number`: of the first account it may use."""
    first, every = options.first, options.every
    dice = random.Random(f"{options.twice} {case.name}") if options.twice is not None else None
    first_of_all = lives.Life(case, number + LAST, log)  # what it loads, the children need not
    first_of_all.begin()
    first_of_all.recover()
    calm = lives.Life(case, number, log)
    calm.begin()
    names = _calm_points(calm)
    expected = lives.left(calm)
    found = Visit(case.name, points=len(range(first, len(names), every)))
    found.broken += [f"undisturbed: {each}" for each in lives.wrong(calm, (), expected)]
    for point in range(first, len(names), every):
        life = lives.Life(case, number + 1 + point, log, keeps=bool(options.refuse))
        second = dice.randrange(len(names)) if dice else None
        meet = (
            partial(_refused, life, point, options.refuse)
            if options.refuse
            else partial(_killed, life, point)
        )
        _cut(life, meet, f"point {point}, {names[point]}", expected, found, second)
    return found


def _calm_points(life: lives.Life) -> list[str]:
    """What the points of an undisturbed life are about."""
    told = Path(f"{life.log}.points")

    def act() -> None:
        each = fault.Fault(-1)
        each.install()
        life.go_on()
        told.write_text(json.dumps(each.names))

    _in_child(act)
    names: list[str] = json.loads(told.read_text())
    return names


def _cut(
    life: lives.Life,
    meet: Callable[[], None],
    where: str,
    expected: lives.Left,
    found: Visit,
    second: int | None,
) -> None:
    """Let one life `meet` its fault, perhaps cut the recovery too (at its point `second`), let others go on, judge."""
    life.begin()
    found.visited += _in_child(meet) in (MET, -signal.SIGKILL)
    stood = [lives.standing(life)]
    found.stood[stood[0]] += 1
    if second is not None:

        def go_on() -> None:
            fault.Fault(second).install()
            life.recover()

        before = life.questions
        _in_child(go_on)
        if life.questions > before:  # else it still stands where it stood, or was settled since
            stood.append(lives.standing(life))
    ended = _in_child(life.recover)
    found.asked_twice += len(life.asked()) > 1
    sentences = [*lives.wrong(life, stood, expected)] if ended == 0 else ["the process that went on failed"]
    where += f", then point {second}" if second is not None else ""
    found.broken += [f"{where} ({', then '.join(stood)}): {sentence}" for sentence in sentences]


def _killed(life: lives.Life, point: int) -> None:
    fault.Fault(point).install()
    life.go_on()


def _refused(life: lives.Life, point: int, how: str) -> None:
    """The database refuses at a point, or from there on; the process goes on as it can."""
    each = fault.Fault(point, fault.refuse, lasts=how == LASTING)
    each.install()
    if each.lasts:
        spool.PATIENCE = 0
    with suppress(OperationalError):
        life.go_on()
    if each.is_met:
        os._exit(MET)


def _in_child(act: Callable[[], None]) -> int:
    """Do `act` in a process of its own; its exit code, negative the signal that ended it."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(LONGEST)
            act()
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> int:
    """Visit the points of the chosen cases, print the table; 1 when anything is broken or a point was left out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument(
        "--twice", type=int, metavar="SEED", help="cut the recovery as well, at a random point"
    )
    parser.add_argument("--refuse", choices=(LASTING, "once"), help="the database refuses, nobody is killed")
    parser.add_argument("--case", nargs="*", default=[])
    options = parser.parse_args()
    lives.prepare(options.port)
    lives.hurry()
    is_broken = False
    for place, case in enumerate(lives.chosen(options.case)):
        found = visit(case, place * MOST, options.log, options)
        print(found.shown(), flush=True)
        is_broken |= bool(found.broken) or found.visited < found.points
    for sentence in lives.wrong_budgets():
        print(f"  BROKEN: {sentence}", flush=True)
        is_broken = True
    return int(is_broken)


if __name__ == "__main__":
    django.setup()

from django.db import OperationalError, connections  # noqa: E402

from enrichment import spool  # noqa: E402
from tests.torture import fault, lives  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
