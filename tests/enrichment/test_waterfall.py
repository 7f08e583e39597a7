"""Waterfalls by attribute: rank, only where the ones before had nothing, minimum age; set in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.urls import reverse

from crm.models import Account
from enrichment import runs
from enrichment.claims import rebuild
from enrichment.models import EnrichmentSource, Freshness, RunItem
from enrichment.models.waterfall import Rule, rules_of
from sources.attributes import Kind
from tests import people
from tests.enrichment.test_runs import finish
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db

BOTH = {"headcount": 5, "industry": "Tools"}


@pytest.fixture(autouse=True)
def sources(fakes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two sources of the same facts, the first trusted more, and an account both know."""
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["first"] = FakeSource("first", acme_com=BOTH)
    fakes["second"] = FakeSource("second", acme_com={"headcount": 6, "industry": "Games"})
    make_source("first", rank=1, cadence="daily")
    make_source("second", rank=2, cadence="daily")
    make_account(domain="acme.com")
    return fakes


def rule(slug: str, **fields: Any) -> None:
    EnrichmentSource.objects.filter(slug=slug).update(**fields)


def enrich(*wanted: str) -> RunItem:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), wanted=wanted)
    finish(run)
    return RunItem.objects.get(run=run)


def shown() -> tuple[Any, Any]:
    account = Account.objects.get()
    return account.value("headcount"), account.value("industry")


def test_of_one_attribute_another_source_is_believed() -> None:
    rule("second", by_attribute=rules_of({"headcount": {"rank": 1}}))
    rule("first", rank=3, by_attribute=rules_of({"industry": {"rank": 1}}))
    enrich()
    assert shown() == (6, "Tools")


def test_who_ranks_best_for_what_is_wanted_is_asked_first(fakes: dict[str, Any]) -> None:
    rule("second", by_attribute=rules_of({"headcount": {"rank": 1}}))
    rule("first", rank=3, only_when_missing=True)
    item = enrich("headcount")
    assert fakes["first"].asked == []
    assert item.outcomes["first"]["reason"] == "not needed: better ranked sources answered"


def test_for_one_attribute_a_source_may_be_asked_for_gaps_only(fakes: dict[str, Any]) -> None:
    rule("second", by_attribute=rules_of({"headcount": {"rank": 2, "only_when_missing": True}}))
    enrich("headcount")
    assert fakes["second"].asked == []
    enrich("headcount", "industry")
    assert fakes["second"].asked == ["acme.com"]


@pytest.mark.parametrize(
    "where", [{"min_age": 30}, {"by_attribute": {"headcount": {"rank": 2, "min_age": 30}}}]
)
def test_better_answers_will_do_until_they_have_the_minimum_age(
    fakes: dict[str, Any], where: dict[str, Any]
) -> None:
    rule(
        "second",
        **where | ({"by_attribute": rules_of(where["by_attribute"])} if "by_attribute" in where else {}),
    )
    rule("first", cadence="yearly")
    enrich("headcount")
    Freshness.objects.update(checked_at=F("checked_at") - timedelta(days=29))
    enrich("headcount")
    assert fakes["second"].asked == []
    Freshness.objects.update(checked_at=F("checked_at") - timedelta(days=2))
    enrich("headcount")
    assert (len(fakes["first"].asked), fakes["second"].asked) == (1, ["acme.com"])


def test_what_nobody_answered_has_no_age(fakes: dict[str, Any]) -> None:
    fakes["first"].answers.clear()
    rule("second", only_when_missing=True, min_age=30)
    enrich("headcount")
    assert fakes["second"].asked == ["acme.com"]


def test_a_rebuild_believes_the_same() -> None:
    rule("second", by_attribute=rules_of({"headcount": {"rank": 1}}))
    rule("first", rank=3)
    enrich()
    assert shown() == (6, "Games")
    rebuild()
    assert shown() == (6, "Games")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "Write a rule for each attribute"),
        ({"": {"rank": 1}}, "'' is no attribute."),
        ({"headcount": {"rank": 0}}, "headcount: rank is a whole number from 1 to 30,000, not '0'."),
        ({"headcount": {}}, "headcount: rank is a whole number"),
        ({"headcount": {"rank": 1, "min_age": "x"}}, "headcount: min_age is a whole number"),
        (
            {"headcount": {"rank": 1, "colour": 1}},
            "headcount: a rule has rank, only_when_missing and min_age",
        ),
        ({"Head Count": {"rank": 1}, "head_count": {"rank": 1}}, "'head_count' stands there twice"),
    ],
)
def test_what_is_no_rule_is_one_sentence(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        rules_of(value)


def test_rules_are_set_in_the_admin(client: Any) -> None:
    client.force_login(people.make_olive())
    source = EnrichmentSource.objects.get(slug="second")
    page = reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])
    form = client.get(page).context["adminform"].form
    data = {
        name: form.initial.get(name) for name in form.fields if form.initial.get(name) not in (None, {}, [])
    }
    data |= {
        "settings": "{}",
        "segments": "",
        "min_age": "14",
        "priority_cadences_priority": "",
        "priority_cadences_cadence": "",
    }
    rows = {
        "by_attribute_attribute": ["headcount", ""], "by_attribute_rank": ["1", ""],
        "by_attribute_when": ["gaps", ""], "by_attribute_age": ["30", ""],
    }  # fmt: skip
    refused = client.post(page, data | rows | {"by_attribute_rank": ["best", ""]})
    assert "headcount: rank is a whole number from 1 to 30,000" in refused.content.decode().replace(
        "&#x27;", "'"
    )
    assert client.post(page, data | rows).status_code == 302
    source.refresh_from_db()
    assert source.rule("headcount") == Rule(1, True, 30)
    assert source.rule("industry") == Rule(2, False, 14)
    assert 'value="headcount"' in client.get(page).content.decode()
