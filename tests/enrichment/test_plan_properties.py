"""Random small sets of sources: plans are sound, complete, as small and cheap as they claim, and always the same."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.headers import recognise
from enrichment.management.chains import chain_of
from enrichment.models import EnrichmentSource
from enrichment.plan import USUAL, Plan, Step, make_plan
from sources.attributes import Kind
from sources.contract import Cost, Secret, Subject
from tests.fakes import FakeSource

TOLD = ("lei", "cik", "ticker", "ceo_name", "company_linkedin_url")
"""What sources give: attributes, one of which is the page that `linkedin_url` means."""
INPUTS = ("domain", "lei", "cik", "ticker", "ceo_name", "linkedin_url")
many = settings(max_examples=150, deadline=None)

Choices = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Drawn:
    """A source: what it needs, gives and costs, and its rank."""

    slug: str
    needs: Choices
    provides: tuple[str, ...]
    cost: int
    price: int
    rank: int

    def adapter(self) -> FakeSource:
        facts: dict[str, Any] = {
            "needs": self.needs,
            "provides": self.provides,
            "cost": Cost(credits=self.cost),
        }
        made: type[FakeSource] = type("Made", (FakeSource,), facts)
        return made(self.slug)

    def row(self) -> EnrichmentSource:
        return EnrichmentSource(
            slug=self.slug, adapter=self.slug, label=self.slug, rank=self.rank, cost=self.cost,
            credit_price=self.price, is_enabled=True,
        )  # fmt: skip


names = st.lists(st.sampled_from(INPUTS), min_size=1, max_size=2, unique=True).map(tuple)
facts = st.tuples(
    st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from(TOLD), min_size=1, max_size=2, unique=True).map(tuple),
    st.integers(0, 3), st.integers(0, 2), st.integers(1, 3),
)  # fmt: skip
sets = st.lists(facts, min_size=1, max_size=6).map(
    lambda drawn: [Drawn(f"s{number}", *each) for number, each in enumerate(drawn)]
)
wishes = st.lists(st.sampled_from(TOLD), max_size=2, unique=True)


def planned(sources: Sequence[Drawn], wanted: Sequence[str]) -> Plan:
    adapters = {each.slug: each.adapter() for each in sources}
    rows = [each.row() for each in sources]
    return make_plan(kind=Kind.ACCOUNT, sources=rows, adapters=adapters, keys={}, wanted=wanted)


def slugs(plan: Plan) -> list[str]:
    return [step.source.slug for step in plan.steps]


def askable(needs: Choices, known: Iterable[str]) -> bool:
    """Whether some alternative is known, of an account: its LinkedIn page goes by two names."""
    had = {*known} | ({"linkedin_url"} if "company_linkedin_url" in known else set())
    return any(set(need) <= had for need in needs)


def told(sources: Iterable[Drawn], columns: Iterable[str] = USUAL) -> set[str]:
    """All that can be known, whoever is asked in whatever order."""
    known, before = set(columns), 0
    everybody = list(sources)
    while len(known) > before:
        before = len(known)
        known.update(chain(*(each.provides for each in everybody if askable(each.needs, known))))
    return known


def least(needs: Choices, sources: Sequence[Drawn], asked: frozenset[str] = frozenset()) -> float:
    """The least USD of a chain of sources to all inputs of some alternative, by trying every one."""

    def price(name: str) -> float:
        if name in USUAL:
            return 0
        slug = "company_linkedin_url" if name == "linkedin_url" else name
        ways = [each for each in sources if slug in each.provides and slug not in asked]
        return min(
            (each.cost * each.price + least(each.needs, sources, asked | {slug}) for each in ways),
            default=float("inf"),
        )

    return min(sum(price(name) for name in need) for need in needs)


@many
@given(sets, wishes)
def test_whoever_can_be_asked_has_what_it_needs_when_its_turn_comes(
    sources: list[Drawn], wanted: list[str]
) -> None:
    possible = told(sources)
    known = set(USUAL)
    for step in planned(sources, wanted).steps:
        if askable(step.adapter.needs, possible):
            assert askable(step.adapter.needs, known)
            known |= step.gives


@many
@given(sets, wishes)
def test_what_can_be_known_of_what_is_wanted_is_asked_of_all_who_give_it(
    sources: list[Drawn], wanted: list[str]
) -> None:
    plan = planned(sources, wanted)
    assert {each.slug for each in sources if not wanted or set(each.provides) & set(wanted)} <= set(
        slugs(plan)
    )
    asked = [each for each in sources if each.slug in slugs(plan)]
    assert told(asked) & set(wanted) == told(sources) & set(wanted)


def fed_by(step: Step) -> set[str]:
    return {
        "company_linkedin_url" if name == "linkedin_url" else name
        for needs in step.feeds
        for need in needs
        for name in need
    }


@many
@given(sets, wishes)
def test_nobody_is_asked_without_a_reason(sources: list[Drawn], wanted: list[str]) -> None:
    plan = planned(sources, wanted)
    assert len(set(slugs(plan))) == len(plan.steps)
    for step in plan.steps:
        if not step.feeds:
            assert not wanted or step.gives & set(wanted)
            continue
        assert not step.gives & set(wanted)
        assert step.goals & fed_by(step)
        assert not any(askable(needs, USUAL) for needs in step.feeds)


@many
@given(sets, wishes)
def test_no_cheaper_chain_is_left_out(sources: list[Drawn], wanted: list[str]) -> None:
    plan = planned(sources, wanted)
    asked = [each for each in sources if each.slug in slugs(plan)]
    for step in plan.steps:
        assert least(step.adapter.needs, asked) == least(step.adapter.needs, sources)


@many
@given(sets, wishes, st.randoms(use_true_random=False))
def test_the_order_in_which_sources_are_listed_makes_no_difference(
    sources: list[Drawn], wanted: list[str], chance: random.Random
) -> None:
    def told_of(plan: Plan) -> list[Any]:
        return [(step.source.slug, step.goals, set(step.feeds)) for step in plan.steps]

    shuffled = chance.sample(sources, len(sources))
    assert told_of(planned(sources, wanted)) == told_of(planned(shuffled, wanted[::-1]))


@many
@given(sets, st.sampled_from(TOLD))
def test_who_is_asked_for_an_input_only_is_needless_once_it_is_known(
    sources: list[Drawn], wanted: str
) -> None:
    everything = Subject(domain="acme.com", linkedin_url="https://x", known=dict.fromkeys(TOLD, "known"))
    for step in planned(sources, [wanted]).steps:
        assert step.is_needless(everything) == bool(step.feeds)
        assert not step.is_needless(Subject(domain="acme.com"))


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=sets, wanted=st.sampled_from(TOLD), locked=st.sets(st.integers(0, 5)))
def test_what_cannot_be_known_says_which_column_or_key_is_missing(
    fakes: dict[str, FakeSource], drawn: list[Drawn], wanted: str, locked: set[int]
) -> None:
    fakes.clear()
    for number, each in enumerate(drawn):
        fakes[each.slug] = each.adapter()
        if number in locked:
            fakes[each.slug].secret = Secret(env=f"KEY_{number}", help_url="https://keys.example")  # type: ignore[misc]
    with transaction.atomic():
        EnrichmentSource.objects.bulk_create(each.row() for each in drawn)
        chain_ = chain_of(recognise(["domain"]), attributes=[wanted], sources=())
        transaction.set_rollback(True)
    columns = {name for link in chain_.links for name in link.lacking}
    if wanted not in {slug for each in drawn for slug in each.provides}:
        assert not chain_.links
    elif chain_.unreached(as_things_are=False):
        assert columns
        assert wanted in told(drawn, {*USUAL, *columns})
    elif chain_.unreached(as_things_are=True):
        assert {link.key for link in chain_.links} - {""}
        assert wanted not in told(each for number, each in enumerate(drawn) if number not in locked)
