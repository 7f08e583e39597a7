"""Replays of random histories of answers: what they read anew, and what an undo brings back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.models import Account
from enrichment import claims
from enrichment.claims import Answer, CleanClaim
from enrichment.models import EnrichmentRun, EnrichmentSource, Lookup
from enrichment.models.check import Outcome
from sources.attributes import Kind
from tests.enrichment.test_claims_properties import ledger_test, live, rolled_back, shown
from tests.factories import START, make_account, make_run, make_source

pytestmark = pytest.mark.django_db

facts = st.dictionaries(st.sampled_from(["industry", "name"]), st.sampled_from(["a", "b", "c"]), max_size=2)


def tell(
    run: EnrichmentRun, account: Account, source: EnrichmentSource, day: int, told: dict[str, Any]
) -> Answer:
    at = START + timedelta(days=day)
    lookup, _ = Lookup.objects.get_or_create(
        source=source,
        key=f"{account.pk}-{day}",
        defaults={"question": {}, "period": "2026-01", "sent_at": at},
    )
    return Answer(
        record=account.pk, source=source.pk, at=at, lookup=lookup.pk, key=lookup.key,
        outcome=Outcome.FOUND if told else Outcome.NOT_FOUND,
        claims=tuple(CleanClaim(slug, value, (f"https://x/{day}",)) for slug, value in told.items()),
    )  # fmt: skip


@ledger_test
@given(
    days=st.lists(st.tuples(st.integers(0, 3), facts), min_size=1, max_size=5),
    anew=st.dictionaries(st.integers(0, 3), facts, min_size=1),
    after=st.lists(st.tuples(st.integers(0, 5), facts), max_size=2),
    undone=st.sets(st.integers(0, 4), max_size=2),
)
@example(days=[(0, {"industry": "a"}), (1, {"industry": "a"})], anew={1: {}}, after=[], undone=set())
def test_replays_of_random_histories(days, anew, after, undone) -> None:
    """The diff is true; undoing equals never; rebuilding changes nothing; whatever is undone before or after."""

    @rolled_back
    def check() -> None:
        source, account = make_source("vendor", rank=10), make_account()
        never = make_account()
        histories = [make_run() for _ in days]
        later = [make_run() for _ in after]
        again = make_run()

        def play(who: Account, runs_: list[EnrichmentRun], told: Any) -> None:
            for run, (day, values_) in zip(runs_, told, strict=True):
                claims.record(run=run.pk, kind=Kind.ACCOUNT, answers=[tell(run, who, source, day, values_)])

        for who in (account, never):
            play(who, histories, days)
        known = {day for day, _ in days}
        answers = [
            tell(again, account, source, day, told) for day, told in sorted(anew.items()) if day in known
        ]
        before = {(a, s, v) for a, s, v, *_ in live(account)}
        shifts = list(claims.reread_shifts(Kind.ACCOUNT, answers))
        claims.reread(run=again.pk, kind=Kind.ACCOUNT, answers=answers)
        now = {(a, s, v) for a, s, v, *_ in live(account)}
        assert {(x.attribute, "vendor", repr(x.after)) for x in shifts if x.after is not None} == now - before
        assert {
            (x.attribute, "vendor", repr(x.before)) for x in shifts if x.before is not None
        } == before - now
        assert claims.reread(run=again.pk, kind=Kind.ACCOUNT, answers=answers) == 0
        for who in (account, never):
            play(who, later, after)
        rebuilt = claims.rebuild()
        assert (rebuilt.claims, rebuilt.dates, rebuilt.current) == (0, 0, 0)
        for number in sorted(undone):
            if number < len(histories):
                claims.undo(histories[number].pk)
        rebuilt = claims.rebuild()
        assert (rebuilt.claims, rebuilt.dates, rebuilt.current) == (0, 0, 0)
        foretold = [
            shift for _, part in claims.undo_shifts(again.pk, Kind.ACCOUNT, most=100) for shift in part
        ]
        before = {(a, s, v) for a, s, v, *_ in live(account)}
        claims.undo(again.pk)
        now = {(a, s, v) for a, s, v, *_ in live(account)}
        assert {
            (x.attribute, "vendor", repr(x.after)) for x in foretold if x.after is not None
        } == now - before
        assert shown(account) == shown(never)
        assert live(account) == live(never)

    check()
