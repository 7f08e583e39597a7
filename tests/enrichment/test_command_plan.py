"""`manage.py plan`: the chain for a wish, its cost, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from enrichment.models import EnrichmentSource
from sources.attributes import Kind
from sources.contract import Cost, Secret
from tests.enrichment.typed import counts, rows_of, say, words_of
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


class Finder(FakeSource):
    provides = ("ceo_name", "ceo_linkedin_url")
    cost = Cost(credits=2)
    secret = Secret(env="FINDER_API_KEY", help_url="https://finder.example/keys")


class Mail(FakeSource):
    needs = (("ceo_name", "domain"),)
    provides = ("ceo_email",)


class Profiles(FakeSource):
    kinds = frozenset({Kind.CONTACT})
    needs = (("linkedin_url",),)
    provides = ("headline", "location")


@pytest.fixture(autouse=True)
def sources(fakes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A paid finder with a key, a free one of addresses that is off, and profiles of people."""
    known = {"finder": Finder("finder"), "mail": Mail("mail"), "profiles": Profiles("profiles")}
    fakes.update({**known, "fake": FakeSource("fake")})
    make_source("finder", cost=2, credit_price="0.25", only_when_missing=True)
    make_source("mail", rank=5)
    make_source("profiles", is_enabled=False)
    make_source("fake")
    monkeypatch.setenv("FINDER_API_KEY", "sesame")
    return fakes


def plan(*options: object) -> list[str]:
    return words_of(say("plan", *options))


def refused(*options: object) -> str:
    with pytest.raises(CommandError) as caught:
        say("plan", *options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_chain_is_shown_in_its_order_with_needs_gives_and_cost() -> None:
    lines = plan("--attributes", "ceo_email", "--columns", "domain")
    assert lines[0] == "Rows are companies. Wanted: ceo_email"
    assert lines[2:10] == [
        "1. finder: ready", "needs domain", "gives ceo_name", "cost 2 credits (0.50 USD) a row at most", "",
        "2. mail: ready", "needs ceo_name and domain", "gives ceo_email",
    ]  # fmt: skip
    assert (
        "At most a row: 2 credits (0.50 USD) as things are, 2 credits (0.50 USD) with all that can be asked"
        in lines
    )
    assert "Missing" not in lines


def test_a_missing_key_is_named_and_what_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINDER_API_KEY")
    lines = plan("--attributes", "ceo_email", "--columns", "domain")
    assert "1. finder: no key: FINDER_API_KEY" in lines
    assert "2. mail: nobody gives ceo_name as things are" in lines
    assert lines[lines.index("Missing") + 1] == "key FINDER_API_KEY: for finder"
    assert lines[-1] == "As things are nobody gives ceo_email."


def test_a_source_that_is_off_is_shown_and_how_to_ask_it() -> None:
    EnrichmentSource.objects.filter(slug="finder").update(is_enabled=False)
    lines = plan("--attributes", "ceo_email", "--columns", "domain")
    assert "switch finder: turn on in the admin, or name with --sources" in lines
    assert "1. finder: ready" in plan(
        "--attributes", "ceo_email", "--columns", "domain", "--sources", "finder,mail"
    )


def test_a_column_that_nobody_gives_is_named() -> None:
    said = refused("--attributes", "ceo_email", "--columns", "company_name")
    assert said == "ceo_email cannot be had from these columns: finder needs domain. Add such a column."


def test_a_column_of_the_file_may_be_the_input(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("Company,Website,CEO\nAcme,acme.com,Ada Ode\n")
    lines = plan("--attributes", "ceo_email", "--input", path, "--sources", "mail")
    assert "1. mail: ready" in lines


def test_people_of_companies_are_in_the_chain() -> None:
    lines = plan("--attributes", "headline", "--columns", "company_domain", "--sources", "finder,profiles")
    assert "1. finder: ready" in lines
    assert "2. profiles, about the chief executive: ready" in lines


def test_people_and_their_companies_are_told_apart() -> None:
    lines = plan(
        "--attributes",
        "location,headcount",
        "--columns",
        "full_name,linkedin_profile,company_domain",
        "--sources",
        "profiles,fake",
    )
    assert "1. profiles: ready" in lines
    assert "2. fake, about the company: ready" in lines


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--attributes", "ceo_mail", "--columns", "domain"), "There is no attribute ceo_mail. Did you mean ceo_email"),
        (("--attributes", "lei", "--columns", "domain"), "No source gives lei."),
        (("--sources", "nobody", "--columns", "domain"), "There is no source nobody that can be asked"),
        (("--columns", "domain"), "Say what is wanted: --attributes ceo_email, or --sources a,b."),
        (("--attributes", "ceo_email"), "Say what the rows have: --columns domain, or --input accounts.csv."),
        (("--attributes", "ceo_email", "--columns", "colour"), "No column says which account a row is about"),
        (("--attributes", "ceo_email", "--input", "gone.csv"), "There is no file gone.csv."),
        (("--sources", "mail", "--columns", "domain"), "Nothing can be asked from these columns: mail needs ceo_name."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(options: tuple[str, ...], says: str) -> None:
    assert refused(*options).startswith(says)


def test_nobody_is_asked_and_nothing_is_stored(fakes: dict[str, Any]) -> None:
    plan("--attributes", "ceo_email", "--columns", "domain")
    before = counts()
    plan("--attributes", "ceo_email", "--columns", "domain")
    assert counts() == before
    assert not fakes["finder"].asked


def test_the_chain_runs_as_it_was_shown(fakes: dict[str, Any], tmp_path: Path) -> None:
    fakes["finder"].answers["acme.com"] = {"ceo_name": "Ada Ode"}
    fakes["mail"].answers["acme.com"] = {"ceo_email": "ada@acme.com"}
    path = tmp_path / "leads.csv"
    path.write_text("name,company_domain\nAcme,acme.com\n")
    say("enrich", "--input", path, "--attributes", "ceo_email")
    assert rows_of(tmp_path / "leads_enriched.csv")[0]["ceo_email"] == "ada@acme.com"
    assert (fakes["finder"].asked, fakes["fake"].asked) == (["acme.com"], [])
