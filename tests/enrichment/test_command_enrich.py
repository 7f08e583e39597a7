"""`manage.py enrich` as it is typed: a file in, a file and a summary out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db.models import F
from python_calamine import CalamineWorkbook

from crm.models import Account, Sheet
from crm.spreadsheets import import_file
from enrichment import runs, signals
from enrichment.models import (
    CustomAttribute,
    EnrichmentRun,
    EnrichmentSource,
    Freshness,
    Lookup,
    RunItem,
    Signal,
)
from enrichment.terminal import work_with_bar
from sources import tables
from sources.contract import Pending
from sources.errors import SourceUnavailable
from tests.enrichment import typed
from tests.enrichment.typed import counts, rows_of, words_of
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db

ROWS = (
    "Company,Website,Note\n"
    "Acme,acme.com,first\n"
    "Unknown,,=1+1\n"
    "Beta,beta.com,\n"
    "Acme Inc,https://www.acme.com/,again\n"
    "Gamma,gamma.com,gone\n"
)


@pytest.fixture(autouse=True)
def source(fakes: dict[str, FakeSource], monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    """A source that knows Acme, not Beta, and fails at Gamma."""
    monkeypatch.setattr(runs, "NAP", 0)
    monkeypatch.setattr("enrichment.limits.retry_at", lambda tries: None)
    fakes["fake"] = FakeSource(
        acme_com={"headcount": "1,234", "industry": "Tools"},
        gamma_com=SourceUnavailable("no answer within 20 s"),
    )
    make_source("fake", rank=10, cadence="monthly")
    return fakes["fake"]


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text(ROWS)
    return path


def say(*options: object) -> str:
    return typed.say("enrich", *options)


def refused(*options: object) -> str:
    with pytest.raises(CommandError) as caught:
        say(*options)
    assert caught.value.returncode
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_row_comes_out_in_its_order_with_its_own_columns_first(accounts: Path) -> None:
    said = say("--input", accounts)
    rows = rows_of(accounts.with_name("accounts_enriched.csv"))
    assert list(rows[0])[:3] == ["Company", "Website", "Note"]
    assert [row["Company"] for row in rows] == ["Acme", "Unknown", "Beta", "Acme Inc", "Gamma"]
    assert [row["headcount"] for row in rows] == ["1234", "", "", "1234", ""]
    assert [row["enrichment_state"] for row in rows] == [
        "completed",
        "discarded",
        "completed",
        "completed",
        "failed",
    ]
    assert rows[4]["enrichment_reason"] == "no answer within 20 s"
    assert rows[1]["Note"] == "'=1+1"
    assert "5 rows written to" in said


def test_the_summary_counts_rows_sources_and_coverage(accounts: Path) -> None:
    words = words_of(say("--input", accounts))
    assert "Rows 5" in words
    assert "created 3" in words
    assert "merged 1 with another row of the file" in words
    assert "1 x the row names no company" in words
    assert "1 x no answer within 20 s" in words
    assert "fake 1 1 1" in words  # found, not found, failed
    assert "headcount 1 33.3 %" in words
    assert words[-2].endswith("seconds")


def test_the_sheet_is_named_after_the_file(accounts: Path) -> None:
    say("--input", accounts)
    sheet = Sheet.objects.get()
    assert (sheet.name, sheet.entries.count()) == ("accounts.csv", 3)
    run = EnrichmentRun.objects.get()
    assert (run.file_name, run.parallel) == ("accounts.csv", 5)


def test_a_second_run_of_the_file_creates_nothing_and_asks_nothing_fresh(
    accounts: Path, source: FakeSource
) -> None:
    say("--input", accounts)
    asked, records = len(source.asked), Account.objects.count()
    source.answers.pop("gamma.com")
    said = say("--input", accounts)
    assert Account.objects.count() == records
    assert source.asked[asked:] == ["gamma.com"]  # the only one without an answer
    assert "2 fresh" in said
    assert rows_of(accounts.with_name("accounts_enriched.csv"))[0]["headcount"] == "1234"


def test_an_output_is_given_under_the_name_asked_for(accounts: Path, tmp_path: Path) -> None:
    say("--input", accounts, "--output", tmp_path / "out.csv", "--attributes", "employee_count, Industry")
    first = rows_of(tmp_path / "out.csv")[0]
    assert (first["employee_count"], first["Industry"]) == ("1234", "Tools")
    assert "headcount" not in first


def test_the_alias_of_a_custom_attribute_is_a_name_too(
    accounts: Path, tmp_path: Path, source: FakeSource
) -> None:
    CustomAttribute.objects.create(slug="account_tier", label="Account tier", aliases=["level"])
    source.answers["acme.com"] = {"account_tier": "gold"}
    source.provides = ("account_tier",)  # type: ignore[misc]
    say("--input", accounts, "--output", tmp_path / "out.csv", "--attributes", "level")
    assert rows_of(tmp_path / "out.csv")[0]["level"] == "gold"


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "parquet"])
def test_each_format_goes_in_and_comes_out(ending: str, accounts: Path, tmp_path: Path) -> None:
    say("--input", accounts, "--output", tmp_path / f"first.{ending}")
    say("--input", tmp_path / f"first.{ending}")
    again = tables.read(tmp_path / f"first_enriched.{ending}")
    assert again.header[:4] == ("Company", "Website", "Note", "headcount")
    assert {"headcount (enriched)", "enrichment_state (enriched)"} <= set(again.header)
    assert [row[again.header.index("headcount (enriched)")] for row in again.rows][:4:3] == ["1234", "1234"]


def test_numbers_stay_numbers_and_lists_lists(accounts: Path, tmp_path: Path, source: FakeSource) -> None:
    source.answers["acme.com"] = {"headcount": 7, "tech_stack": ["AWS", "React"]}
    say("--input", accounts, "--output", tmp_path / "out.json")
    first, second, *_ = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (first["headcount"], first["tech_stack"], second["headcount"]) == (7, ["AWS", "React"], None)
    say("--input", accounts, "--output", tmp_path / "out.xlsx")
    header, row, *_ = CalamineWorkbook.from_path(str(tmp_path / "out.xlsx")).get_sheet_by_index(0).to_python()
    assert row[header.index("headcount")] == 7.0


def test_parquet_without_pyarrow_is_one_sentence(accounts: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("crm.results.find_spec", lambda name: None)
    assert "pip install 'footnote[parquet]'" in refused(
        "--input", accounts, "--output", tmp_path / "out.parquet"
    )
    assert not EnrichmentRun.objects.exists()


def test_a_dry_run_counts_rows_that_are_new_and_stores_nothing(
    accounts: Path, tmp_path: Path, source: FakeSource
) -> None:
    EnrichmentSource.objects.update(cost=2)
    make_source("sleepy", adapter="fake", is_enabled=False)
    before = counts()
    said = say("--input", accounts, "--dry-run")
    words = words_of(said)
    assert "fake 3 0 0 0 6 credits no limit" in words  # questions, fresh, cached, no input, at most, budget
    assert "sleepy is off" in words
    assert "3 new, 1 merged, 0 for review, 1 discarded" in said
    assert counts() == before
    assert source.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["accounts.csv"]


def test_a_dry_run_knows_what_is_fresh(accounts: Path) -> None:
    say("--input", accounts)
    words = words_of(say("--input", accounts, "--dry-run"))
    assert "fake 1 2 0 0 free no limit" in words


def test_a_run_that_was_paused_goes_on_and_writes_its_output(
    accounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(run: EnrichmentRun, out: object, *, resumed_by: str) -> None:
        runs.pause(run)
        run.refresh_from_db()

    with monkeypatch.context() as patch:
        patch.setattr("enrichment.management.commands.enrich.work_with_bar", pause)
        options = ("--input", accounts, "--output", tmp_path / "out.csv", "--attributes", "employee_count")
        text = refused(*options)
    run = EnrichmentRun.objects.get()
    assert f"manage.py enrich --resume {run.pk}" in text
    assert not (tmp_path / "out.csv").exists()
    said = say("--resume", run.pk)
    assert str(tmp_path / "out.csv") in said
    assert [row["employee_count"] for row in rows_of(tmp_path / "out.csv")] == ["1234", "", "", "1234", ""]
    assert EnrichmentRun.objects.count() == 1


def test_a_run_that_ended_writes_its_output_again(accounts: Path, source: FakeSource) -> None:
    say("--input", accounts)
    asked = len(source.asked)
    output = accounts.with_name("accounts_enriched.csv")
    text = output.read_bytes()
    output.unlink()
    say("--resume", EnrichmentRun.objects.get().pk)
    assert output.read_bytes() == text
    assert len(source.asked) == asked


def test_what_cannot_be_resumed_says_why(accounts: Path, tmp_path: Path) -> None:
    assert "There is no run 404." in refused("--resume", 404)
    say("--input", accounts)
    run = EnrichmentRun.objects.get()
    assert "leave --sources" in refused("--resume", run.pk, "--sources", "fake")
    other = tmp_path / "other.csv"
    other.write_text("name\nOther\n")
    assert "is not the file of run" in refused("--resume", run.pk, "--input", other)
    EnrichmentRun.objects.update(status="CANCELED")
    assert "was canceled" in refused("--resume", run.pk)
    EnrichmentRun.objects.update(file_name="")
    assert "not started from a file" in refused("--resume", run.pk)


WRONG: list[tuple[Callable[[Path], list[object]], str]] = [
    (lambda file: ["--input", file, "--sources", "fakee"], "There is no source fakee that can be asked. Did you mean fake?"),
    (lambda file: ["--input", file, "--sources", "xyz"], "there are fake."),
    (lambda file: ["--input", file, "--sources", "spreadsheet"], "no source spreadsheet that can be asked"),
    (lambda file: ["--input", file, "--attributes", "headcuont"], "Did you mean headcount?"),
    (lambda file: ["--input", file, "--attributes", "zzzz"], "there are analytics_tools"),
    (lambda file: ["--input", file, "--attributes", "cms"], "fake gives none of the wanted attributes"),
    (lambda file: ["--input", file, "--parallel", 17], "from 1 to 16, not 17"),
    (lambda file: ["--input", file, "--parallel", 0], "from 1 to 16, not 0"),
    (lambda file: ["--input", file.with_name("account.csv")], "Did you mean accounts.csv?"),
    (lambda file: ["--input", file.parent], "is a folder"),
    (lambda file: ["--input", file, "--output", file], "is the input"),
    (lambda file: ["--input", file, "--output", file.with_suffix(".pdf")], "ends in .csv"),
    (lambda file: ["--input", file, "--output", file.parent / "no" / "out.csv"], "make it first"),
    (lambda file: [], "Name the file"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_a_wrong_wish_is_one_sentence_and_changes_nothing(
    options: Callable[[Path], list[object]], sentence: str, accounts: Path
) -> None:
    assert sentence in refused(*options(accounts))
    assert not Account.objects.exists()
    assert not EnrichmentRun.objects.exists()


def test_a_file_whose_columns_name_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "colours.csv"
    path.write_text("colour,size\nred,4\n")
    assert "column" in refused("--input", path)
    path.write_text("")
    assert "empty" in refused("--input", path)


def test_sources_that_cannot_be_asked_are_told(accounts: Path) -> None:
    make_source("gone", adapter="no_such_adapter")
    said = say("--input", accounts, "--integrations", "fake,gone")
    assert "Note: gone is left out: its adapter no_such_adapter is not installed." in said
    assert EnrichmentRun.objects.get().sources == ["fake", "gone"]


def test_without_a_terminal_the_progress_is_a_few_lines(
    accounts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say("--input", accounts)
    shown = capsys.readouterr().err
    assert "5 of 5 rows done" in shown
    assert "\r" not in shown
    assert 1 <= len(shown.splitlines()) <= 5


class Screen(StringIO):
    """A terminal that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_a_bar_moves_to_the_end(accounts: Path) -> None:
    run = import_file(accounts, name=accounts.name, enrich=True, sources=["fake"])
    screen = Screen()
    work_with_bar(run, screen, resumed_by="…")
    first, *_, last = screen.getvalue().split("\r")[1:]
    assert "40 % 2/5" in first  # a row names nobody, and one another row's company
    assert last.startswith(f"[{'#' * 30}] 100 % 5/5")
    assert last.endswith("\n")


class Slow(FakeSource):
    """Answers by callback, some day."""

    def fetch(self, call, http):
        return [Pending(token="later")]


def test_answers_that_come_later_are_not_waited_for(accounts: Path, fakes: dict[str, FakeSource]) -> None:
    fakes["slow"] = Slow("slow")
    make_source("slow", rank=20, cadence="monthly")
    said = say("--input", accounts, "--sources", "slow")
    run = EnrichmentRun.objects.get()
    assert f"once they are there: manage.py enrich --resume {run.pk}" in said
    assert "waiting" in said
    assert rows_of(accounts.with_name("accounts_enriched.csv"))[0]["enrichment_state"] == "waiting"
    Lookup.objects.update(state="answered", status=404, body=b"")
    RunItem.objects.filter(state="waiting").update(state="queued", waits_for=None)
    say("--resume", run.pk)
    assert rows_of(accounts.with_name("accounts_enriched.csv"))[0]["enrichment_state"] == "completed"


def test_signals_are_there_when_it_ends(accounts: Path, source: FakeSource) -> None:
    signals.sync_rules()
    typed.say("enrich", "--input", accounts)
    assert not Signal.objects.exists()
    source.answers["acme.com"] = {"headcount": "5,000", "industry": "Tools"}
    Freshness.objects.update(due_at=F("checked_at"))
    Lookup.objects.update(sent_at=F("sent_at") - timedelta(days=90))
    typed.say("enrich", "--input", accounts)
    assert [(str(each.account), each.type) for each in Signal.objects.all()] == [("Acme", "hiring_surge")]
