"""A team's own modules, unmodified, from the folder to the output file."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from datagen_sdk import DatagenClient
from django.core.management import CommandError

from crm.models import Account, Contact
from enrichment import runs
from enrichment.models import AttributeValue, CustomAttribute, EnrichmentRun, Lookup
from enrichment.names import UnknownName, columns_of, sources_called
from enrichment.registration import sync_sources
from sources import registry
from tests.enrichment.typed import rows_of, say, words_of
from tests.factories import make_source
from tests.sources.servers import Server, reply, serving

pytestmark = pytest.mark.django_db

HEADLINE = Path(__file__).parent.parent / "integrations" / "linkedin_headline.py.txt"
SIZE = '''
"""Integration: Size of a company"""
INPUT_COLS = ["company_domain"]
OUTPUT_COLS = ["employee_count", "Fit Score"]
ASKED = []
def enrich(row):
    ASKED.append(dict(row))
    domain = row["company_domain"]
    if "beta" in domain:
        return {}, ""
    if "gamma" in domain:
        return {}, "size error: no credit"
    if "delta" in domain:
        raise ValueError("surprise")
    return {"employee_count": "1,234", "Fit Score": row.get("Note", "none")}, ""
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`scripts/integrations` of a team, which the registry reads."""
    monkeypatch.setattr(runs, "NAP", 0)
    place = tmp_path / "scripts" / "integrations"
    place.mkdir(parents=True)
    registry.use_modules(place)
    yield place
    registry.use_modules(None)


@pytest.fixture
def size(folder: Path) -> Path:
    (folder / "size.py").write_text(SIZE)
    return folder


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def companies(tmp_path: Path) -> Path:
    return table(
        tmp_path / "companies.csv",
        "Company,company_domain,Note\nAcme,https://www.acme.com/,first\nBeta,beta.com,\nGamma,gamma.com,\nDelta,delta.com,\n",
    )


def answer(connection: socket.socket, head: bytes) -> None:
    """DataGen: one profile is known, one fails inside the tool, and a key is needed."""
    asked = json.loads(head.split(b"\r\n\r\n", 1)[1])
    assert asked["tool_alias_name"] == "get_linkedin_person_data"
    assert b"x-api-key: dg-of-the-env-file" in head.lower()
    if "ada" in asked["parameters"]["linkedin_url"]:
        result = {"headline": "Engineer of engines", "follower_count": 1815, "score": 0.9}
        body = {"success": True, "data": {"success": True, "result": result}}
    else:
        body = {"success": True, "data": {"success": False, "error": "profile is private"}}
    connection.sendall(reply(json.dumps(body).encode()))


@pytest.fixture
def datagen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A loopback gateway that clients made without arguments speak to, as the seed's modules make them."""
    before = os.environ.pop("DATAGEN_API_KEY", None)
    with serving(answer) as server:
        monkeypatch.setattr(DatagenClient.__init__, "__defaults__", (None, server.url, 30, 0, 0.5))
        yield server
    os.environ.pop("DATAGEN_API_KEY", None)  # python-dotenv has put it there
    if before is not None:
        os.environ["DATAGEN_API_KEY"] = before


def test_a_module_enriches_a_file_and_its_errors_stay_in_their_rows(size: Path, companies: Path) -> None:
    output = companies.with_name("out.csv")
    say("enrich", "--integrations", "size", "--input", companies, "--output", output)
    rows = rows_of(output)
    assert list(rows[0])[:5] == ["Company", "company_domain", "Note", "employee_count", "Fit Score"]
    assert [(row["employee_count"], row["Fit Score"]) for row in rows] == [
        ("1234", "first"), ("", ""), ("", ""), ("", ""),
    ]  # fmt: skip
    assert [row["enrichment_state"] for row in rows] == ["completed", "completed", "failed", "failed"]
    assert [row["enrichment_reason"] for row in rows[2:]] == [
        "size error: no credit",
        "size raised ValueError: surprise",
    ]


def test_the_module_is_handed_the_original_cells(size: Path, companies: Path) -> None:
    say("enrich", "--integrations", "size", "--input", companies)
    asked = type(registry.get("size")).enrich.__globals__["ASKED"]  # type: ignore[attr-defined]
    assert {"Company": "Acme", "company_domain": "https://www.acme.com/", "Note": "first"} in asked


def test_what_it_says_is_kept_as_payload_and_as_claims(size: Path, companies: Path) -> None:
    say("enrich", "--integrations", "size", "--input", companies)
    told = Lookup.objects.get(question__company_domain="https://www.acme.com/")
    assert json.loads(bytes(told.body or b""))["fields"] == {"employee_count": "1,234", "Fit Score": "first"}
    claim = AttributeValue.objects.get(attribute="headcount", source__slug="size")
    assert (claim.value, claim.references) == (1234, ["integration:size"])
    made = CustomAttribute.objects.get()
    assert (made.slug, made.type, made.kind) == ("fit_score", "text", "account")


def test_a_dry_run_counts_rows_whose_cells_only_the_module_reads(folder: Path, companies: Path) -> None:
    (folder / "size.py").write_text(SIZE.replace('["company_domain"]', '["company_domain", "Note"]', 1))
    said = words_of(say("enrich", "--integrations", "size", "--input", companies, "--dry-run"))
    assert "size 1 0 0 3 free no limit" in said  # the others have no note
    say("enrich", "--integrations", "size", "--input", companies)
    said = words_of(say("enrich", "--integrations", "size", "--input", companies, "--dry-run"))
    assert "size 0 1 0 3 free no limit" in said


def test_what_was_answered_is_not_asked_again(size: Path, companies: Path) -> None:
    say("enrich", "--integrations", "size", "--input", companies)
    say("enrich", "--integrations", "size", "--input", companies)
    asked = type(registry.get("size")).enrich.__globals__["ASKED"]  # type: ignore[attr-defined]
    assert sorted(row["Company"] for row in asked) == ["Acme", "Beta", "Delta", "Delta", "Gamma", "Gamma"]


def test_the_module_of_the_seed_runs_unmodified(folder: Path, datagen: Server, tmp_path: Path) -> None:
    shutil.copy(HEADLINE, folder / "linkedin_headline.py")
    (tmp_path / ".env").write_text("DATAGEN_API_KEY=dg-of-the-env-file\n")
    people = table(
        tmp_path / "founders.csv",
        "name,company,linkedin_url\n"
        "Ada Ode,Acme,https://www.linkedin.com/in/ada\nBo Pye,Beta,https://www.linkedin.com/in/bo\n",
    )
    say("enrich", "--integrations", "linkedin_headline", "--input", people)
    rows = rows_of(tmp_path / "founders_enriched.csv")
    assert list(rows[0])[3:6] == ["headline", "follower_count", "fit_score"]
    assert [(row["headline"], row["follower_count"], row["fit_score"]) for row in rows] == [
        ("Engineer of engines", "1815", "0.9"),
        ("", "", ""),
    ]
    assert rows[1]["enrichment_reason"] == "linkedin_headline error: profile is private"
    assert Contact.objects.get(name="Ada Ode").value("headline") == "Engineer of engines"


@pytest.mark.parametrize("header", ["linkedin_url", "name,linkedin_url", "company,linkedin_url"])
def test_rows_are_people_where_only_people_are_asked_about(
    header: str, folder: Path, datagen: Server, tmp_path: Path
) -> None:
    shutil.copy(HEADLINE, folder / "linkedin_headline.py")
    (tmp_path / ".env").write_text("DATAGEN_API_KEY=dg-of-the-env-file\n")
    cells = {"linkedin_url": "https://www.linkedin.com/in/ada", "name": "Ada Ode", "company": "Acme"}
    file = table(tmp_path / "list.csv", f"{header}\n{','.join(cells[name] for name in header.split(','))}\n")
    say("enrich", "--integrations", "linkedin_headline", "--input", file)
    assert rows_of(tmp_path / "list_enriched.csv")[0]["headline"] == "Engineer of engines"


def test_rows_that_name_no_person_stay_companies(
    folder: Path, datagen: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(HEADLINE, folder / "linkedin_headline.py")
    monkeypatch.setenv("DATAGEN_API_KEY", "dg")
    file = table(tmp_path / "list.csv", "company_domain\nacme.com\n")
    with pytest.raises(CommandError, match="linkedin_headline knows nothing of accounts"):
        say("enrich", "--integrations", "linkedin_headline", "--input", file)


def test_a_module_without_its_key_is_left_out_and_says_so(
    folder: Path, datagen: Server, companies: Path
) -> None:
    shutil.copy(HEADLINE, folder / "linkedin_headline.py")
    said = say("sources")
    assert "linkedin_headline.py: left out" in said
    assert "RuntimeError: DATAGEN_API_KEY not set" in said
    with pytest.raises(CommandError, match=r"linkedin_headline\.py is left out\. .*DATAGEN_API_KEY not set"):
        say("enrich", "--integrations", "linkedin_headline", "--input", companies)


def test_the_list_of_sources_tells_of_a_module(size: Path) -> None:
    sync_sources()
    said = say("sources")
    assert "size: Size of a company, off" in said
    assert "columns     employee_count, Fit Score" in said


def test_a_module_is_asked_about_people_or_their_companies_but_not_twice(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "size.py").write_text(SIZE.replace("employee_count", "verdict"))
    people = table(
        tmp_path / "people.csv", "Name,Email,Company,company_domain\nAda Ode,ada@acme.com,Acme,acme.com\n"
    )
    say("enrich", "--integrations", "size", "--input", people)
    assert [run.kind for run in EnrichmentRun.objects.all()] == ["contact"]
    assert CustomAttribute.objects.get(slug="verdict").kind == "both"
    assert Contact.objects.get().value("verdict") == "1,234"
    assert rows_of(tmp_path / "people_enriched.csv")[0]["verdict"] == "1,234"


def test_of_people_a_module_of_companies_gets_the_companies_values(size: Path, tmp_path: Path) -> None:
    people = table(
        tmp_path / "people.csv", "Name,Email,Company,company_domain\nAda Ode,ada@acme.com,Acme,acme.com\n"
    )
    say("enrich", "--integrations", "size", "--input", people)
    assert rows_of(tmp_path / "people_enriched.csv")[0]["employee_count"] == "1234"
    assert Account.objects.get().value("headcount") == 1234


def test_modules_chain_over_a_column_that_one_of_them_adds(folder: Path, tmp_path: Path) -> None:
    (folder / "find_boss.py").write_text(
        "INPUT_COLS = ['company_domain']\nOUTPUT_COLS = ['ceo_name']\n"
        "def enrich(row): return {'ceo_name': 'Ada Ode'}, ''\n"
    )
    (folder / "boss_mail.py").write_text(
        "INPUT_COLS = ['ceo_name', 'company_domain']\nOUTPUT_COLS = ['boss_mail']\n"
        "def enrich(row): return {'boss_mail': row['ceo_name'][:3].lower() + '@' + row['company_domain']}, ''\n"
    )
    file = table(tmp_path / "leads.csv", "name,company_domain\nAcme,acme.com\n")
    say("enrich", "--integrations", "boss_mail,find_boss", "--input", file)
    row = rows_of(tmp_path / "leads_enriched.csv")[0]
    assert (row["ceo_name"], row["boss_mail"]) == ("Ada Ode", "ada@acme.com")


def test_the_seeds_names_mean_our_sources() -> None:
    for slug in ("datagen_linkedin", "apollo", "clearbit"):
        make_source(slug)
    assert sources_called(["linkedin_profile", "apollo_enrich", "clearbit_enrich", "apollo"]) == [
        "datagen_linkedin",
        "apollo",
        "clearbit",
    ]
    assert columns_of(["web_research"]) == ["company_description", "tech_stack", "employee_count"]
    with pytest.raises(UnknownName, match="There is no source linkedin_profil "):
        sources_called(["linkedin_profil"])


def test_a_module_of_the_teams_own_comes_before_an_alias(folder: Path) -> None:
    (folder / "find_ceo.py").write_text(SIZE)
    make_source("datagen_find_ceo")
    sync_sources()
    assert sources_called(["find_ceo"]) == ["find_ceo"]
    assert columns_of(["find_ceo"]) == ["employee_count", "Fit Score"]


def test_the_seeds_own_modules_chain_to_the_person_a_company_names(folder: Path, tmp_path: Path) -> None:
    (folder / "find_ceo.py").write_text(
        "INPUT_COLS = ['company_domain']\nOUTPUT_COLS = ['ceo_name', 'ceo_linkedin_url']\n"
        "def enrich(row):\n"
        "    if 'acme' not in row['company_domain']: return {}, ''\n"
        "    return {'ceo_name': 'Ada Ode', 'ceo_linkedin_url': 'https://www.linkedin.com/in/ada'}, ''\n"
    )
    (folder / "linkedin_profile.py").write_text(
        "INPUT_COLS = ['linkedin_url']\nOUTPUT_COLS = ['headline', 'current_company', 'location', 'follower_count']\n"
        "def enrich(row):\n"
        "    return {'headline': 'At ' + row['linkedin_url'][-3:], 'follower_count': 1815}, ''\n"
    )
    file = table(tmp_path / "leads.csv", "name,company_domain\nAcme,acme.com\nBeta,beta.com\n")
    say("enrich", "--integrations", "find_ceo,linkedin_profile", "--input", file)
    rows = rows_of(tmp_path / "leads_enriched.csv")
    columns = ["ceo_name", "ceo_linkedin_url", "headline", "current_company", "location", "follower_count"]
    assert list(rows[0])[2:8] == columns
    assert [rows[0][name] for name in columns] == [
        "Ada Ode", "https://www.linkedin.com/in/ada", "At ada", "", "", "1815",
    ]  # fmt: skip
    assert [rows[1][name] for name in columns] == [""] * 6
