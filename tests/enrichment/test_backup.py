"""Backups: everything comes back into either kind of database, and nothing is paid before somebody says so."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections

from crm.models import Account, IdealCustomerProfile, Sheet, SheetEntry
from enrichment import claims, runs
from enrichment.models import (
    ApiKey,
    ApiSchedule,
    ApiTask,
    AttributeValue,
    Budget,
    CustomAttribute,
    EnrichmentRun,
    EnrichmentSource,
    GivenAnswer,
    Lookup,
    Preferences,
    RunItem,
    RunOrigin,
    ScheduleFiring,
    UploadedFile,
)
from enrichment.operations import archive, restoring
from enrichment.registration import sync_sources
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_contact, make_run, make_source, make_writer
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
is_sqlite = connection.vendor == "sqlite"


def say(*command: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def make_world() -> None:
    """At least one row of every table, with values that are hard to carry over."""
    user = User.objects.create_user("ann")
    profile = IdealCustomerProfile.objects.create(name="Mid-size", account_text="- headcount: people")
    sheet = Sheet.objects.create(name="Zürich 株式会社 😀", profile=profile)
    account = make_account(priority="high", comments='line\nline\u2028\ttab \\ "quote"')
    contact = make_contact(account=account)
    SheetEntry.objects.create(sheet=sheet, account=account)
    told, sheet_source = make_run(status="COMPLETED", asks=False), make_writer()
    for kind, record, name in ((Kind.ACCOUNT, account, "Größe & Söhne"), (Kind.CONTACT, contact, "Ann Ode")):
        claims.record(run=told.pk, kind=kind, answers=[make_answer(record.pk, sheet_source.pk, name=name)])
    CustomAttribute.objects.create(slug="tier", label="Tier", aliases=["level"])
    make_writer("user", 1)
    source = make_source(
        "vendor", cost=3, credit_price=Decimal("0.012345"), settings={"b": {"z": 1, "a": [1.5, None, True]}}
    )
    run = make_run(status="RUNNING", created_by=user, sheet=sheet, started_at=AT, summary={"1": 1e-7})
    lookup = Lookup.objects.create(
        source=source, run=run, key="k" * 64, question={"domain": "a.com"}, state="applied", period="2026-03",
        cost=3, sent_at=AT, answered_at=AT, status=200, headers={"x": "é"}, body=bytes(range(256)) * 9,
    )  # fmt: skip
    RunItem.objects.create(
        run=run, position=0, account=account, state="waiting", waits_for=lookup, score=0.1 + 0.2,
        row={"Zeta": "1", "Alpha": None}, evidence=[{"why": "name"}],
    )  # fmt: skip
    RunItem.objects.create(run=run, position=1, state="failed", reason="x" * 500)
    later, undone = make_run(status="COMPLETED"), make_run(status="COMPLETED")
    for number, each in enumerate((run, later, undone)):
        answers = [
            make_answer(account.pk, source.pk, number, headcount=10 + number // 2, industry=["a", "b"])
        ]
        claims.record(run=each.pk, kind=Kind.ACCOUNT, answers=answers)
    claims.record(run=run.pk, kind=Kind.CONTACT, answers=[make_answer(contact.pk, source.pk, 1, title="CEO")])
    claims.undo(undone.pk)
    claims.pin(account, "ceo_name", "Ann Ode", user="ann")
    Budget.objects.create(scope="money:2026-03", limit=10**15, spent=37035, reserved=0)
    Preferences.objects.create(pk=1, monthly_limit_usd=Decimal("123.40"))
    ScheduleFiring.objects.create(source=source, kind="account", planned_at=AT, fired_at=AT, run=later)
    make_api_world(profile, sheet, later)


def make_api_world(profile: IdealCustomerProfile, sheet: Sheet, run: EnrichmentRun) -> None:
    """At least one row of every table of the REST API."""
    key, _ = ApiKey.objects.create_key(name="Script", scopes=["read"])
    assert isinstance(key, ApiKey)
    file = UploadedFile.objects.create(name="ä.csv", stored="ab.csv", size=7, table={"row_count": 1})
    task = ApiTask.objects.create(
        name="Ingest", flow="ingest", deployment="main", profile=profile, sheet=sheet
    )
    schedule = ApiSchedule.objects.create(
        name="Nightly", task=task, profile=profile, key=key, cron="0 3 * * *", next_at=AT
    )
    RunOrigin.objects.create(run=run, task=task, key=key, schedule=schedule, planned_at=AT, file=file)
    GivenAnswer.objects.create(
        caller=f"key:{key.prefix}", key="once", request="d" * 64, status=201, body={"a": 1}
    )


def empty() -> None:
    """Take away everything, users included."""
    call_command("flush", interactive=False, verbosity=0)


def content(path: Path) -> list[Any]:
    """The lines of a backup after its head."""
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file][1:]


def backed_up(folder: Path, name: str = "backup") -> Path:
    """A new backup of the database as it is."""
    path = folder / f"{name}.jsonl.gz"
    say("backup", str(path))
    return path


def rewritten(path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    """A copy of a backup with other lines."""
    with gzip.open(path, "rt") as file:
        lines = change(file.read().splitlines())
    copy = path.with_name("changed.jsonl.gz")
    with gzip.open(copy, "wt") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return copy


def elsewhere(home: Path, *commands: list[str]) -> str:
    """Run commands on an SQLite database of their own; what they print."""
    code = (
        "import django, json, sys; django.setup()\n"
        "from django.core.management import call_command\n"
        "for command in json.loads(sys.argv[1]): call_command(*command)"
    )
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "FOOTNOTE_HOME": str(home), "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": f"sqlite:///{home}/footnote.sqlite3",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, json.dumps(commands)],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


MIGRATE = ["migrate", "--verbosity", "0"]


def test_every_table_is_in_the_backup_and_comes_back_as_it_was(tmp_path):
    make_world()
    EnrichmentRun.objects.filter(status="RUNNING").update(status="PAUSED")
    before = content(backed_up(tmp_path, "before"))
    assert all(before[-1]["end"].values()), "make_world lacks a table"
    empty()
    User.objects.create_user("other")
    User.objects.create_user("ann")
    said = say("restore", str(tmp_path / "before.jsonl.gz"))
    assert "Paid sources are held" in said
    assert say("restore", "--confirm") == "Paid sources may be asked again."
    assert content(backed_up(tmp_path, "after")) == before
    assert EnrichmentRun.objects.exclude(created_by=None).get().created_by.username == "ann"  # type: ignore[union-attr]
    assert bytes(Lookup.objects.get().body or b"") == bytes(range(256)) * 9
    assert say("rebuild_values").endswith("Put right: 0 claims, 0 current values.")


def test_a_backup_goes_into_the_other_kind_of_database_and_back(tmp_path):
    make_world()
    EnrichmentRun.objects.filter(status="RUNNING").update(status="PAUSED")
    User.objects.all().delete()
    here = backed_up(tmp_path, "here")
    there = tmp_path / "there.jsonl.gz"
    said = elsewhere(
        tmp_path,
        MIGRATE,
        ["restore", str(here)],
        ["restore", "--confirm"],
        ["rebuild_values"],
        ["backup", str(there)],
    )
    assert "Put right: 0 claims, 0 current values." in said
    assert content(there) == content(here)
    empty()
    say("restore", str(there))
    say("restore", "--confirm")
    assert content(backed_up(tmp_path, "again")) == content(here)
    assert say("rebuild_values").endswith("Put right: 0 claims, 0 current values.")


def test_new_rows_get_new_ids_after_a_restore(tmp_path):
    make_world()
    path, highest = backed_up(tmp_path), Account.objects.order_by("pk").last()
    assert highest
    Account.objects.filter(pk=highest.pk).update(comments="kept")
    empty()
    say("restore", str(path))
    assert make_account(name="New").pk > highest.pk
    assert make_run().pk > max(EnrichmentRun.objects.values_list("pk", flat=True)[1:])


def test_users_that_are_not_there_leave_their_runs(tmp_path):
    make_world()
    path = backed_up(tmp_path)
    empty()
    say("restore", str(path))
    assert not EnrichmentRun.objects.exclude(created_by=None).exists()


def test_after_a_restore_nothing_paid_is_asked_until_confirmed(tmp_path, fakes, monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)
    for slug in ("paid", "free"):
        fakes[slug] = FakeSource(slug, acme_com={"headcount": 5})
    make_source("paid", cost=1, rank=1)
    make_source("free", rank=2)
    make_account(name="Acme", domain="acme.com")
    path = backed_up(tmp_path)
    empty()
    say("restore", str(path))
    (left,) = runs.plan_for(Kind.ACCOUNT).left_out
    assert (left.source.slug, left.reason) == ("paid", "is held after a restore: confirm under Preferences")
    with pytest.raises(runs.RunRefused, match="held after a restore: confirm under Preferences"):
        runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), sources=["paid"])
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.work(run.pk, until=lambda: False)
    assert (fakes["paid"].asked, fakes["free"].asked) == ([], ["acme.com"])
    say("restore", "--confirm")
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.work(run.pk, until=lambda: False)
    assert fakes["paid"].asked == ["acme.com"]


def test_the_hold_is_lifted_in_the_admin_too(tmp_path, client):
    path = backed_up(tmp_path)
    say("restore", str(path))
    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/admin/enrichment/preferences/1/change/").content.decode()
    assert "hold_paid" in page
    client.post("/admin/enrichment/preferences/1/change/", {"belief": "rank", "monthly_limit_usd": ""})
    assert not Preferences.objects.get().hold_paid


def test_confirming_without_a_hold_changes_nothing():
    assert say("restore", "--confirm") == "Paid sources were not held; nothing changed."


def test_runs_that_were_going_wait_for_a_person(tmp_path):
    going, ended = make_run(status="RUNNING"), make_run(status="COMPLETED")
    path = backed_up(tmp_path)
    empty()
    say("restore", str(path))
    assert EnrichmentRun.objects.get(pk=going.pk).status == "PAUSED"
    assert EnrichmentRun.objects.get(pk=ended.pk).status == "COMPLETED"


def test_a_database_that_only_made_its_own_rows_counts_as_empty(tmp_path):
    make_world()
    path = backed_up(tmp_path)
    empty()
    sync_sources()
    Preferences.objects.create(pk=1)
    say("restore", str(path))
    assert set(EnrichmentSource.objects.values_list("slug", flat=True)) == {"user", "vendor", "spreadsheet"}


def test_a_database_that_is_not_empty_is_left_alone(tmp_path):
    make_account(name="Theirs")
    path = backed_up(tmp_path)
    with pytest.raises(
        CommandError, match=r"This database is not empty \(it has crm.account rows\): restore into one"
    ):
        say("restore", str(path))
    assert Account.objects.get().name == "Theirs"
    assert not Preferences.objects.exists()


def shortened(path: Path) -> Path:
    """A copy whose end is missing, as after a full disk."""
    copy = path.with_name("short.jsonl.gz")
    copy.write_bytes(path.read_bytes()[:-40])
    return copy


def flipped(path: Path) -> Path:
    """A copy in which some bytes were written wrongly."""
    data = bytearray(path.read_bytes())
    for index in range(len(data) // 2, len(data) // 2 + 20):
        data[index] ^= 0x55
    copy = path.with_name("flipped.jsonl.gz")
    copy.write_bytes(bytes(data))
    return copy


def without_a_row(path: Path) -> Path:
    return rewritten(path, lambda lines: [line for line in lines if '"Mid-size"' not in line])


def with_more(path: Path) -> Path:
    return rewritten(path, lambda lines: [*lines, "[]"])


def with_a_narrow_row(path: Path) -> Path:
    return rewritten(path, lambda lines: [*lines[:2], "[1]", *lines[2:]])


def with_a_wrong_value(path: Path) -> Path:
    def change(lines: list[str]) -> list[str]:
        return [line.replace('"0.012345"', '"a lot"') for line in lines]

    return rewritten(path, change)


def with_a_huge_number(path: Path) -> Path:
    return rewritten(path, lambda lines: [line.replace(str(10**15), str(10**30)) for line in lines])


def with_a_foreign_table(path: Path) -> Path:
    return rewritten(path, lambda lines: [line.replace("crm.account", "auth.user") for line in lines])


def with_a_lost_owner(path: Path) -> Path:
    """Its sheet entry names an account that is not there."""

    def change(lines: list[str]) -> list[str]:
        index = next(number for number, line in enumerate(lines) if '"crm.sheetentry"' in line) + 1
        row = json.loads(lines[index])
        row[2] = 999
        return [*lines[:index], json.dumps(row), *lines[index + 1 :]]

    return rewritten(path, change)


@pytest.mark.parametrize(
    "damage",
    [
        shortened, flipped, without_a_row, with_more, with_a_narrow_row, with_a_wrong_value, with_a_huge_number,
        with_a_foreign_table, with_a_lost_owner,
    ],
)  # fmt: skip
def test_a_damaged_backup_changes_nothing(tmp_path, damage):
    make_world()
    path = damage(backed_up(tmp_path))
    empty()
    sync_sources()
    before = set(EnrichmentSource.objects.values_list("slug", flat=True))
    with pytest.raises(CommandError, match="is damaged"):
        say("restore", str(path))
    assert set(EnrichmentSource.objects.values_list("slug", flat=True)) == before
    assert not any(model._base_manager.exists() for model in (Account, Lookup, AttributeValue, Preferences))


def test_a_backup_of_another_version_is_refused(tmp_path):
    path = rewritten(
        backed_up(tmp_path), lambda lines: [lines[0].replace("0002_api", "0009_later"), *lines[1:]]
    )
    with pytest.raises(
        CommandError, match=r"was made by another version of Footnote \(its tables: 0009_later, "
    ):
        say("restore", str(path))


@pytest.mark.parametrize(
    "text",
    [b"", b"name,domain\nAcme,acme.com\n", gzip.compress(b'{"format": 1}\n'), gzip.compress(b"")],
    ids=["empty", "a spreadsheet", "a header alone", "an empty archive"],
)
def test_what_is_no_backup_is_refused(tmp_path, text):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(text)
    with pytest.raises(CommandError, match=r"no backup|damaged"):
        say("restore", str(path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"gone\.jsonl\.gz cannot be read: No such file"):
        say("restore", str(tmp_path / "gone.jsonl.gz"))


def test_a_backup_never_replaces_a_file_and_belongs_to_its_owner(tmp_path):
    path = backed_up(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists already"):
        say("backup", str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["backup.jsonl.gz"]


@pytest.mark.parametrize("name", ["backup.zip", "backup"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match=r"ends in \.jsonl\.gz or \.sqlite3"):
        say("backup", str(tmp_path / name))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        say("backup", str(tmp_path / "gone" / "backup.jsonl.gz"))


@pytest.mark.skipif(is_sqlite, reason="the tests' SQLite lives in memory, where readers hold writers out")
def test_a_backup_is_of_one_moment_although_others_write(tmp_path, monkeypatch):
    make_account(name="Before")
    rows = archive._rows
    done: list[bool] = []

    def write_meanwhile() -> None:
        make_account(name="Meanwhile")
        make_source("meanwhile")
        connections.close_all()

    def interrupted(*args: Any) -> Any:
        if not done:
            done.append(True)
            thread = threading.Thread(target=write_meanwhile)
            thread.start()
            thread.join()
        return rows(*args)

    monkeypatch.setattr(archive, "_rows", interrupted)
    lines = content(backed_up(tmp_path))
    assert lines[-1]["end"]["crm.account"] == 1
    assert lines[-1]["end"]["enrichment.enrichmentsource"] == 0
    assert Account.objects.count() == 2


def test_large_tables_come_back_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(restoring, "_BATCH_ROWS", 7)
    Account.objects.bulk_create(Account(name=f"A{number}") for number in range(50))
    path = backed_up(tmp_path)
    empty()
    assert "50 crm.account" in say("restore", str(path))
    assert Account.objects.count() == 50


@pytest.mark.skipif(is_sqlite, reason="SQLite can be copied")
def test_postgresql_makes_no_sqlite_copy(tmp_path):
    with pytest.raises(CommandError, match=r"but this is PostgreSQL: name it"):
        say("backup", str(tmp_path / "copy.sqlite3"))
    sqlite3.connect(tmp_path / "other.sqlite3").close()
    with pytest.raises(CommandError, match=r"PostgreSQL takes a \.jsonl\.gz only"):
        say("restore", str(tmp_path / "other.sqlite3"))


def test_a_copy_of_sqlite_comes_back_whole_and_held(tmp_path):
    make_world()
    path = backed_up(tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    copy, again = str(tmp_path / "copy.sqlite3"), tmp_path / "again.jsonl.gz"
    elsewhere(one, MIGRATE, ["restore", str(path)], ["restore", "--confirm"], ["backup", copy])
    said = elsewhere(two, MIGRATE, ["restore", copy], ["backup", str(again)], ["rebuild_values"])
    assert "Paid sources are held" in said
    assert "Put right: 0 claims, 0 current values." in said
    with sqlite3.connect(two / "footnote.sqlite3") as database:
        assert database.execute("SELECT hold_paid FROM enrichment_preferences").fetchall() == [(1,)]
    assert content(again)[-1] == content(path)[-1]
    assert stat.S_IMODE(Path(copy).stat().st_mode) == 0o600


@pytest.mark.skipif(not is_sqlite, reason="for SQLite only")
@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: path.write_bytes(b"x" * 5000), "is no SQLite database"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE t (a)"), "is no database of Footnote"),
        (
            lambda path: sqlite3.connect(path).executescript("CREATE TABLE django_migrations (app, name)"),
            "another version",
        ),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 5000), "damaged or cannot be restored"),
    ],
)
def test_a_strange_sqlite_file_is_refused(tmp_path, make, text):
    path = tmp_path / "strange.sqlite3"
    make(path)
    with pytest.raises(CommandError, match=text):
        say("restore", str(path))
