"""`manage.py demo`, `sources`, `undo_run` as they are typed."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from crm.models import Account
from enrichment import claims
from enrichment.models import AttributeValue, EnrichmentRun, EnrichmentSource
from sources.attributes import Kind
from tests.enrichment.typed import rows_of, say, words_of
from tests.factories import make_account, make_answer, make_run, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path


def test_the_demo_enriches_sums_up_and_a_second_one_changes_nothing(home: Path) -> None:
    said = say("demo")
    words = words_of(said)
    assert "Rows 196" in words
    assert any(line.startswith("Coverage filled of ") for line in words)
    assert any(line.startswith("headcount ") for line in words)
    assert any(line.endswith(" seconds") for line in words)
    password = (home / "demo_password").read_text()
    assert f"Log in as demo with password {password}" in said
    for name in ("accounts_enriched.csv", "accounts_enriched.xlsx"):
        assert f"196 rows written to {home / name}" in said
        assert (home / name).is_file()
    assert sum(bool(row["headcount"]) for row in rows_of(home / "accounts_enriched.csv")) > 40

    EnrichmentSource.objects.filter(slug="layoffs").update(is_enabled=False, rank=3)
    user = get_user_model().objects.get(username="demo")
    user.set_password("another")
    user.save()
    before = (Account.objects.count(), EnrichmentRun.objects.count(), AttributeValue.objects.count())
    again = say("demo")
    assert "is there already, enriched by run" in again
    assert password not in again
    assert before == (Account.objects.count(), EnrichmentRun.objects.count(), AttributeValue.objects.count())
    assert EnrichmentSource.objects.get(slug="layoffs").rank == 3


def test_the_list_of_sources_tells_cost_cadence_and_keys_in_a_hundred_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUNTER_API_KEY", "x")
    monkeypatch.delenv("CLEARBIT_API_KEY", raising=False)
    say("sync_sources")
    EnrichmentSource.objects.filter(slug="clearbit").update(cost=3, monthly_limit=500, cadence="quarterly")
    said = say("sources")
    parts = {
        part.partition(":")[0]: " ".join(part.split()) for part in said.replace("\n    ", " ").splitlines()
    }
    assert "CLEARBIT_API_KEY is missing" in parts["clearbit"]
    assert "HUNTER_API_KEY is set" in parts["hunter"]
    assert "up to 3 credits a question, a miss is charged too; at most 500 a month" in parts["clearbit"]
    assert "refreshed quarterly" in parts["clearbit"]
    assert "Clearbit, off, rank 100" in parts["clearbit"]
    assert "cost free" in parts["wikidata"]
    assert max(map(len, said.splitlines())) <= 100


@pytest.fixture
def run() -> EnrichmentRun:
    """A run that ended and told an account its CEO."""
    run, account, source = make_run(status="COMPLETED"), make_account(), make_source()
    claims.record(
        run=run.pk, kind=Kind.ACCOUNT, answers=[make_answer(account.pk, source.pk, ceo_name="Ann Ode")]
    )
    return run


class Terminal(StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


def test_undoing_shows_what_goes_and_asks(run: EnrichmentRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    out = StringIO()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("undo_run", str(run.pk), stdout=out)
    assert "1 values go, 0 come back" in out.getvalue()
    assert "ceo_name" in out.getvalue()
    assert Account.objects.get().current_values
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "Current values changed: 1." in say("undo_run", str(run.pk))
    assert not Account.objects.get().current_values


def test_without_a_person_undoing_needs_yes(run: EnrichmentRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match="add --yes"):
        say("undo_run", str(run.pk))
    assert Account.objects.get().current_values
    say("undo_run", str(run.pk), "--yes")
    assert not Account.objects.get().current_values
