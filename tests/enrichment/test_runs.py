from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Account
from enrichment import runs
from enrichment.claims import pin
from enrichment.models import (
    AttributeValue,
    Budget,
    Check,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    Lookup,
    RunItem,
)
from enrichment.preview import preview
from sources.attributes import Kind
from sources.errors import SourceRefused, SourceUnavailable
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


def install(
    fakes: dict[str, FakeSource], slug: str = "fake", *, rank: int = 10, cost: int = 0, **answers
) -> EnrichmentSource:
    fakes[slug] = FakeSource(slug, **answers)
    source = make_source(slug, rank=rank, cost=cost, cadence="monthly")
    return source


def acme(domain: str = "acme.com", **fields) -> Account:
    return make_account(name="Acme", domain=domain, **fields)


def enrich(**wishes) -> EnrichmentRun:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), **wishes)
    finish(run)
    return run


def finish(run: EnrichmentRun) -> None:
    """Work on a run to its end; parked items and paused sources come back at once."""
    while runs.work(run.pk, until=lambda: False):
        past = timezone.now() - timedelta(seconds=1)
        RunItem.objects.exclude(not_before=None).update(not_before=past)
        EnrichmentSource.objects.exclude(paused_until=None).update(paused_until=past)
    run.refresh_from_db()


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


def only_item(run: EnrichmentRun) -> RunItem:
    return RunItem.objects.get(run=run)


def test_an_answer_that_is_read_again_is_the_same_answer(fakes) -> None:
    """It has one date, the one of its question: with another it would replace itself, and be news."""
    install(fakes, acme_com={"headcount": 7})
    acme()
    enrich()
    Freshness.objects.all().delete()
    again = enrich()
    assert fakes["fake"].asked == ["acme.com"]
    assert Lookup.objects.get().sent_at == AttributeValue.objects.get().first_seen_at
    assert len(set(Check.objects.values_list("at", flat=True))) == 1
    assert AttributeValue.objects.get().run_id != again.pk


def test_an_answer_becomes_a_value_with_its_reference(fakes) -> None:
    install(fakes, acme_com={"headcount": "1,234"})
    account = acme()
    run = enrich()
    account.refresh_from_db()
    assert account.current_values["headcount"]["value"] == 1234
    assert account.current_values["headcount"]["references"] == ["https://fake/acme.com"]
    assert (run.status, only_item(run).state) == ("COMPLETED", "completed")
    assert only_item(run).outcomes["fake"]["outcome"] == "found"


def test_a_fresh_answer_is_not_asked_again(fakes) -> None:
    install(fakes, acme_com={"headcount": 5})
    acme()
    enrich()
    again = enrich()
    assert fakes["fake"].asked == ["acme.com"]
    assert only_item(again).outcomes["fake"]["reason"].startswith("fresh until")


def test_two_records_with_one_question_ask_once(fakes) -> None:
    install(fakes, acme_com={"headcount": 5})
    acme()
    acme()
    enrich()
    assert fakes["fake"].asked == ["acme.com"]
    assert AttributeValue.objects.filter(attribute="headcount").count() == 2


def test_an_answer_about_another_company_is_rejected(fakes) -> None:
    install(fakes, acme_com={"domain": "zebra.com", "name": "Zebra Industries", "headcount": 5})
    acme()
    run = enrich()
    assert only_item(run).outcomes["fake"]["outcome"] in ("rejected", "review")
    assert not AttributeValue.objects.exists()


def test_a_value_of_the_wrong_type_is_refused_and_said(fakes) -> None:
    install(fakes, acme_com={"headcount": "many", "industry": "Fintech"})
    acme()
    run = enrich()
    assert "headcount" in only_item(run).outcomes["fake"]["reason"]
    assert [claim.attribute for claim in AttributeValue.objects.all()] == ["industry"]


def test_an_unavailable_source_fails_the_item_with_its_reason(fakes) -> None:
    install(fakes, acme_com=SourceUnavailable("no answer within 20 s"))
    acme()
    run = enrich()
    assert (only_item(run).state, only_item(run).reason) == ("failed", "no answer within 20 s")
    assert len(fakes["fake"].asked) == 3


def test_a_paid_question_without_an_answer_is_uncertain_and_not_asked_again(fakes) -> None:
    install(fakes, cost=2, acme_com=SourceUnavailable("reset"))
    acme()
    enrich()
    assert Lookup.objects.get().state == "uncertain"
    again = enrich()
    assert fakes["fake"].asked == ["acme.com"]
    assert "in doubt" in only_item(again).outcomes["fake"]["reason"]
    assert Budget.objects.get(scope__startswith="source:").spent == 2


def test_a_refused_key_stops_the_source_for_the_run(fakes) -> None:
    answers: dict[str, Any] = {f"a{n}_com": SourceRefused("bad key") for n in range(40)}
    install(fakes, cost=1, **answers)
    for n in range(40):
        acme(f"a{n}.com")
    enrich(parallel=2)
    assert len(fakes["fake"].asked) <= 4


def test_spend_stays_within_the_monthly_limit(fakes) -> None:
    source = install(fakes, cost=3, **{f"a{n}_com": {"headcount": n + 1} for n in range(10)})  # type: ignore[arg-type]
    EnrichmentSource.objects.filter(pk=source.pk).update(monthly_limit=10)
    for n in range(10):
        acme(f"a{n}.com")
    run = enrich()
    assert len(fakes["fake"].asked) == 3
    assert Budget.objects.get(scope__startswith="source:").spent == 9
    assert (
        RunItem.objects.filter(run=run, state="skipped", reason="no budget left for it this month").count()
        == 7
    )


def test_a_miss_is_free_unless_the_source_charges_it(fakes) -> None:
    install(fakes, cost=3)
    acme()
    enrich()
    assert Budget.objects.get(scope__startswith="source:").spent == 0


def test_a_source_for_gaps_is_asked_only_where_better_ones_had_nothing(fakes) -> None:
    install(fakes, "first", rank=1, acme_com={"headcount": 5, "industry": "Fintech"})
    install(fakes, "second", rank=2, acme_com={"headcount": 6}, beta_com={"headcount": 7})
    EnrichmentSource.objects.filter(slug="second").update(only_when_missing=True)
    acme()
    acme("beta.com")
    enrich()
    assert fakes["second"].asked == ["beta.com"]


def test_a_canceled_run_leaves_no_open_item(fakes) -> None:
    install(fakes)
    acme()
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.cancel(run)
    assert only_item(run).state == "canceled"
    with pytest.raises(runs.RunRefused):
        runs.cancel(run)


def test_preview_counts_questions_fresh_ones_and_missing_inputs(fakes) -> None:
    install(fakes, cost=2, acme_com={"headcount": 5})
    acme()
    enrich()
    acme("beta.com")
    make_account(name="No domain")
    (quote,) = preview(kind=Kind.ACCOUNT, records=Account.objects.all()).quotes
    assert (quote.questions, quote.fresh, quote.missing_input, quote.credits) == (1, 1, 1, 2)


def test_a_run_without_a_source_says_why(fakes) -> None:
    install(fakes)
    EnrichmentSource.objects.update(is_enabled=False)
    acme()
    with pytest.raises(runs.RunRefused, match="is off"):
        enrich()


def test_what_a_source_taught_is_no_reason_to_ask_it_again(fakes) -> None:
    class ByNameOrDomain(FakeSource):
        needs = (("domain",), ("city",))

    fakes["fake"] = ByNameOrDomain(acme_com={"city": "Oslo", "headcount": 5})
    make_source("fake", cost=2, cadence="monthly")
    account = acme()
    enrich()
    account.refresh_from_db()
    assert account.current_values["city"]["value"] == "Oslo"
    (quote,) = preview(kind=Kind.ACCOUNT, records=Account.objects.all()).quotes
    enrich()
    assert fakes["fake"].asked == ["acme.com"]
    assert (quote.questions, quote.fresh) == (0, 1)


def test_another_domain_is_another_question(fakes) -> None:
    install(fakes, acme_com={"headcount": 5}, beta_com={"headcount": 6})
    account = acme()
    enrich()
    make_source("user", adapter="", rank=1, cadence="never")
    pin(account, "domain", "beta.com", user="olive")
    enrich()
    assert fakes["fake"].asked == ["acme.com", "beta.com"]


def test_an_error_inside_an_answer_is_no_fresh_answer(fakes) -> None:
    class Broken(FakeSource):
        def parse(self, payload, wanted):
            raise SourceRefused("the key is not valid")

    fakes["fake"] = Broken(acme_com={"headcount": 5})
    make_source("fake", cost=3, cadence="monthly")
    acme()
    run = enrich()
    assert (only_item(run).state, only_item(run).reason) == ("failed", "the key is not valid")
    assert (Lookup.objects.get().state, Lookup.objects.get().cost) == ("failed", 0)
    assert EnrichmentSource.objects.get().paused_reason == "the key is not valid"
    fakes["fake"] = FakeSource(acme_com={"headcount": 5})
    EnrichmentSource.objects.update(paused_until=None)
    enrich()
    assert AttributeValue.objects.get(attribute="headcount").value == 5


def test_a_run_sums_up_what_its_sources_said_and_cost(fakes) -> None:
    install(fakes, cost=2, acme_com={"headcount": 5})
    acme()
    acme("beta.com")
    run = enrich()
    assert run.summary == {
        "values": 1,
        "sources": {"fake": {"found": 1, "not_found": 1}},
        "credits": {"fake": 2},
    }
