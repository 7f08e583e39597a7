"""Signs of life in the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from enrichment import heartbeats
from enrichment.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_a_mark_counts_for_the_installation_and_for_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "web-1")
    heartbeats.mark()
    heartbeats.mark()
    assert set(heartbeats.last(["queue", "queue@web-1", "queue@web-2"])) == {"queue", "queue@web-1"}
    assert Heartbeat.objects.count() == 2


def test_a_mark_moves_the_time():
    heartbeats.mark()
    Heartbeat.objects.update(at=F("at") - timedelta(minutes=5))
    before = heartbeats.last(["queue"])["queue"]
    heartbeats.mark()
    assert heartbeats.last(["queue"])["queue"] - before > timedelta(minutes=4)


def test_a_machine_with_a_long_name_fits_its_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "x" * 80)
    heartbeats.mark(heartbeats.SWEEPER)
    assert max(len(name) for name in Heartbeat.objects.values_list("name", flat=True)) <= 50


def test_only_workers_of_this_machine_are_asked_to_stop(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "web-1")
    assert not heartbeats.is_asked_to_stop()
    heartbeats.ask_to_stop()
    assert heartbeats.is_asked_to_stop()
    monkeypatch.setenv("FOOTNOTE_CLUSTER", "web-2")
    assert not heartbeats.is_asked_to_stop()


def test_a_request_to_stop_is_taken_back_at_the_next_start():
    heartbeats.ask_to_stop()
    heartbeats.clear_stop()
    assert not heartbeats.is_asked_to_stop()


def test_an_old_request_to_stop_holds_nobody_up():
    heartbeats.ask_to_stop()
    Heartbeat.objects.update(at=F("at") - timedelta(minutes=1))
    assert not heartbeats.is_asked_to_stop()
