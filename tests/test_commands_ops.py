"""The commands an operator types."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.models import Account
from enrichment import bulk, claims, heartbeats
from enrichment.models import EnrichmentRun, EnrichmentSource, Heartbeat
from sources import registry
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_run, make_source

pytestmark = pytest.mark.django_db


def say(*command: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def test_workers_that_never_lived_are_unhealthy():
    with pytest.raises(CommandError, match=r"No worker has ever given a sign of life \(queue\)"):
        say("worker_health")


def test_workers_silent_for_over_a_minute_are_unhealthy():
    heartbeats.mark()
    Heartbeat.objects.update(at=bulk.clock() - timedelta(seconds=75))
    with pytest.raises(CommandError, match=r"No sign of life for 7\d s \(queue\): restart"):
        say("worker_health")


def test_workers_that_live_are_healthy():
    heartbeats.mark()
    assert say("worker_health").startswith("Workers live")


def test_healthy_workers_elsewhere_do_not_make_ours_healthy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "web-1")
    heartbeats.mark()
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "web-2")
    assert say("worker_health").startswith("Workers live")
    with pytest.raises(CommandError, match="web-2"):
        say("worker_health", "--here")


def test_sources_are_added_once_and_stay_as_users_set_them():
    assert say("sync_sources").startswith("New sources: ")
    EnrichmentSource.objects.filter(slug="spreadsheet").update(rank=7)
    assert say("sync_sources") == "No new sources."
    assert EnrichmentSource.objects.get(slug="spreadsheet").rank == 7


def enriched(name: str) -> tuple[EnrichmentRun, int]:
    """A run that has ended and told an account its CEO; the account's number."""
    run, account, source = make_run(status="COMPLETED"), make_account(), make_source()
    answer = make_answer(account.pk, source.pk, ceo_name=name)
    claims.record(run=run.pk, kind=Kind.ACCOUNT, answers=[answer])
    return run, account.pk


def test_undoing_a_run_takes_its_values_away():
    run, account = enriched("Ann Ode")
    said = f"Run {run.pk} is undone. Records looked at: 1. Current values changed: 1."
    assert say("undo_run", str(run.pk), "--yes").endswith(said)
    assert not Account.objects.get(pk=account).current_values


def test_an_unknown_run_cannot_be_undone():
    with pytest.raises(CommandError, match=r"There is no run 404\."):
        say("undo_run", "404")


def test_a_run_that_goes_on_cannot_be_undone():
    run = make_run(status="RUNNING")
    with pytest.raises(CommandError, match="is running: cancel it or let it end first"):
        say("undo_run", str(run.pk))


def test_rebuilding_a_sound_ledger_changes_nothing():
    enriched("Ann Ode")
    assert say("rebuild_values") == "Records: 1. Changed: 0. Put right: 0 claims, 0 current values."


def test_rebuilding_mends_current_values():
    _, account = enriched("Ann Ode")
    Account.objects.filter(pk=account).update(current_values={})
    assert say("rebuild_values") == "Records: 1. Changed: 1. Put right: 0 claims, 1 current values."
    assert Account.objects.get(pk=account).current_values["ceo_name"]["value"] == "Ann Ode"


def test_the_list_of_sources_names_every_adapter_and_what_it_answers():
    say("sync_sources")
    listed = say("sources")
    for slug, adapter in registry.adapters().items():
        assert f"{slug}: {adapter.label}" in listed
        assert all(attribute in listed for attribute in adapter.provides)
    assert "spreadsheet: Spreadsheet, on, rank 50" in listed
    assert "not added yet" not in listed


def test_sources_are_listed_before_they_are_added():
    assert all(f"{slug}: " in say("sources") for slug in registry.adapters())
