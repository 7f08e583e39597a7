"""Chains in runs: an input is asked of others only where nobody knows it yet."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Account
from enrichment import claims, runs
from enrichment.models import EnrichmentRun, RunItem
from enrichment.preview import preview
from sources.attributes import Kind
from tests.enrichment.test_runs import finish
from tests.factories import make_account, make_answer, make_run, make_source, make_writer
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db

PAGE = "https://www.linkedin.com/company/acme"


class Finder(FakeSource):
    provides = ("ceo_name",)


class Mail(FakeSource):
    needs = (("ceo_name", "domain"),)
    provides = ("ceo_email",)


class Page(FakeSource):
    provides = ("company_linkedin_url",)


class Profiles(FakeSource):
    needs = (("linkedin_url",),)
    provides = ("employee_growth_6mo",)

    def fetch(self, call: Any, http: Any) -> Any:
        self.asked.append(call.subject.linkedin_url)
        return super().fetch(call, http)


@pytest.fixture(autouse=True)
def sources(fakes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two finders of chief executives, and whoever knows their addresses."""
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setattr("enrichment.limits.retry_at", lambda tries: None)
    fakes["first"] = Finder("first", acme_com={"ceo_name": "Ada Ode"})
    fakes["second"] = Finder("second", acme_com={"ceo_name": "Ada Ode"}, beta_com={"ceo_name": "Bo Pye"})
    fakes["mail"] = Mail(
        "mail", acme_com={"ceo_email": "ada@acme.com"}, beta_com={"ceo_email": "bo@beta.com"}
    )
    for rank, slug in enumerate(fakes, 1):
        make_source(slug, rank=rank)
    return fakes


def enrich(*wanted: str) -> EnrichmentRun:
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), wanted=wanted)
    finish(run)
    return run


def values(slug: str) -> list[Any]:
    return [account.value(slug) for account in Account.objects.order_by("pk")]


def test_the_second_finder_is_asked_where_the_first_knew_nobody(fakes: dict[str, Any]) -> None:
    make_account(domain="acme.com")
    make_account(domain="beta.com")
    run = enrich("ceo_email")
    assert values("ceo_email") == ["ada@acme.com", "bo@beta.com"]
    assert (sorted(fakes["first"].asked), fakes["second"].asked) == (["acme.com", "beta.com"], ["beta.com"])
    outcome = RunItem.objects.get(run=run, position=1).outcomes["second"]
    assert (outcome["outcome"], outcome["reason"]) == ("skipped", "not needed: what it is asked for is known")


def test_both_finders_are_asked_for_what_is_wanted_itself(fakes: dict[str, Any]) -> None:
    make_account(domain="acme.com")
    enrich("ceo_email", "ceo_name")
    assert fakes["second"].asked == ["acme.com"]


def test_nobody_is_asked_for_an_input_that_the_record_has(fakes: dict[str, Any]) -> None:
    told = make_answer(make_account(domain="acme.com").pk, make_writer().pk, ceo_name="Ada Ode")
    claims.record(run=make_run().pk, kind=Kind.ACCOUNT, answers=[told])
    seen = preview(kind=Kind.ACCOUNT, records=Account.objects.all(), wanted=["ceo_email"])
    assert [(quote.slug, quote.questions) for quote in seen.quotes] == [
        ("first", 0),
        ("second", 0),
        ("mail", 1),
    ]
    enrich("ceo_email")
    assert values("ceo_email") == ["ada@acme.com"]
    assert fakes["first"].asked == fakes["second"].asked == []


def test_a_page_found_on_the_way_is_an_input(fakes: dict[str, Any]) -> None:
    fakes["page"] = Page("page", acme_com={"company_linkedin_url": PAGE})
    fakes["profiles"] = Profiles("profiles", acme_com={"employee_growth_6mo": 12})
    make_source("page", rank=9)
    make_source("profiles", rank=1)
    make_account(domain="acme.com")
    enrich("employee_growth_6mo")
    assert (fakes["profiles"].asked[0], values("employee_growth_6mo")) == (PAGE, [12])
