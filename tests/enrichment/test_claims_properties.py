"""Random histories of runs, edits, undos and policies; each must leave what the rules say."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from crm.models import Account
from enrichment import claims
from enrichment.claims import Answer, CleanClaim, recording
from enrichment.models import AttributeValue, Check, EnrichmentRun, EnrichmentSource, Freshness
from enrichment.models.check import Outcome
from sources.attributes import Kind
from tests.factories import START, make_account, make_run, make_source, make_writer

pytestmark = pytest.mark.django_db

RUNS, SOURCES, ATTRIBUTES = 5, ("vendor", "other", "spreadsheet"), ("industry", "name")
EXAMPLES = int(os.environ.get("FOOTNOTE_EXAMPLES", "40"))
ledger_test = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Told:
    """A run got an answer from a source, `days` after the start."""

    run: int
    source: str
    days: int
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Pinned:
    """A person typed a value, or (None) released it."""

    attribute: str
    value: str | None


# Dense on purpose: few values, so that equal neighbours (which only `asserted` remembers) are common,
# and runs in order, with a late answer now and then.
values = st.one_of(st.sampled_from(["a", "b"]), st.sampled_from(["a", 1, True, "1", 1.5, ["a"], ["a", "b"]]))
answers = st.dictionaries(st.sampled_from(ATTRIBUTES), values, max_size=2).map(lambda d: tuple(d.items()))
days_late = st.sampled_from([0, 0, 0, 2])
pins = st.lists(st.sampled_from(["typed", "typed too", None]), max_size=1)


@st.composite
def histories(draw: st.DrawFn) -> list[Told | Pinned]:
    """Runs in which some sources answer, and what a person typed between them."""
    history: list[Told | Pinned] = []
    for run in range(RUNS):
        for source in draw(st.sets(st.sampled_from(SOURCES), min_size=1)):
            history += [Told(run, source, run - draw(days_late), draw(answers))]
        history += [Pinned("industry", value) for value in draw(pins)]
    return history


class World:
    """Accounts, sources and runs on which histories are played."""

    def __init__(self) -> None:
        self.sources = {
            "vendor": make_source("vendor", rank=10),
            "other": make_source("other", rank=30),
            "spreadsheet": make_writer("spreadsheet", rank=20),
            "user": make_writer("user", rank=1),
        }
        self.runs = [make_run(name=f"Run {number}") for number in range(RUNS)]

    def play(self, account: Account, history: list[Told | Pinned]) -> None:
        for event in history:
            if isinstance(event, Pinned):
                if event.value is None:
                    claims.release(account, event.attribute)
                else:
                    claims.pin(account, event.attribute, event.value, user="olive")
            else:
                self.tell(account, event)

    def tell(self, account: Account, told: Told) -> claims.Recorded:
        # The order of runs is part of the moment, so that no two answers are equally old.
        at = START + timedelta(days=told.days, minutes=told.run)
        reference = f"https://example.com/{told.days}/{told.run}"
        answer = Answer(
            record=account.pk,
            source=self.sources[told.source].pk,
            at=at,
            outcome=Outcome.FOUND if told.values else Outcome.NOT_FOUND,
            claims=tuple(
                CleanClaim(slug, value, (reference,), original=str(told.run)) for slug, value in told.values
            ),
        )
        return claims.record(run=self.runs[told.run].pk, kind=Kind.ACCOUNT, answers=[answer])


def live(account: Account) -> set[tuple[Any, ...]]:
    """The claims that stand, without their ids."""
    rows = AttributeValue.objects.filter(account=account, superseded_at=None, retracted_at=None)
    return {
        (r.attribute, r.source.slug, repr(r.value), str(r.references), r.original, r.source.slug != "user" and r.first_seen_at)
        for r in rows.select_related("source")
    }  # fmt: skip


def shown(account: Account) -> Any:
    """What a record shows; when a person typed does not matter."""
    account.refresh_from_db()
    current = {slug: dict(entry) for slug, entry in account.current_values.items()}
    for entry in current.values():
        if entry["source"] == "user":
            entry.pop("created_at")
    return repr(sorted(current.items())), account.identity(), account.name_key


def fresh(account: Account) -> set[tuple[Any, ...]]:
    rows = Freshness.objects.filter(account=account)
    return set(rows.values_list("source__slug", "checked_at", "due_at", "key"))


def state(account: Account) -> tuple[Any, ...]:
    return shown(account), live(account), fresh(account)


def rows() -> list[tuple[Any, ...]]:
    """The whole ledger, ids included."""
    found = AttributeValue.objects.order_by("id").values_list("id", "value", "superseded_at", "retracted_at")
    return [*found, *Check.objects.order_by("id").values_list("id", "asserted"), *Account.objects.values_list("id", "current_values")]  # fmt: skip


def rolled_back(test: Callable[..., None]) -> Callable[..., None]:
    """Each example on a database without the ones before."""

    def run(*args: Any) -> None:
        with transaction.atomic():
            test(*args)
            transaction.set_rollback(True)

    return run


@rolled_back
def undo_equals_never(history: list[Told | Pinned], undone: set[int]) -> None:
    world, played, never = World(), make_account(), make_account()
    world.play(played, history)
    world.play(never, [e for e in history if isinstance(e, Pinned) or e.run not in undone])
    for number in sorted(undone):
        claims.undo(world.runs[number].pk)
    assert state(played) == state(never)


@ledger_test
@given(history=histories(), undone=st.sets(st.integers(0, RUNS - 1), min_size=1, max_size=3))
@example(
    history=[Told(0, "vendor", 1, (("industry", "a"),)), Told(1, "vendor", 2, (("industry", "a"),))],
    undone={0},
)
def test_undoing_runs_leaves_values_as_if_they_had_never_been(history, undone) -> None:
    undo_equals_never(history, undone)


def test_the_histories_are_dense_enough_to_need_asserted(monkeypatch) -> None:
    """Without what checks asserted, undo is wrong, and random histories show it."""
    write_check = recording.Chunk._check
    monkeypatch.setattr(
        recording.Chunk,
        "_check",
        lambda self, answer, _asserted, **more: write_check(self, answer, [], **more),
    )

    @settings(ledger_test, max_examples=max(EXAMPLES, 60), database=None, phases=[Phase.generate])
    @given(history=histories(), undone=st.sets(st.integers(0, RUNS - 1), min_size=1, max_size=3))
    def undo_without_asserted(history, undone):
        undo_equals_never(history, undone)

    with pytest.raises(AssertionError):
        undo_without_asserted()


@ledger_test
@given(history=histories())
def test_switching_policy_and_back_changes_nothing(history) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        before = rows()
        claims.switch_policy("newest")
        claims.switch_policy("rank")
        assert rows() == before

    check()


@ledger_test
@given(history=histories(), undone=st.sets(st.integers(0, RUNS - 1), max_size=2))
def test_rebuild_changes_no_row(history, undone) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        for number in undone:
            claims.undo(world.runs[number].pk)
        before = rows()
        rebuilt = claims.rebuild()
        assert (rebuilt.claims, rebuilt.dates, rebuilt.current) == (0, 0, 0)
        assert rows() == before

    check()


@ledger_test
@given(history=histories())
def test_rebuild_restores_lost_current_values(history) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        before = shown(account)
        lost: dict[str, Any] = {"current_values": {"junk": {"value": 1}}}
        if before[1]["name"]:  # else it is the record's own, which nobody claimed
            lost |= {"name": "", "name_key": "x"}
        Account.objects.filter(pk=account.pk).update(**lost)
        claims.rebuild()
        assert shown(account) == before

    check()


@ledger_test
@given(history=histories())
def test_recording_twice_changes_nothing(history) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        before = rows()
        for event in history:
            if isinstance(event, Told):
                assert world.tell(account, event).skipped == 1
        assert rows() == before

    check()


@ledger_test
@given(history=histories(), source=st.sampled_from(SOURCES))
def test_an_empty_answer_changes_no_value(history, source) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        before = shown(account), live(account)
        world.runs.append(make_run())
        world.tell(account, Told(RUNS, source, 9, ()))
        assert (shown(account), live(account)) == before

    check()


@ledger_test
@given(history=histories())
def test_one_claim_at_most_is_live_for_each_source(history) -> None:
    @rolled_back
    def check() -> None:
        world, account = World(), make_account()
        world.play(account, history)
        keys = [(attribute, source) for attribute, source, *_ in live(account)]
        assert len(keys) == len(set(keys))
        assert EnrichmentRun.objects.count() == RUNS and EnrichmentSource.objects.count() == 4

    check()
