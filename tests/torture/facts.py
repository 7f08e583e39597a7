"""What a run left behind: read from the vendor's log and the database alone, and judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture import numbers
from tests.torture.house import query
from tests.torture.vendor import FREE, PAID

FINAL = frozenset({"completed", "discarded", "failed", "skipped", "review", "canceled"})
REFUSALS = "TORTURE_FENCES"  # names the file that `fences` writes
DOUBT = "no answer was stored: its worker ended"

Question = tuple[str, str]  # source, domain


@dataclass
class Facts:
    """The vendor's log, the ledger, the items, the values; and the budget rows."""

    asked: Counter[Question] = field(default_factory=Counter)
    lookups: dict[Question, list[tuple[str, int, str]]] = field(default_factory=dict)  # state, cost, error
    items: list[tuple[str, str]] = field(default_factory=list)  # state, outcomes as JSON text
    values: Counter[tuple[str, str, str, str]] = field(
        default_factory=Counter
    )  # live: domain, attribute, source, value
    superseded: int = 0
    budgets: dict[str, tuple[int, int]] = field(default_factory=dict)  # scope → reserved, spent
    runs: list[tuple[str, Any]] = field(default_factory=list)  # status, summary
    refused: int = 0  # items that a worker brought home when others had taken them over
    shown: tuple[str, ...] = ()  # sentences about numbers that a user is shown and that are not so
    on_the_wire: Counter[Question] = field(default_factory=Counter)  # when their workers were stopped
    span: float = 0.0  # seconds from the first question to the last answer


def read_log(path: Path) -> Counter[Question]:
    """How often each question reached the vendor."""
    asked: Counter[Question] = Counter()
    for line in path.read_text().splitlines():
        what, source, domain, *_ = line.split()
        if what == "asked":
            asked[source, domain] += 1
    return asked


def read(environment: dict[str, str], log: Path) -> Facts:
    """All that the checker looks at."""
    facts = Facts(asked=read_log(log))
    is_postgres = environment["DATABASE_URL"].startswith("postgres")
    domain = "l.question ->> 'domain'" if is_postgres else "json_extract(l.question, '$.domain')"
    for source, name, state, cost, error in query(
        environment,
        f"SELECT s.slug, {domain}, l.state, l.cost, l.error FROM enrichment_lookup l "
        "JOIN enrichment_enrichmentsource s ON s.id = l.source_id ORDER BY l.id",
    ):
        facts.lookups.setdefault((source, name), []).append((state, cost, error))
    facts.items = query(
        environment, "SELECT state, CAST(outcomes AS TEXT) FROM enrichment_runitem ORDER BY position"
    )
    facts.values = Counter(
        query(
            environment,
            "SELECT a.domain, v.attribute, s.slug, CAST(v.value AS TEXT) FROM enrichment_attributevalue v "
            "JOIN crm_account a ON a.id = v.account_id JOIN enrichment_enrichmentsource s ON s.id = v.source_id "
            "WHERE v.superseded_at IS NULL AND v.retracted_at IS NULL",
        )
    )
    ((facts.superseded,),) = query(
        environment,
        "SELECT count(*) FROM enrichment_attributevalue WHERE superseded_at IS NOT NULL OR retracted_at IS NOT NULL",
    )
    facts.budgets = {
        scope: (reserved, spent)
        for scope, reserved, spent in query(
            environment, "SELECT scope, reserved, spent FROM enrichment_budget ORDER BY scope"
        )
    }
    facts.runs = query(
        environment, "SELECT status, CAST(summary AS TEXT) FROM enrichment_enrichmentrun ORDER BY id"
    )
    seconds = (
        "extract(epoch FROM max(answered_at) - min(sent_at))"
        if is_postgres
        else "(julianday(max(answered_at)) - julianday(min(sent_at))) * 86400"
    )
    ((span,),) = query(environment, f"SELECT {seconds} FROM enrichment_lookup")
    facts.span = float(span or 0)
    facts.shown = tuple(numbers.wrong(environment))
    refusals = Path(environment[REFUSALS])
    facts.refused = len(set(refusals.read_text().split())) if refusals.exists() else 0
    return facts


@dataclass(frozen=True)
class Verdict:
    """Counts for the table, and every sentence that must not be true."""

    counts: dict[str, int]
    broken: tuple[str, ...]


def judge(facts: Facts, calm: Facts, *, in_flight: int) -> Verdict:
    """Compare what is left after torture with an undisturbed run over the same accounts."""
    left = facts.on_the_wire
    doubted = {
        question: sum(error.startswith(DOUBT) for _, _, error in rows)
        for question, rows in facts.lookups.items()
    }
    uncertain = {q for q, rows in facts.lookups.items() if any(state == "uncertain" for state, *_ in rows)}
    lost = [
        value for value in (calm.values - facts.values).elements() if (value[2], value[0]) not in uncertain
    ]
    twice = {question: count - 1 for question, count in facts.asked.items() if count > 1}
    counts = {
        "items": len(facts.items),
        "items lost": len(calm.items) - len(facts.items) + _open(facts),
        "items worse": _worse(facts, calm, uncertain),
        "values": sum(facts.values.values()),
        "values lost": len(lost),
        "values doubled": (facts.values - calm.values).total() + facts.superseded,
        "values behind a doubt": (calm.values - facts.values).total() - len(lost),
        "in flight at kills": in_flight,
        "in doubt": sum(doubted.values()),
        "refused by a fence": facts.refused,
        "asked twice, free": sum(n for (source, _), n in twice.items() if source == FREE),
        "asked twice, on the wire": sum(min(n, left.get(question, 0)) for question, n in twice.items()),
        "asked twice, paid": sum(n for (source, _), n in twice.items() if source == PAID),
        "questions at the vendor": sum(facts.asked.values()),
        "questions in the ledger": sum(map(len, facts.lookups.values())),
        "credits": sum(cost for rows in facts.lookups.values() for _, cost, _ in rows),
        "numbers shown wrong": len(facts.shown),
    }  # fmt: skip
    allowed = {question: doubted.get(question, 0) + left.get(question, 0) for question in twice}
    return Verdict(counts, tuple(_broken(facts, counts, doubted, twice, allowed)))


def _open(facts: Facts) -> int:
    return sum(state not in FINAL for state, _ in facts.items)


def _worse(facts: Facts, calm: Facts, uncertain: set[Question]) -> int:
    """Items whose state is another than undisturbed, though nothing about them is in doubt."""
    domains = {domain for _, domain in uncertain}
    pairs = zip(facts.items, calm.items, strict=False)
    return sum(
        ours[0] != theirs[0] and f"company{n}.com" not in domains for n, (ours, theirs) in enumerate(pairs)
    )


def _broken(
    facts: Facts,
    counts: dict[str, int],
    doubted: dict[Question, int],
    twice: dict[Question, int],
    allowed: dict[Question, int],
) -> list[str]:
    wrong = [
        f"{name}: {counts[name]}"
        for name in ("items lost", "items worse", "values lost", "values doubled", "asked twice, paid")
        if counts[name]
    ]
    wrong += [f"run is {status}" for status, _ in facts.runs if status != "COMPLETED"]
    if counts["asked twice, free"] > counts["in flight at kills"]:
        wrong.append("more questions asked twice than were in flight at the kills")
    wrong += [
        f"{question} asked {n} times too often"
        for question, n in twice.items()
        if n > allowed.get(question, 0)
    ]
    wrong += _ledger_against_log(facts, doubted) + _money(facts, counts["credits"])
    return [*wrong, *(f"shown: {each}" for each in facts.shown)]


def _ledger_against_log(facts: Facts, doubted: dict[Question, int]) -> list[str]:
    """Every question at the vendor is in the ledger; every one in the ledger reached the vendor or is in doubt."""
    wrong = []
    for question in facts.asked.keys() | facts.lookups.keys():
        sent = [state for state, *_ in facts.lookups.get(question, []) if state != "released"]
        if not len(sent) - doubted.get(question, 0) <= facts.asked[question] <= len(sent):
            wrong.append(
                f"{question}: {facts.asked[question]} at the vendor, {len(sent)} in the ledger: {sent}"
            )
        wrong += [
            f"{question} is still {state}" for state in sent if state in ("sent", "planned", "reserved")
        ]
        wrong += [f"{question} was answered and not applied" for state in sent if state == "answered"]
    return wrong


def _money(facts: Facts, credits: int) -> list[str]:
    """What the budgets say was spent is what the ledger says; nothing stays reserved."""
    wrong = [f"{scope} still has {held} reserved" for scope, (held, _) in facts.budgets.items() if held]
    micros = sum(spent for scope, (_, spent) in facts.budgets.items() if scope.startswith("money:"))
    for kind, spent in (
        ("source", sum(spent for scope, (_, spent) in facts.budgets.items() if scope.startswith("source:"))),
        ("run", sum(spent for scope, (_, spent) in facts.budgets.items() if scope.startswith("run:"))),
        ("money", micros // 250_000),
    ):
        if spent != credits:
            wrong.append(f"the budget of the {kind} says {spent} credits, the ledger {credits}")
    return wrong
