"""`manage.py add_reference` as it is typed, and `enrich --sources` with what it made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from enrichment.models import CustomAttribute, EnrichmentSource
from tests.enrichment.typed import rows_of, say, words_of

pytestmark = pytest.mark.django_db

TABLE = (
    "Company Name,Website,Staff,Mood,Link\n"
    "Kestrel Foundry,kestrelfoundry.com,40,fine,https://list.example/kestrel\n"
    "Osprey Works,ospreyworks.com,51,poor,https://list.example/osprey\n"
    "n/a,,7,,\n"
)


@pytest.fixture
def table(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    path = tmp_path / "list.csv"
    path.write_text(TABLE)
    return path


def add(table: Path, *options: object) -> str:
    return say("add_reference", table, "--slug", "ours", *options)


def refused(table: Path, *options: object) -> str:
    known = list(EnrichmentSource.objects.filter(adapter="reference_table").values())
    with pytest.raises(CommandError) as caught:
        say("add_reference", table, *options)
    assert "\n" not in str(caught.value)
    assert list(EnrichmentSource.objects.filter(adapter="reference_table").values()) == known
    return str(caught.value)


def mapping() -> dict[str, str]:
    return dict(EnrichmentSource.objects.get(slug="ours").settings["mapping"])


def test_a_table_is_a_source_that_enrich_uses(table: Path, tmp_path: Path) -> None:
    said = add(table, "--map", "Staff=employee_count")
    assert said.splitlines()[-1] == "Next: manage.py enrich --input accounts.csv --sources ours"
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("name,domain\nOsprey,ospreyworks.com\nWren,wren.example\n")
    say("enrich", "--input", accounts, "--sources", "ours", "--attributes", "employees")
    assert [row["employees"] for row in rows_of(tmp_path / "accounts_enriched.csv")] == ["51", ""]


def test_it_says_what_was_mapped_what_was_left_out_and_what_is_usable(table: Path) -> None:
    words = words_of(add(table, "--map", "Staff=employee_count"))
    assert "Company Name -> name" in words
    assert "Website -> domain" in words
    assert "Staff -> headcount" in words
    assert "Reference of each row: Link" in words
    assert any(line.startswith("Left out: Mood (") for line in words)
    assert "Rows: 3 read, 2 name a company" in words
    source = EnrichmentSource.objects.get(slug="ours")
    assert (source.is_enabled, source.rank, source.label) == (True, 30, "Ours")


def test_an_alias_of_a_custom_attribute_is_known(table: Path) -> None:
    CustomAttribute.objects.create(slug="atmosphere", label="Atmosphere", aliases=["feeling"])
    add(table, "--map", "Mood=feeling")
    assert mapping()["Mood"] == "atmosphere"


def test_a_header_that_is_an_alias_of_a_custom_attribute_maps_by_itself(table: Path) -> None:
    CustomAttribute.objects.create(slug="atmosphere", label="Atmosphere", aliases=["mood"])
    add(table)
    assert mapping()["Mood"] == "atmosphere"


def test_what_the_user_maps_wins_over_what_the_headers_say(table: Path) -> None:
    table.write_text("name,domain,site\nKestrel,old.example,kestrelfoundry.com\n")
    add(table, "--map", "site=domain", "--map", "name=")
    assert mapping() == {"site": "domain", "name": ""}


def test_the_key_may_be_named_by_what_it_holds(table: Path) -> None:
    assert "Website -> domain" in " ".join(add(table, "--key", "domain").split())


def test_links_into_the_list_itself_are_no_domains(table: Path) -> None:
    rows = "".join(f"Company {n},https://list.example/{n}\n" for n in range(9))
    table.write_text(f"name,url\n{rows}")
    add(table)
    assert mapping() == {"name": "name"}
    assert EnrichmentSource.objects.get(slug="ours").settings["reference"] == "url"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--slug", "ours", "--key", "nowhere"],
            "The table has no column nowhere; it has Company Name, Website",
        ),
        (["--slug", "ours", "--key", "Mood"], "The key column Mood is not mapped"),
        (
            ["--slug", "ours", "--map", "Staff=headcount", "--key", "Staff"],
            "holds headcount, by which no row is found",
        ),
        (["--slug", "ours", "--map", "Mood=name", "--map", "Staff=name"], "Two columns are given to name"),
        (["--slug", "ours", "--map", "Mood=name", "--map", "mood=cms"], "Mood is mapped to name and to cms"),
        (
            ["--slug", "ours", "--map", "Mood=headcuont"],
            "There is no attribute headcuont. Did you mean headcount?",
        ),
        (["--slug", "ours", "--map", "nowhere=cms"], "The table has no column nowhere"),
        (["--slug", "ours", "--map", "Mood"], "'Mood' is no mapping"),
        (["--slug", "Our List"], "such as our_list"),
        (["--slug", "wikidata"], "There is another source called wikidata"),
        (["--slug", "reference_table"], "There is another source called reference_table"),
        (["--slug", "spreadsheet"], "There is another source called spreadsheet"),
        (["--slug", "ours", "--rank", "0"], "--rank is a whole number from 1"),
        (
            ["--slug", "ours", "--map", "Company Name=", "--map", "Website="],
            "domain or the name of the company",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(table: Path, options: list[str], sentence: str) -> None:
    assert sentence in refused(table, *options)
    assert not (table.parent / "media").exists()


def test_a_missing_file_names_those_that_are_near(table: Path) -> None:
    assert "Did you mean list.csv?" in refused(table.with_name("lists.csv"), "--slug", "ours")


def test_a_table_is_replaced_only_when_asked(table: Path) -> None:
    add(table, "--label", "Our list", "--rank", "7")
    EnrichmentSource.objects.update(is_enabled=False)
    before = EnrichmentSource.objects.get(slug="ours").settings["path"]
    table.write_text("name,cms\nKestrel Foundry,Ghost\n")
    assert "add --replace" in refused(table, "--slug", "ours")
    assert "Our list is replaced" in add(table, "--replace")
    source = EnrichmentSource.objects.get(slug="ours")
    assert (source.label, source.rank, source.is_enabled) == ("Our list", 7, True)
    assert source.settings["path"] != before
    assert mapping() == {"name": "name", "cms": "cms"}


def test_a_replaced_table_is_asked_again(table: Path, tmp_path: Path) -> None:
    add(table, "--map", "Staff=headcount")
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("domain\nospreyworks.com\n")
    say("enrich", "--input", accounts, "--sources", "ours")
    table.write_text(TABLE.replace("51", "99"))
    add(table, "--replace", "--map", "Staff=headcount")
    say("enrich", "--input", accounts, "--sources", "ours", "--attributes", "headcount")
    assert [row["headcount"] for row in rows_of(tmp_path / "accounts_enriched.csv")] == ["99"]
