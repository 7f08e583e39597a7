"""What `manage.py doctor` finds, and what it says to do."""

from __future__ import annotations

import os
from datetime import timedelta
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F
from django.utils import timezone

from enrichment import bulk, heartbeats
from enrichment.broker import Queue
from enrichment.models import EnrichmentRun, Heartbeat, Preferences, RunItem
from enrichment.operations import doctor
from sources import registry
from sources.adapters.http_api import HttpApi
from sources.contract import Secret
from tests.factories import make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


class Found(NamedTuple):
    text: str
    has_failed: bool


def examine() -> Found:
    """What the doctor prints."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out, no_color=True)
    except CommandError:
        return Found(out.getvalue(), True)
    return Found(out.getvalue(), False)


@pytest.fixture(autouse=True)
def sound(fakes: dict[str, FakeSource], settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An installation that lacks nothing."""
    settings.SECRET_KEY = "a-long-and-random-key-that-nobody-guesses-0123456789"
    settings.HOME = tmp_path
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    monkeypatch.setattr(doctor, "LITTLE_DISK", 1)
    fakes["fake"] = FakeSource("fake")
    make_source("fake")
    heartbeats.mark()
    heartbeats.mark(heartbeats.SWEEPER)
    return settings


def test_a_sound_installation_is_all_ok():
    found = examine()
    assert not found.has_failed
    assert [line.split()[0] for line in found.text.splitlines()] == ["ok"] * 7
    assert "1 are on and can be asked" in found.text


def test_settings_that_invite_trouble_are_warnings(sound):
    sound.DEBUG, sound.SECRET_KEY, sound.ALLOWED_HOSTS = True, "short", ["*"]
    found = examine()
    assert not found.has_failed
    for text in (
        "warning  FOOTNOTE_DEBUG: is 1",
        "warning  SECRET_KEY: is easy to guess",
        "warning  ALLOWED_HOSTS: takes any name",
    ):
        assert text in found.text
    assert "short" not in found.text


def test_a_key_that_others_can_read_is_a_warning(tmp_path):
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o644)
    assert "chmod 600" in examine().text


def test_a_public_name_that_is_not_allowed_is_a_warning(sound):
    sound.PUBLIC_URL = "https://crm.example.com"
    assert "lacks crm.example.com of FOOTNOTE_URL" in examine().text


def test_a_full_disk_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "LITTLE_DISK", 10**18)
    assert not examine().has_failed
    assert "warning  disk: only" in examine().text
    monkeypatch.setattr(doctor, "NO_DISK", 10**18)
    assert examine().has_failed


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_is_a_problem(tmp_path):
    tmp_path.chmod(0o500)
    assert "problem  FOOTNOTE_HOME" in examine().text


def test_a_home_that_is_gone_is_a_problem(sound, tmp_path):
    sound.HOME = tmp_path / "gone"
    found = examine()
    assert found.has_failed
    assert "cannot be written to: No such file or directory" in found.text


def test_a_database_that_does_not_answer_is_a_problem_and_ends_the_examination():
    def fail(*args: Any) -> None:
        raise OperationalError("connection refused\nDETAIL: more")

    with connection.execute_wrapper(fail):
        found = examine()
    assert found.has_failed
    assert "cannot be used: connection refused. Check DATABASE_URL" in found.text
    assert "workers" not in found.text


def test_missing_migrations_are_a_problem():
    newest = MigrationRecorder.Migration.objects.filter(app="enrichment").order_by("name").last()
    assert newest
    newest.delete()
    found = examine()
    assert found.has_failed
    assert "problem  database: lacks 1 migrations" in found.text
    assert "run manage.py migrate" in found.text


def test_a_source_without_its_key_is_a_problem(fakes, monkeypatch):
    class Paid(FakeSource):
        secret = Secret(env="VENDOR_API_KEY", help_url="https://vendor.example/keys")

    fakes["vendor"] = Paid("vendor")
    make_source("vendor")
    found = examine()
    assert found.has_failed
    assert (
        "source vendor: has no key: set VENDOR_API_KEY (get one at https://vendor.example/keys)" in found.text
    )
    monkeypatch.setenv("VENDOR_API_KEY", "planted-key")
    found = examine()
    assert not found.has_failed
    assert "planted-key" not in found.text


def test_a_source_without_its_adapter_is_a_problem_unless_it_is_off():
    make_source("gone")
    assert "source gone: its adapter gone is not installed" in examine().text
    make_source("gone").__class__.objects.filter(slug="gone").update(is_enabled=False)
    assert not examine().has_failed


def test_a_paused_source_is_a_warning():
    make_source("fake").__class__.objects.update(
        paused_until=timezone.now() + timedelta(hours=1), paused_reason="bad key"
    )
    assert "warning  source fake: is paused until" in examine().text


def test_no_source_at_all_is_a_warning():
    make_source("fake").delete()
    assert "warning  sources: none is on" in examine().text


def test_held_sources_are_a_warning():
    Preferences.objects.update_or_create(pk=1, defaults={"hold_paid": True})
    assert "restore --confirm lets them go" in examine().text


@pytest.mark.parametrize(("seconds", "text"), [(90, "silent for"), (None, "none has ever run")])
def test_dead_workers_are_a_problem(seconds, text):
    Heartbeat.objects.all().delete()
    if seconds:
        heartbeats.mark()
        Heartbeat.objects.update(at=F("at") - timedelta(seconds=seconds))
    found = examine()
    assert found.has_failed
    assert f"problem  workers: {text}" in found.text


def test_missing_sweeps_are_a_warning():
    Heartbeat.objects.filter(name__startswith=heartbeats.SWEEPER).delete()
    found = examine()
    assert not found.has_failed
    assert "warning  workers: nobody swept ever" in found.text


def test_a_broker_that_is_down_is_a_problem(monkeypatch):
    monkeypatch.setattr(Queue, "queue_size", lambda self: 1 / 0)
    assert "problem  broker: does not answer" in examine().text


def old_run(**item: Any) -> EnrichmentRun:
    """A run that began an hour ago, with one item."""
    now = bulk.clock()
    run = make_run(started_at=now - timedelta(hours=1))
    EnrichmentRun.objects.filter(pk=run.pk).update(created_at=now - timedelta(hours=1))
    RunItem.objects.create(run=run, position=0, **({"state": "queued"} | item))
    return run


def test_a_run_in_which_nothing_happens_is_a_problem():
    run = old_run()
    found = examine()
    assert found.has_failed
    assert f"problem  run {run.pk}: has work but nothing happens since 10 minutes" in found.text


def test_a_run_whose_workers_died_without_a_sweep_is_a_problem():
    old_run(state="processing", lease_until=bulk.clock() - timedelta(minutes=30))
    assert "nothing happens" in examine().text


@pytest.mark.parametrize(
    "item",
    [
        {"state": "processing", "lease_until": timezone.now() + timedelta(days=1)},
        {"state": "waiting"},
        {"not_before": timezone.now() + timedelta(days=1)},
    ],
)
def test_a_run_that_has_reason_to_wait_is_fine(item):
    old_run(**item)
    found = examine()
    assert not found.has_failed
    assert "runs: 1 going, none stands still" in found.text


def test_a_run_that_finished_an_item_lately_is_fine():
    run = old_run()
    RunItem.objects.create(run=run, position=1, state="completed", finished_at=timezone.now())
    assert not examine().has_failed


def test_a_module_that_is_left_out_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "left_out", lambda: {"size.py": "It declares no INPUT_COLS."})
    found = examine()
    assert "size.py" in found.text and "is left out: It declares no INPUT_COLS." in found.text
    assert not found.has_failed


def test_the_key_of_an_api_that_was_set_up_is_looked_for(
    fakes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    fakes["http_api"] = HttpApi()
    told = {
        "url": "https://a.example/{domain}?k={secret}",
        "secret": "ACME_API_KEY",
        "attributes": {"headcount": "n"},
    }
    make_source("acme", adapter="http_api", settings=told)
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    assert "has no key: set ACME_API_KEY" in examine().text
