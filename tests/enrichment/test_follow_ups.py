"""A run that finds chief executives is followed by one about them: once, by workers, within its cap."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from crm.models import Account, Contact
from crm.selections import Selection, SelectionRefused, select
from enrichment import follow_ups, people, runs, tasks, undoing
from enrichment.follow_ups import follow_up
from enrichment.models import Budget, EnrichmentRun, RunItem
from enrichment.preview import preview
from enrichment.registration import sync_sources
from enrichment.retrying import retry
from sources.errors import SourceUnavailable
from tests.enrichment.test_people_of_companies import ADA, Finder, Profiles
from tests.enrichment.test_runs import finish
from tests.factories import make_account, make_source

pytestmark = pytest.mark.django_db

CHAIN = ["find_ceo", "linkedin_profile"]


@pytest.fixture(autouse=True)
def sources(fakes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two companies, who leads them, and what LinkedIn says of one of the two; a question costs a credit."""
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setattr("enrichment.limits.retry_at", lambda tries: None)
    fakes["datagen_find_ceo"] = Finder(
        "datagen_find_ceo",
        acme_com={"ceo_name": "Ada Ode", "ceo_linkedin_url": ADA},
        beta_com={"ceo_name": "Bo Pye", "ceo_linkedin_url": ADA.replace("ada", "bo")},
    )
    fakes["datagen_linkedin"] = Profiles("datagen_linkedin")
    for slug in fakes:
        make_source(slug, rank=10, cadence="monthly", cost=1, is_enabled=False)
    sync_sources()
    make_account(domain="acme.com")
    make_account(domain="beta.com")
    return fakes


def chosen(**told: Any) -> Selection:
    return select({"account_ids": list(Account.objects.values_list("pk", flat=True)), **told})


def begin(credit_limit: int | None = None, **told: Any) -> EnrichmentRun:
    picked = chosen(**told)
    return runs.start(
        kind=picked.kind, records=picked.records, wanted=picked.wanted, sources=picked.sources,
        asks_next=picked.next, credit_limit=credit_limit,
    )  # fmt: skip


def enrich(**told: Any) -> EnrichmentRun:
    run = begin(**(told or {"sources": CHAIN}))
    finish(run)
    return run


def followed(run: EnrichmentRun) -> EnrichmentRun:
    follower = follow_up(run)
    assert follower
    return follower


def headlines() -> list[Any]:
    return [contact.value("headline") for contact in Contact.objects.order_by("pk")]


def test_the_sources_chosen_are_asked_about_companies_and_then_about_their_people(
    fakes: dict[str, Any],
) -> None:
    run = enrich()
    tasks.follow()
    finish(run.follow_up)
    assert headlines() == ["Engineer of engines", None]
    assert sorted(fakes["datagen_find_ceo"].asked) == ["acme.com", "beta.com"]
    assert sorted(fakes["datagen_linkedin"].asked) == [ADA, ADA.replace("ada", "bo")]
    assert run.follow_up.name == f"Chief executives of {run.name}"


def test_an_attribute_of_people_may_be_asked_of_companies() -> None:
    picked = chosen(attributes=["headline"], sources=CHAIN)
    assert (picked.wanted, picked.sources) == (("ceo_name", "ceo_linkedin_url"), ("datagen_find_ceo",))
    assert picked.next == {"wanted": ["headline"], "sources": ["datagen_linkedin"]}
    run = enrich(attributes=["headline"], sources=CHAIN)
    finish(followed(run))
    assert headlines() == ["Engineer of engines", None]


def test_without_anybody_who_names_them_people_are_refused() -> None:
    with pytest.raises(
        SelectionRefused, match="headline is of people, and nobody who is asked says who leads"
    ):
        chosen(attributes=["headline"], sources=["linkedin_profile"])
    assert chosen(sources=["linkedin_profile"]).next == {}


def test_the_price_of_the_follow_up_is_told_before() -> None:
    picked = chosen(sources=CHAIN)
    seen = preview(
        kind=picked.kind,
        records=picked.records,
        wanted=picked.wanted,
        sources=picked.sources,
        asks_next=picked.next,
    )
    assert [(quote.slug, quote.about, quote.questions) for quote in seen.quotes] == [
        ("datagen_find_ceo", "", 2),
        ("datagen_linkedin", "chief executive", 2),
    ]
    assert seen.credits == 4


def test_however_often_somebody_looks_there_is_one_follow_up() -> None:
    run = enrich()
    assert follow_ups.is_waiting()
    for _ in range(3):
        tasks.follow()
        tasks.sweep()
    assert EnrichmentRun.objects.filter(follows=run).count() == 1
    assert Contact.objects.count() == run.follow_up.items.count() == 2
    assert not follow_ups.is_waiting()


def test_a_worker_that_dies_among_the_people_leaves_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_CHUNK", 1)
    run = enrich()
    real, calls = people._make, []

    def dies(accounts: Any) -> Any:
        calls.append(accounts)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(accounts)

    monkeypatch.setattr(people, "_make", dies)
    with pytest.raises(KeyboardInterrupt):
        tasks.follow()
    assert Contact.objects.count() == 1
    tasks.follow()
    assert Contact.objects.count() == 2
    assert list(run.follow_up.items.values_list("has_created_record", flat=True)) == [True, True]


def test_a_worker_that_dies_before_the_follow_up_stands_leaves_it_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = enrich()
    with monkeypatch.context() as patch:
        patch.setattr(runs, "wake", lambda pk: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            tasks.follow()
    assert not EnrichmentRun.objects.filter(follows=run).exists()
    tasks.follow()
    assert run.follow_up.items.count() == 2


def test_the_cap_holds_for_both(fakes: dict[str, Any]) -> None:
    run = begin(sources=CHAIN, credit_limit=3)
    finish(run)
    finish(followed(run))
    assert len(fakes["datagen_linkedin"].asked) == 1
    assert Budget.objects.get(scope=f"run:{run.pk}").spent == 3
    left = RunItem.objects.get(run=run.follow_up, state="skipped")
    assert left.reason == "no budget left for it in this run"


def test_a_run_that_goes_on_brings_its_new_people_into_the_same_follow_up(fakes: dict[str, Any]) -> None:
    answers = fakes["datagen_find_ceo"].answers
    known, answers["beta.com"] = answers["beta.com"], SourceUnavailable("down")
    run = enrich()
    follower = followed(run)
    finish(follower)
    assert follower.items.count() == 1
    answers["beta.com"] = known
    retry(run, with_doubts=True)
    finish(run)
    assert followed(run) == follower
    finish(follower)
    assert sorted(fakes["datagen_linkedin"].asked) == [ADA, ADA.replace("ada", "bo")]
    assert EnrichmentRun.objects.count() == 2


def test_a_canceled_run_is_not_followed() -> None:
    run = begin(sources=CHAIN)
    runs.cancel(run)
    tasks.follow()
    assert EnrichmentRun.objects.count() == 1


def test_undoing_a_run_ends_its_follow_up() -> None:
    run = enrich()
    follower = followed(run)
    undoing.undo(run)
    follower.refresh_from_db()
    assert follower.status == "CANCELED"
    assert followed(run) == follower
    assert Contact.objects.exists()


def test_a_follow_up_that_began_while_its_run_was_undone_is_ended_by_the_sweep() -> None:
    run = enrich()
    follower = followed(run)
    EnrichmentRun.objects.filter(pk=run.pk).update(undone_at=timezone.now())
    assert follow_ups.is_waiting()
    tasks.follow()
    follower.refresh_from_db()
    assert follower.status == "CANCELED"
