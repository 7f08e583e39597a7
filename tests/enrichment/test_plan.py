from __future__ import annotations

import pytest

from enrichment.models import EnrichmentSource
from enrichment.plan import Plan, make_plan
from sources.attributes import Kind
from tests.fakes import FakeSource


class Ceo(FakeSource):
    needs = (("domain",),)
    provides = ("ceo_name",)


class Mail(FakeSource):
    needs = (("ceo_name", "domain"),)
    provides = ("ceo_email",)


def row(slug: str, rank: int, **fields) -> EnrichmentSource:
    return EnrichmentSource(slug=slug, adapter=slug, label=slug, rank=rank, is_enabled=True, **fields)


def plan(*rows: EnrichmentSource, adapters=None, **wishes) -> Plan:
    known = adapters or {"ceo": Ceo("ceo"), "mail": Mail("mail"), "fake": FakeSource("fake")}
    return make_plan(kind=Kind.ACCOUNT, sources=rows, adapters=known, keys=wishes.pop("keys", {}), **wishes)


def slugs(found: Plan) -> list[str]:
    return [step.source.slug for step in found.steps]


def test_sources_are_asked_in_rank_order() -> None:
    assert slugs(plan(row("fake", 9), row("ceo", 3))) == ["ceo", "fake"]


def test_a_source_waits_for_the_one_that_gives_its_input() -> None:
    assert slugs(plan(row("mail", 1), row("ceo", 5))) == ["ceo", "mail"]


def test_wanting_the_last_link_plans_the_whole_chain() -> None:
    assert slugs(plan(row("mail", 1), row("ceo", 5), row("fake", 2), wanted=["ceo_email"])) == ["ceo", "mail"]


@pytest.mark.parametrize(
    ("source", "wishes", "reason"),
    [
        (row("fake", 1), {"wanted": ["ceo_name"]}, "gives none of the wanted attributes"),
        (row("fake", 1), {"keys": {"fake": False}}, "has no key"),
        (row("gone", 1), {}, "its adapter gone is not installed"),
    ],
)
def test_what_is_left_out_has_its_reason(source, wishes, reason) -> None:
    assert [left.reason for left in plan(source, **wishes).left_out] == [reason]


def test_a_chosen_source_is_asked_even_when_it_is_off() -> None:
    source = row("fake", 1)
    source.is_enabled = False
    assert slugs(plan(source, chosen=["fake"])) == ["fake"]
    assert slugs(plan(source)) == []


def test_a_step_knows_what_it_is_asked_for() -> None:
    found = plan(row("mail", 1), row("ceo", 5), wanted=["ceo_email"])
    assert [step.goals for step in found.steps] == [{"ceo_name"}, {"ceo_email"}]
    assert [step.goals for step in plan(row("fake", 1)).steps] == [{"headcount", "industry"}]


class Either(FakeSource):
    needs = (("ceo_name",), ("domain",))
    provides = ("lei",)


def test_nobody_is_asked_for_an_input_that_another_makes_needless() -> None:
    adapters = {"either": Either("either"), "ceo": Ceo("ceo")}
    assert slugs(plan(row("either", 1), row("ceo", 5), adapters=adapters, wanted=["lei"])) == ["either"]


class Both(FakeSource):
    kinds = frozenset(Kind)
    provides = ("headline", "headcount", "of_the_team")


def test_of_companies_a_source_gives_what_companies_have() -> None:
    (step,) = plan(row("both", 1), adapters={"both": Both("both")}).steps
    assert step.gives == {"headcount", "of_the_team"}
    assert slugs(plan(row("both", 1), adapters={"both": Both("both")}, wanted=["headline"])) == []
