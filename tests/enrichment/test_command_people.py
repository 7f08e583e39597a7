"""`manage.py enrich` over a file of people: they are asked about, and the companies they work for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import Account, Contact
from enrichment import runs
from enrichment.models import EnrichmentRun
from sources.attributes import Kind
from tests.enrichment.typed import counts, rows_of, say, words_of
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


class People(FakeSource):
    """Knows people by e-mail."""

    kinds = frozenset({Kind.CONTACT})
    needs = (("email",),)
    provides = ("job_title",)

    def __init__(self, *args, **answers):
        super().__init__(*args, **answers)
        self.mails: list[str] = []

    def fetch(self, call, http):
        self.mails.append(call.subject.email)
        return super().fetch(call, http)


@pytest.fixture
def people(fakes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people of one company, and sources that know one of them and the company."""
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["fake"] = FakeSource(acme_com={"headcount": "1,234", "industry": "Tools"})
    make_source("fake", rank=10, cadence="monthly")
    fakes["people"] = People("people", acme_com={"job_title": "Buyer"})
    make_source("people", rank=10, cadence="monthly")
    path = tmp_path / "people.csv"
    path.write_text(
        "First Name,Last Name,Email,Company,Website\nAda,Ode,ada@acme.com,Acme,acme.com\nBo,Pye,bo@acme.com,Acme,acme.com\n"
    )
    return path


def test_a_file_of_people_asks_about_them_and_their_companies(people: Path, fakes: dict[str, Any]) -> None:
    said = say("enrich", "--input", people, "--attributes", "title,employee_count")
    rows = rows_of(people.with_name("people_enriched.csv"))
    assert list(rows[0])[5:7] == ["title", "employee_count"]
    assert [row["employee_count"] for row in rows] == ["1234", "1234"]
    assert sorted(fakes["people"].mails) == ["ada@acme.com", "bo@acme.com"]
    assert fakes["fake"].asked == ["acme.com"]
    assert [run.kind for run in EnrichmentRun.objects.order_by("pk")] == ["contact", "account"]
    assert "Their companies, run" in said


def test_companies_of_people_are_asked_about_only_when_wanted(people: Path, fakes: dict[str, Any]) -> None:
    say("enrich", "--input", people, "--attributes", "title")
    assert fakes["fake"].asked == []
    say("enrich", "--input", people, "--attributes", "headcount")
    assert fakes["fake"].asked == ["acme.com"]
    assert len(fakes["people"].mails) == 2
    assert rows_of(people.with_name("people_enriched.csv"))[1]["headcount"] == "1234"


def test_a_dry_run_over_people_counts_them_and_their_companies(people: Path) -> None:
    before = counts()
    words = words_of(say("enrich", "--input", people, "--dry-run"))
    assert "people 2 0 0 0 free no limit" in words
    assert "fake 1 0 0 0 free no limit" in words
    assert counts() == before


def test_a_second_run_over_people_creates_nothing_and_asks_nothing(
    people: Path, fakes: dict[str, Any]
) -> None:
    options = ("--input", people, "--attributes", "title,headcount")
    say("enrich", *options)
    known = (Account.objects.count(), Contact.objects.count())
    say("enrich", *options)
    assert (Account.objects.count(), Contact.objects.count()) == known == (1, 2)
    assert fakes["fake"].asked == ["acme.com"]
    assert len(fakes["people"].mails) == 2
