"""Several runs over the same accounts, and people who edit them meanwhile: each question is paid once, each edit stands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases
from tests.torture import facts, numbers
from tests.torture.house import ROOT, House, query, settings_for, vendor
from tests.torture.outcome import Outcome
from tests.torture.vendor import FREE, PAID

FIRST_ANSWER = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """`edits` by people, spread over about `seconds`, from the first question on."""

    database: str
    seed: int
    accounts: int = 500
    runs: int = 4
    edits: int = 200
    seconds: float = 8.0
    workers: int = 4
    longest: float = 1800.0


def overlap(plan: Overlap) -> Outcome:
    """Let runs and people loose on the same accounts."""
    with databases.migrated(plan.database) as scratch, TemporaryDirectory() as folder:
        log, edits = Path(folder) / "vendor.log", Path(folder) / "edits.log"
        with vendor(log, 0.02) as port:
            environment = settings_for(scratch, port, FOOTNOTE_WORKERS=str(plan.workers), TORTURE_STUCK="120")
            _editor(environment, "prepare", plan.accounts, plan.runs, 4).wait()
            house = House(environment | {"FOOTNOTE_CLUSTER": "torture"}, arguments=("--workers-only",))
            house.start()
            try:
                _wait_for_question(log)
                people = _editor(environment, "edit", plan.seed, plan.edits, plan.seconds, edits)
                ended = _wait(environment, people, plan.longest)
            finally:
                house.stop()
        return _judged(plan, environment, log, edits, ended)


def _editor(environment: dict[str, str], *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.torture.editor", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def _wait_for_question(log: Path) -> None:
    until = time.monotonic() + FIRST_ANSWER
    while not (log.exists() and log.stat().st_size) and time.monotonic() < until:
        time.sleep(0.05)


def _wait(environment: dict[str, str], people: subprocess.Popen[bytes], longest: float) -> bool:
    """Until all runs have ended and nobody edits any more; False: that took too long, or editing failed."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        open_runs = query(
            environment,
            "SELECT 1 FROM enrichment_enrichmentrun WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELED', 'CRASHED')",
        )
        if people.poll() is not None and not open_runs:
            return people.returncode == 0
        time.sleep(0.3)
    people.kill()
    return False


def _judged(plan: Overlap, environment: dict[str, str], log: Path, edits: Path, ended: bool) -> Outcome:
    asked = facts.read_log(log)
    keys: Counter[str] = Counter()
    for slug, key in query(
        environment,
        "SELECT s.slug, l.key FROM enrichment_lookup l JOIN enrichment_enrichmentsource s ON s.id = l.source_id "
        "WHERE l.state <> 'released' GROUP BY s.slug, l.key",
    ):
        keys[slug] += bool(key)
    calls: Counter[str] = Counter()
    for (source, _), count in asked.items():
        calls[source] += count
    typed = [json.loads(line) for line in edits.read_text().splitlines()]
    fallen, unwritten = _fallen(environment, typed), len(typed) - _written(environment)
    double = query(
        environment,
        "SELECT account_id, attribute, source_id FROM enrichment_attributevalue WHERE superseded_at IS NULL "
        "AND retracted_at IS NULL GROUP BY account_id, attribute, source_id HAVING count(*) > 1",
    )
    asking = "JOIN enrichment_enrichmentrun r ON r.id = i.run_id WHERE r.asks"
    ((items,),) = query(environment, f"SELECT count(*) FROM enrichment_runitem i {asking}")
    ((doubts,),) = query(environment, "SELECT count(*) FROM enrichment_lookup WHERE state = 'uncertain'")
    outcome = Outcome(
        {
            "items": items, "paid questions": calls[PAID], "of them different": keys[PAID],
            "free questions": calls[FREE], "of these different": keys[FREE], "edits": len(typed),
            "edits that do not stand": len(fallen) + unwritten, "fields with two current values": len(double), "in doubt": doubts,
        }
    )  # fmt: skip
    for sentence, is_so in (
        ("the runs did not end, or somebody could not edit", not ended),
        ("questions were put twice", any(count > 1 for count in asked.values())),
        ("an account was not asked about", min(keys[PAID], keys[FREE]) != plan.accounts),
        ("items are missing", items != plan.accounts * plan.runs),
        ("edits are missing", len(typed) != plan.edits or unwritten != 0),
        ("fields have two current values", bool(double)),
    ):
        outcome.broken += [sentence] * is_so
    outcome.broken += [*fallen, *numbers.wrong(environment)]
    return outcome


def _fallen(environment: dict[str, str], typed: list[list[object]]) -> list[str]:
    """Fields that do not show what was typed into them last."""
    shown = {
        pk: json.loads(text)
        for pk, text in query(environment, "SELECT id, CAST(current_values AS TEXT) FROM crm_account")
    }
    last = {(account, slug): value for account, slug, value in typed}
    found = [(account, slug, value, shown[account].get(slug, {})) for (account, slug), value in last.items()]
    return [
        f"account {account} shows {entry.get('value')!r} by {entry.get('source')} as {slug}, typed was {value!r}"
        for account, slug, value, entry in found
        if (entry.get("value"), entry.get("source")) != (value, "user")
    ]


def _written(environment: dict[str, str]) -> int:
    """Claims of people in the history, whether they stand or were replaced by a later one."""
    ((count,),) = query(
        environment,
        "SELECT count(*) FROM enrichment_attributevalue v JOIN enrichment_enrichmentsource s ON s.id = v.source_id "
        "WHERE s.slug = 'user'",
    )
    return int(count)
