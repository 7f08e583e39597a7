"""Backups: everything comes back into either kind of database, and nothing is paid before somebody says so."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connections

from crm.models import Account
from enrichment import runs, signals
from enrichment.models import (
    EnrichmentRun,
    EnrichmentSource,
    Lookup,
    Preferences,
    WebhookEndpoint,
)
from enrichment.operations import archive, restoring
from enrichment.registration import sync_sources
from sources.attributes import Kind
from tests.enrichment.backups import (
    MIGRATE,
    backed_up,
    content,
    elsewhere,
    empty,
    is_sqlite,
    make_world,
    say,
)
from tests.factories import make_account, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """Where files lie; the same place that `elsewhere` has."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


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


def test_nobody_is_told_of_anything_after_a_restore(tmp_path):
    WebhookEndpoint.objects.create(name="CRM", url="https://crm.example.com/", secret="x")
    path = backed_up(tmp_path)
    empty()
    signals.sync_rules()
    say("restore", str(path))
    endpoint = WebhookEndpoint.objects.get()
    assert not endpoint.is_enabled
    assert "restore" in endpoint.disabled_reason


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
    shutil.copytree(one / "files", two / "files")
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
