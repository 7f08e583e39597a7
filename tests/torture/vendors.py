"""Prints the table of vendor misbehaviours: `python -m tests.torture.vendors`, on the database of DATABASE_URL."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import django

SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared"


def main() -> int:
    """Put every case to the engine, once paid and once free; 1 when any came to another outcome than its name says."""
    from django.core.management import call_command

    from enrichment import runs
    from sources import registry
    from tests.torture import unsafe
    from tests.torture.corpus_source import CorpusSource
    from tests.torture.misbehaviour import Came, behaviours, bodies, json_texts, stage

    if not SHARED.is_dir():
        print("  left out: the folder of corpora is not beside the project")
        return 0
    call_command("migrate", interactive=False, verbosity=0)
    runs.NAP = 0
    adapters = {**registry.adapters(), "corpus": CorpusSource()}
    vars(registry)["adapters"] = lambda: adapters
    came: list[Came] = []
    with stage(CorpusSource()) as ours:
        for cost in (2, 0):
            cases = [*bodies(SHARED), *json_texts(SHARED), *behaviours()]
            came += [ours.try_(case, cost=cost) for case in cases]
    for fault in unsafe.FAULTS:
        came += unsafe.insecure(fault)
    came += unsafe.unnamed()
    print("\n".join(table(came)))
    print("\n".join(elsewhere({each.case.name for each in came})))
    return int(any(each.wrong for each in came))


def table(came: Iterable[object]) -> Iterable[str]:
    """A line for each case of the two smaller corpora, and the sums of all."""
    from tests.torture.misbehaviour import Came

    rows: dict[tuple[str, str], list[Came]] = {}
    for each in came:
        assert isinstance(each, Came)
        rows.setdefault((each.case.corpus, each.case.name), []).append(each)
    sums: Counter[tuple[str, str]] = Counter()
    for (corpus, name), pair in rows.items():
        said = [f"{each.outcome} ({each.lookup})" for each in pair]
        sums.update((corpus, each.outcome) for each in pair)
        if corpus != "json-parsing":
            yield f"  {corpus:<16} {name:<60.60} {said[0]:<24} {said[-1]:<24} {pair[0].case.expected[:40]}"
        yield from (f"  BROKEN: {corpus} {name}: {wrong}" for each in pair for wrong in each.wrong)
    for (corpus, outcome), count in sorted(sums.items()):
        yield f"  {corpus:<16} {outcome:<12} {count:>6,}"


def elsewhere(told: Collection[str]) -> Iterator[str]:
    """A line for each behaviour that only a website can show, with the test that holds its outcome."""
    from tests.sources.test_http_behaviours import ELSEWHERE

    lines = (SHARED / "corpora/http-behaviours/behaviours.jsonl").read_text(encoding="utf-8").splitlines()
    expected = {row["name"]: row["expect"] for row in map(json.loads, lines)}
    for where, names in ELSEWHERE.items():
        for name in sorted(names - set(told)):
            yield f"  {'http-behaviours':<16} {name:<60.60} {'see ' + where:<49.49} {expected[name][:40]}"


if __name__ == "__main__":
    django.setup()
    sys.exit(main())
