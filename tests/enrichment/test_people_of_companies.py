"""Sources name a company's chief executive: a contact of its own, asked about, shown in the company's row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import Account, Contact
from enrichment import claims, runs
from enrichment.models import AttributeValue, EnrichmentRun, Lookup, RunItem
from enrichment.people import chief_executives, introduce
from enrichment.registration import sync_sources
from sources.attributes import Kind
from sources.contract import Claim, Finding, Payload, Subject
from sources.errors import SourceUnavailable
from tests import factories as make
from tests.enrichment.typed import counts, rows_of, say, words_of
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def writers(db: None) -> None:
    """The sources that tell without being asked."""
    sync_sources()


ADA = "https://www.linkedin.com/in/ada"


class Finder(FakeSource):
    """Knows who leads a company."""

    provides = ("ceo_name", "ceo_linkedin_url")


class Profiles(FakeSource):
    """Knows people and companies by their LinkedIn page."""

    kinds = frozenset(Kind)
    needs = (("linkedin_url",),)
    provides = ("headline", "current_company", "location", "follower_count", "headcount")

    def fetch(self, call, http):
        self.asked.append(call.subject.linkedin_url)
        known = call.subject.linkedin_url == ADA
        return [Payload(status=200 if known else 404, body=b"{}", url=f"https://fake/{call.subject.name}")]

    def parse(self, payload, wanted):
        if payload.status == 404:
            return ()
        facts = {
            "headline": "Engineer of engines",
            "current_company": "Acme",
            "location": "Oslo",
            "follower_count": 1815,
        }
        about = Subject(kind=Kind.CONTACT, linkedin_url=ADA, name="Ada Ode")
        told = [
            Claim(attribute=slug, value=value, references=("https://fake/ada",))
            for slug, value in facts.items()
        ]
        return [Finding(subject=about, claims=tuple(told))]


@pytest.fixture
def companies(fakes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four companies: one whose CEO has a page, one whose CEO has none, one nobody leads, one that fails."""
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setattr("enrichment.limits.retry_at", lambda tries: None)
    fakes["datagen_find_ceo"] = Finder(
        "datagen_find_ceo",
        acme_com={"ceo_name": "Ada Ode", "ceo_linkedin_url": ADA},
        beta_com={"ceo_name": "Bo Pye"},
        delta_com=SourceUnavailable("no answer within 20 s"),
    )
    fakes["datagen_linkedin"] = Profiles("datagen_linkedin")
    for slug in fakes:
        make_source(slug, rank=10, cadence="monthly", cost=1, is_enabled=False)
    path = tmp_path / "companies.csv"
    path.write_text("name,company_domain\nAcme,acme.com\nBeta,beta.com\nGamma,gamma.com\nDelta,delta.com\n")
    return path


CHAIN = ("--integrations", "find_ceo,linkedin_profile")
COLUMNS = ["ceo_name", "ceo_linkedin_url", "headline", "current_company", "location", "follower_count"]


def test_the_person_a_company_names_is_asked_about_and_shown_in_its_row(companies: Path) -> None:
    said = say("enrich", "--input", companies, *CHAIN)
    rows = rows_of(companies.with_name("companies_enriched.csv"))
    assert list(rows[0])[2:8] == COLUMNS
    assert [rows[0][name] for name in COLUMNS] == [
        "Ada Ode", ADA, "Engineer of engines", "Acme", "Oslo", "1815",
    ]  # fmt: skip
    assert [rows[1][name] for name in COLUMNS] == ["Bo Pye", "", "", "", "", ""]
    assert [[row[name] for name in COLUMNS] for row in rows[2:]] == [[""] * 6] * 2
    assert "Their chief executives, run" in said


def test_the_person_is_a_contact_of_the_account_with_a_role_and_references(companies: Path) -> None:
    say("enrich", "--input", companies, *CHAIN)
    ada = Contact.objects.get(linkedin_url=ADA)
    assert (ada.name, ada.account, ada.value("job_title")) == (
        "Ada Ode",
        Account.objects.get(domain="acme.com"),
        "CEO",
    )
    told = AttributeValue.objects.get(contact=ada, attribute="job_title")
    assert (told.source.slug, told.references) == ("company", ["https://fake/acme.com"])
    assert Contact.objects.get(name="Bo Pye").value("job_title") == "CEO"
    assert Contact.objects.count() == 2


def test_each_is_asked_about_what_it_was_chosen_for(companies: Path, fakes: dict[str, Any]) -> None:
    companies.write_text(
        "name,domain,company_linkedin_url\nAcme,acme.com,https://www.linkedin.com/company/acme\n"
    )
    say("enrich", "--input", companies, *CHAIN)
    assert fakes["datagen_linkedin"].asked == [ADA]
    assert Lookup.objects.count() == 2


def test_a_second_run_makes_nobody_and_asks_nothing(companies: Path, fakes: dict[str, Any]) -> None:
    say("enrich", "--input", companies, *CHAIN)
    fakes["datagen_find_ceo"].answers.pop("delta.com")
    asked = len(fakes["datagen_find_ceo"].asked)
    say("enrich", "--input", companies, *CHAIN)
    assert Contact.objects.count() == 2
    assert fakes["datagen_linkedin"].asked == [ADA]
    assert len(fakes["datagen_find_ceo"].asked) <= asked + 1  # the one that failed
    assert rows_of(companies.with_name("companies_enriched.csv"))[0]["headline"] == "Engineer of engines"


def test_a_column_of_people_may_be_asked_for_by_name(companies: Path) -> None:
    say(
        "enrich",
        "--input",
        companies,
        "--sources",
        "find_ceo,linkedin_profile",
        "--attributes",
        "Headline,ceo",
    )
    rows = rows_of(companies.with_name("companies_enriched.csv"))
    assert list(rows[0])[2:4] == ["Headline", "ceo"]
    assert (rows[0]["Headline"], rows[0]["ceo"]) == ("Engineer of engines", "Ada Ode")


def test_a_file_that_names_the_person_needs_no_finder(companies: Path, fakes: dict[str, Any]) -> None:
    companies.write_text(f"name,domain,ceo_name,ceo_linkedin_url\nAcme,acme.com,Ada Ode,{ADA}\n")
    say("enrich", "--input", companies, "--integrations", "linkedin_profile")
    assert rows_of(companies.with_name("companies_enriched.csv"))[0]["headline"] == "Engineer of engines"
    assert fakes["datagen_find_ceo"].asked == []


def test_without_anybody_who_names_people_companies_are_asked_about(
    companies: Path, fakes: dict[str, Any]
) -> None:
    companies.write_text(
        "name,domain,company_linkedin_url\nAcme,acme.com,https://www.linkedin.com/company/acme\n"
    )
    say("enrich", "--input", companies, "--integrations", "linkedin_profile")
    assert fakes["datagen_linkedin"].asked == ["https://www.linkedin.com/company/acme"]
    assert not Contact.objects.exists()


def test_a_row_that_failed_has_empty_columns_of_its_person_too(
    companies: Path, fakes: dict[str, Any]
) -> None:
    say("enrich", "--input", companies, *CHAIN)
    fakes["flaky"] = Finder("flaky", acme_com=SourceUnavailable("down"))
    make_source("flaky")
    say("enrich", "--input", companies, "--integrations", "flaky,linkedin_profile")
    row = rows_of(companies.with_name("companies_enriched.csv"))[0]
    assert (row["enrichment_state"], row["headline"]) == ("failed", "")


def test_a_dry_run_counts_what_may_be_asked_about_people(companies: Path) -> None:
    before = counts()
    words = words_of(say("enrich", "--input", companies, *CHAIN, "--dry-run"))
    assert "datagen_find_ceo 4 0 0 0 4 credits no limit" in words
    assert "Source, about their chief executives at most" in words
    assert "datagen_linkedin 4 4 credits" in words
    assert counts() == before


def test_undoing_the_runs_takes_back_what_was_said_of_the_person(companies: Path) -> None:
    say("enrich", "--input", companies, *CHAIN)
    for run in EnrichmentRun.objects.order_by("-pk"):
        claims.undo(run.pk)
    assert [contact.current_values for contact in Contact.objects.all()] == [{}, {}]
    made = RunItem.objects.filter(contact__isnull=False, has_created_record=True)
    assert made.count() == 2  # marked, for whoever wants them gone, too


def named(account: Account, **told: Any) -> Account:
    run = make.make_run()
    claims.record(
        run=run.pk, kind=Kind.ACCOUNT,
        answers=[make.make_answer(account.pk, make.make_source("finder").pk, **told)],
    )  # fmt: skip
    account.refresh_from_db()
    return account


def contact(name: str = "", link: str = "", account: Account | None = None) -> Contact:
    person = make.make_contact(account=account)
    told: dict[str, Any] = {
        slug: value for slug, value in {"name": name, "linkedin_url": link}.items() if value
    }
    writer = make.make_writer()
    answers = [make.make_answer(person.pk, writer.pk, **told)]
    claims.record(run=make.make_run(kind="contact").pk, kind=Kind.CONTACT, answers=answers)
    person.refresh_from_db()
    return person


def test_a_contact_known_before_is_the_person_and_keeps_what_is_known() -> None:
    acme = named(make.make_account(), ceo_name="Ada Ode", ceo_linkedin_url=ADA)
    known = contact(name="Ada B. Ode", link=ADA)
    everybody, made = introduce(make.make_run(), Account.objects.all())
    known.refresh_from_db()
    assert (everybody, made) == ([known.pk], [])
    assert (known.account, known.name, known.value("job_title")) == (acme, "Ada B. Ode", "CEO")


def test_a_namesake_elsewhere_is_somebody_else() -> None:
    acme, beta = make.make_account(), make.make_account()
    named(acme, ceo_name="Ada Ode")
    contact(name="Ada Ode", account=beta)
    assert chief_executives([acme]) == {}
    everybody, made = introduce(make.make_run(), Account.objects.filter(pk=acme.pk))
    assert everybody == made and len(made) == 1
    assert chief_executives([Account.objects.get(pk=acme.pk)])[acme.pk].pk == made[0]


def test_one_person_who_leads_two_companies_is_one_contact() -> None:
    both = [named(make.make_account(), ceo_name="Ada Ode", ceo_linkedin_url=ADA) for _ in range(2)]
    everybody, made = introduce(make.make_run(), Account.objects.all())
    assert everybody == made and len(made) == 1
    assert {lead.pk for lead in chief_executives(both).values()} == set(made)
    assert introduce(make.make_run(), Account.objects.all()) == (made, [])
