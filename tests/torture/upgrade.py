"""An upgrade over a full queue: its messages are lost or lead nowhere, or its workers are stopped and started again amid
them; the runs they were about end all the same.

`python -m tests.torture.upgrade KIND RUNS` starts the runs as the old version did.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

from benchmarks import databases
from tests.torture import facts, numbers
from tests.torture.house import ROOT, House, query, settings_for, vendor
from tests.torture.outcome import Outcome
from tests.torture.torment import is_over
from tests.torture.vendor import PAID

KEY, RENAMED, ROLLED = "new secret key", "renamed task", "rolled out again and again"
KINDS = (KEY, RENAMED, ROLLED)
ROLLS = 5


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """`runs` of one account each, and so as many messages in the queue, when the new version starts."""

    database: str
    kind: str
    runs: int = 500
    longest: float = 3600.0


def upgrade(plan: Upgrade) -> Outcome:
    """Fill the queue with the old version, work with the new one."""
    with databases.scratch(plan.database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, 0.05) as port:
            old = settings_for(scratch, port, FOOTNOTE_WORKERS="2", TORTURE_STUCK="120")
            command = [sys.executable, "-m", "tests.torture.upgrade", plan.kind, str(plan.runs)]
            subprocess.run(command, cwd=ROOT, env=old, check=True)
            ((messages,),) = query(old, "SELECT count(*) FROM django_q_ormq")
            new = old | ({"SECRET_KEY": "another-only-for-tests"} if plan.kind == KEY else {})
            house = House(new | {"FOOTNOTE_CLUSTER": "torture"}, arguments=("--workers-only",))
            began = time.monotonic()
            rolls = _work(plan, house, began + plan.longest)
            took = time.monotonic() - began
        return _judged(plan, new, log, messages, round(took), rolls)


def _work(plan: Upgrade, house: House, until: float) -> int:
    """Let the new version work until all runs have ended; how often it was rolled out again on the way."""
    rolls = 0
    house.start()
    try:
        while not is_over(house.environment) and time.monotonic() < until:
            time.sleep(0.5)
            if plan.kind == ROLLED and rolls < min(
                ROLLS, _done(house.environment) * (ROLLS + 1) // plan.runs
            ):
                house.stop()
                house.start()
                rolls += 1
    finally:
        house.stop()
    return rolls


def _done(environment: dict[str, str]) -> int:
    ((done,),) = query(environment, "SELECT count(*) FROM enrichment_runitem WHERE state = 'completed'")
    return int(done)


def _judged(
    plan: Upgrade, environment: dict[str, str], log: Path, messages: int, seconds: int, rolls: int
) -> Outcome:
    asked = facts.read_log(log)
    states = dict(query(environment, "SELECT state, count(*) FROM enrichment_runitem GROUP BY state"))
    done = states.get("completed", 0)
    outcome = Outcome(
        {
            "messages": messages,
            "items done": done,
            "questions": asked.total(),
            "rolls": rolls,
            "seconds": seconds,
        }
    )
    for sentence, is_so in (
        ("the queue was not full", messages < plan.runs),
        (f"{plan.runs - done} items are lost: {states}", done != plan.runs),
        (f"{asked.total()} questions for {plan.runs} accounts", asked.total() != plan.runs),
        ("it was not rolled out", plan.kind == ROLLED and rolls == 0),
        ("a question was put twice", any(count > 1 for count in asked.values())),
    ):
        outcome.broken += [sentence] * is_so
    outcome.broken += numbers.wrong(environment)
    return outcome


def prepare(kind: str, count: str) -> None:
    """Start a run over each of `count` accounts, and leave their messages in the queue."""
    from django.core.management import call_command

    from crm.models import Account
    from enrichment import runs
    from enrichment.models import EnrichmentSource
    from enrichment.registration import sync_sources
    from sources.attributes import Kind

    call_command("migrate", interactive=False, verbosity=0)
    sync_sources()
    EnrichmentSource.objects.filter(slug=PAID).update(
        is_enabled=True, per_minute=100_000, credit_price="0.25", cadence="monthly"
    )
    if kind == RENAMED:
        now = vars(runs)["async_task"]

        def then(name: str, *arguments: Any) -> Any:
            return now(f"{name}_as_it_was_called", *arguments)

        vars(runs)["async_task"] = then
    numbers = [n for n in range(2 * int(count)) if n % 50 != 13][: int(count)]  # 13: the vendor refuses those
    for n in numbers:
        account = Account.objects.create(
            name=f"Company {n}", name_key=f"company {n}", domain=f"company{n}.com"
        )
        runs.start(kind=Kind.ACCOUNT, records=Account.objects.filter(pk=account.pk), sources=[PAID])


if __name__ == "__main__":
    django.setup()
    prepare(*sys.argv[1:])
