"""Registering a table: what is kept, what maps by itself, and what is refused."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from enrichment.models import EnrichmentSource
from enrichment.tables import register

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    path = tmp_path / "list.csv"
    path.write_text("name,website,city,mood,link\nKestrel Foundry,kestrelfoundry.com,Bristol,fine,\n")
    return path


def test_known_headers_map_by_themselves_and_the_file_is_copied(table: Path) -> None:
    source = register(table, slug="ours", label="Our list", rank=7)
    assert (source.adapter, source.label, source.rank, source.is_enabled) == (
        "reference_table",
        "Our list",
        7,
        True,
    )
    assert source.settings["mapping"]["name"] == "name"
    assert "mood" not in source.settings["mapping"]
    kept = Path(source.settings["path"])
    assert kept != table
    assert kept.read_bytes() == table.read_bytes()


def test_registering_again_replaces_the_table_of_that_slug(table: Path) -> None:
    first = register(table, slug="ours")
    table.write_text("name\nOther\n")
    second = register(table, slug="ours")
    assert first.pk == second.pk
    assert first.settings["path"] != second.settings["path"]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"slug": "Not A Slug"}, "not a slug"),
        ({"slug": "spreadsheet"}, "another source"),
        ({"slug": "ours", "key": "nowhere"}, "no column nowhere"),
        ({"slug": "ours", "reference": "nowhere"}, "no column nowhere"),
        ({"slug": "ours", "mapping": {"name": "name", "mood": "no_such"}}, "no attribute no_such"),
        ({"slug": "ours", "mapping": {"city": "city"}}, "domain or the name"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_kept(
    table: Path, told: dict[str, Any], sentence: str
) -> None:
    EnrichmentSource.objects.get_or_create(slug="spreadsheet", defaults={"label": "Spreadsheet"})
    with pytest.raises(ValueError, match=sentence):
        register(table, **told)
    assert not EnrichmentSource.objects.filter(adapter="reference_table").exists()


def test_an_empty_file_is_refused(table: Path) -> None:
    table.write_text("")
    with pytest.raises(ValueError, match="empty"):
        register(table, slug="ours")


def test_the_command_says_what_was_mapped_and_what_was_left_out(table: Path) -> None:
    out = StringIO()
    call_command("add_reference", str(table), "--slug", "ours", "--map", "website=domain", stdout=out)
    assert "mood" in out.getvalue()
    assert EnrichmentSource.objects.get(slug="ours").settings["mapping"]["website"] == "domain"


@pytest.mark.parametrize("wrong", [["--map", "nowhere=domain"], ["--map", "website"], ["--key", "nowhere"]])
def test_the_command_fails_with_a_sentence(table: Path, wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("add_reference", str(table), "--slug", "ours", *wrong, stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("add_reference", str(table) + "x", "--slug", "ours", stdout=StringIO())
