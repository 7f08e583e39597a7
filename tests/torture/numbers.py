"""The numbers that a user is shown: each run's counters against its items, and theirs against the ledger and the budgets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from tests.torture.house import query

OPEN = ("queued", "processing", "waiting")
FITTING = {
    "found": ("applied",), "not_found": ("applied",), "rejected": ("applied",), "review": ("applied",),
    "failed": ("failed", "uncertain"), "parked": ("failed",), "skipped": ("uncertain",),
}  # fmt: skip
"""The states of a question in the ledger that fit what an item says of it."""


def wrong(environment: dict[str, str]) -> Iterator[str]:
    """A sentence for each number that is not the sum it stands for; read without any of the code that counts."""
    runs = query(
        environment,
        "SELECT id, status, CAST(summary AS TEXT) FROM enrichment_enrichmentrun WHERE asks ORDER BY id",
    )
    for run, status, text in runs:
        if status != "COMPLETED":
            yield f"run {run} is {status}"
        else:
            yield from (f"run {run}: {each}" for each in _of_run(environment, run, json.loads(text)))
    yield from _of_budgets(environment)


def _of_run(environment: dict[str, str], run: int, summary: dict[str, object]) -> Iterator[str]:
    items = query(
        environment, f"SELECT state, CAST(outcomes AS TEXT) FROM enrichment_runitem WHERE run_id = {run}"
    )
    is_open = sum(state in OPEN for state, _ in items)
    if is_open:
        yield f"{is_open} of its items are open"
    sources: dict[str, Counter[str]] = {}
    for _, outcomes in items:
        for slug, entry in json.loads(outcomes).items():
            sources.setdefault(slug, Counter())[entry["outcome"]] += 1
    if summary.get("sources") != {slug: dict(each) for slug, each in sources.items()}:
        yield f"it shows {summary.get('sources')}, its items {sources}"
    yield from _of_questions(environment, run, items)
    ((values,),) = query(environment, f"SELECT count(*) FROM enrichment_attributevalue WHERE run_id = {run}")
    if summary.get("values") != values:
        yield f"it shows {summary.get('values')} values, there are {values}"
    credits = dict(
        query(
            environment,
            "SELECT s.slug, CAST(sum(l.cost) AS INTEGER) FROM enrichment_lookup l JOIN enrichment_enrichmentsource s "
            f"ON s.id = l.source_id WHERE l.run_id = {run} GROUP BY s.slug HAVING sum(l.cost) > 0",
        )
    )
    if summary.get("credits") != credits:
        yield f"it shows {summary.get('credits')} credits, the ledger {credits}"
    budget = query(environment, f"SELECT spent FROM enrichment_budget WHERE scope = 'run:{run}'")
    if (budget[0][0] if budget else 0) != sum(credits.values()):
        yield f"its budget says {budget}, the ledger {credits}"


def _of_questions(environment: dict[str, str], run: int, items: list[tuple[str, str]]) -> Iterator[str]:
    """What items say of their questions, against the ledger."""
    rows = query(environment, f"SELECT id, state FROM enrichment_lookup WHERE run_id = {run}")
    states = dict(rows)
    for _, outcomes in items:
        for slug, entry in json.loads(outcomes).items():
            state = states.get(entry["lookup"])  # of another run, where it is left out
            if state and state not in FITTING.get(entry["outcome"], (state,)):
                yield f"an item says that {slug} {entry['outcome']} ({entry['reason']}), the ledger {state}"


def _of_budgets(environment: dict[str, str]) -> Iterator[str]:
    budgets = query(environment, "SELECT scope, reserved, spent FROM enrichment_budget ORDER BY scope")
    yield from (f"{scope} has {held} reserved" for scope, held, _ in budgets if held)
    ledger = dict(
        query(
            environment,
            "SELECT source_id, CAST(sum(cost) AS INTEGER) FROM enrichment_lookup GROUP BY source_id",
        )
    )
    for source, cost in ledger.items():
        spent = sum(each for scope, _, each in budgets if scope.startswith(f"source:{source}:"))
        if spent != cost:
            yield f"the budget of source {source} says {spent} credits, the ledger {cost}"
    prices = dict(query(environment, "SELECT id, credit_price FROM enrichment_enrichmentsource"))
    money = round(sum(cost * float(prices[source]) for source, cost in ledger.items()) * 1_000_000)
    spent = sum(each for scope, _, each in budgets if scope.startswith("money:"))
    if spent != money:
        yield f"the budget of the month says {spent}, the ledger {money}"
