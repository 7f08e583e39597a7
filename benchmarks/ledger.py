"""P1 and P2: writing what sources answered, against the ORM's bulk methods and against raw COPY."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection

from benchmarks import orm, raw, world
from benchmarks.rounds import alternate, seconds
from benchmarks.table import Row
from enrichment import claims
from enrichment.claims import Answer
from enrichment.models import AttributeValue
from sources.attributes import Kind

Write = Callable[[int, Sequence[Answer]], object]
"""Records the answers of a run: one chunk."""

CHUNK = 1000  # accounts
PEER_SHARE = 5  # the peers write a fifth of the chunks: they are as slow in each of them


def by_claims(run: int, answers: Sequence[Answer]) -> None:
    """One chunk by the ledger."""
    claims.record(run=run, kind=Kind.ACCOUNT, answers=answers)


def by_orm(run: int, answers: Sequence[Answer]) -> None:
    """One chunk by an ORM application that writes what changed."""
    orm.Ledger(run).record(answers)


def by_touching_orm(run: int, answers: Sequence[Answer]) -> None:
    """One chunk by an ORM application that also dates every value it saw again."""
    orm.Ledger(run, touches_all=True).record(answers)


def write(way: Write, answers: Sequence[Answer]) -> float:
    """Seconds a value that a new run takes to record `answers`."""
    run = world.make_run()
    parts = list(world.chunks(answers, CHUNK))

    def work() -> None:
        for part in parts:
            way(run, part)

    return seconds(work) / _values(answers)


def writing(database: str, *, accounts: int, rounds: int) -> list[Row]:
    """P1: new values, then all of them changed."""

    def new_and_changed(way: Write) -> dict[str, float]:
        team = world.make_world(accounts)
        first, second = (_share(world.answers(team, edition=n), way) for n in (0, 1))
        new = write(way, first)
        world.settle_down()
        return {"new": new, "changed": write(way, second)}

    def limit() -> dict[str, float]:
        answers = world.answers(world.make_world(accounts), edition=0)
        taken = raw.pour(raw.rows_of(answers, world.make_run())) / _values(answers)
        return {"new": taken, "changed": taken}

    ways = {
        "ours": lambda: new_and_changed(by_claims),
        "peer": lambda: new_and_changed(by_orm),
        "limit": limit,
    }
    taken = alternate(rounds, ways)
    is_postgres = connection.vendor == "postgresql"
    targets = (
        {"new": (3, 0.10), "changed": (4, None)} if is_postgres else {"new": (6, None), "changed": (10, None)}
    )
    return [
        Row(
            number="P1", path=f"write {part} values", database=database, unit="values/s",
            ours=1 / taken["ours"][part], peer=1 / taken["peer"][part], limit=1 / taken["limit"][part],
            peer_target=targets[part][0], limit_target=targets[part][1],
            note="peer is bulk_create of values and checks, bulk_update of superseded rows and current values, in equal "
            "chunks; limit is one COPY (SQLite: executemany) of the values into an equal table without keys",
        )
        for part in ("new", "changed")
    ]  # fmt: skip


def rechecking(database: str, *, accounts: int, rounds: int) -> list[Row]:
    """P2: the same questions again, 90 % of the values unchanged, reading the old state included."""

    def again(way: Write) -> dict[str, float]:
        team = world.make_world(accounts)
        write(by_claims, world.answers(team, edition=0))
        world.settle_down()
        answers = _share(world.answers(team, edition=1, changed=0.1), way)
        before = AttributeValue.objects.count()
        taken = write(way, answers)
        _prove_unchanged_values_wrote_nothing(before, answers)
        return {"again": taken}

    taken = alternate(rounds, {
        "ours": lambda: again(by_claims),
        "orm": lambda: again(by_orm),
        "touching": lambda: again(by_touching_orm),
    })  # fmt: skip
    peers = (
        ("an ORM that dates all", "touching", 10.0, "loads, compares, and dates every value it saw again by bulk_update"),
        ("an ORM that skips them", "orm", 2.5, "loads, compares, and writes what changed by bulk_create and bulk_update"),
    )  # fmt: skip
    return [
        Row(
            number="P2", path=f"re-enrich, 90 % unchanged, vs {label}", database=database, unit="values/s",
            ours=1 / taken["ours"]["again"], peer=1 / taken[name]["again"], peer_target=target, note=f"peer {note}",
        )
        for label, name, target, note in peers
    ]  # fmt: skip


def _prove_unchanged_values_wrote_nothing(before: int, answers: Sequence[Answer]) -> None:
    changed = sum("?edition=" in claim.references[0] for answer in answers for claim in answer.claims)
    if AttributeValue.objects.count() - before != changed:
        raise AssertionError("an unchanged value caused a row of its own")
    if AttributeValue.objects.exclude(superseded_at=None).count() != changed:
        raise AssertionError("an unchanged value was superseded")


def _share(answers: Sequence[Answer], way: Write) -> Sequence[Answer]:
    """All answers for the ledger, those about the first accounts for a peer."""
    return answers if way is by_claims else answers[: max(len(answers) // PEER_SHARE, 400)]


def _values(answers: Sequence[Answer]) -> int:
    return sum(len(answer.claims) for answer in answers)
