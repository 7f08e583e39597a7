"""Kept answers read by a newer adapter: a diff first, then a run of its own that can be undone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django_q.models import OrmQ

from crm.models import Account
from enrichment import bulk, claims, heartbeats, replay, reviews, runs, tasks, undoing
from enrichment.models import AttributeValue, Check, EnrichmentRun, EnrichmentSource, Lookup, RunItem
from sources.attributes import Kind
from sources.contract import Claim, Finding, Payload, Subject, Wanted
from sources.errors import PayloadChanged
from tests import people
from tests.enrichment.test_claims_properties import fresh
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


class Reader(FakeSource):
    """Reads what `rules` of its version make of the facts it was told."""

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        if payload.status == 404:
            return ()
        facts = json.loads(payload.body)
        subject = Subject(domain=facts.pop("domain"), name=facts.pop("name", ""))
        if self.version == 1 and facts.pop("odd", False):
            raise PayloadChanged("odd answer")
        facts.pop("odd", None)
        told = [
            Claim(attribute=slug, value=value, references=(payload.url,))
            for slug, value in self.understood(facts).items()
        ]
        return [Finding(subject=subject, claims=tuple(told))]

    def understood(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The first version takes the number of offices for that of people; the second knows the trade, too."""
        if self.version == 1:
            return {"headcount": facts.get("offices", facts.get("people")), "city": "Nowhere"}
        return {
            slug: facts[name]
            for slug, name in (("headcount", "people"), ("industry", "trade"))
            if name in facts
        }


@pytest.fixture
def source(fakes) -> EnrichmentSource:
    facts = {"offices": 3, "people": 40, "trade": "Toys"}
    fakes["fake"] = Reader(
        "fake", acme_com=facts, beta_com={"people": 7}, odd_com={"odd": True, "people": 9}, none_com={}
    )
    for name in NAMES:
        make_account(name=name, domain=f"{name.lower()}.com")
    return make_source("fake", rank=10, cost=3, cadence="monthly")


@pytest.fixture
def first(source) -> EnrichmentRun:
    """What the first version read."""
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.order_by("pk"))
    runs.work(run.pk, until=lambda: False)
    return run


@pytest.fixture
def newer(first, fakes) -> None:
    fakes["fake"].version = 2
    fakes["fake"].asked.clear()


NAMES = ("Acme", "Beta", "Odd", "Unknown")


def account_of(name: str) -> Account:
    """An account by its place: settling takes the name of one that no claim names."""
    return Account.objects.order_by("pk")[NAMES.index(name)]


def values(name: str) -> dict[str, Any]:
    account = account_of(name)
    return {slug: entry["value"] for slug, entry in account.current_values.items()}


def replayed(source: EnrichmentSource) -> EnrichmentRun:
    run = replay.begin(source)
    assert replay.apply(run)
    run.refresh_from_db()
    return run


def ledger() -> list[Any]:
    return [list(AttributeValue.objects.order_by("pk").values()), list(Check.objects.order_by("pk").values())]


def test_there_is_nothing_to_replay_until_the_adapter_is_newer(source, first, fakes):
    assert replay.waiting(source) == 0
    assert (replay.preview(source).answers, replay.preview(source).first) == (0, [])
    fakes["fake"].version = 2
    assert replay.waiting(source) == 4


def test_the_diff_says_what_is_new_changed_and_gone_and_writes_nothing(source, newer, fakes):
    before = ledger()

    tally = replay.preview(source)

    assert (tally.new, tally.changed, tally.gone) == (
        2,
        1,
        2,
    )  # trade and the odd one; offices; the city twice
    assert (tally.answers, tally.records, tally.unreadable) == (4, 4, 0)
    told = {(shift.record, shift.attribute): (shift.before, shift.after) for shift in tally.first}
    acme = account_of("Acme").pk
    assert told[acme, "headcount"] == (3, 40)
    assert told[acme, "city"] == ("Nowhere", None)
    assert told[acme, "industry"] == (None, "Toys")
    assert ledger() == before
    assert fakes["fake"].asked == []


def test_applying_is_a_run_that_asks_nobody_and_costs_nothing(source, newer, fakes):
    spent = list(Lookup.objects.order_by("pk").values_list("cost", "sent_at"))

    run = replayed(source)

    assert (values("Acme"), values("Beta"), values("Odd")) == (
        {"headcount": 40, "industry": "Toys"}, {"headcount": 7}, {"headcount": 9},
    )  # fmt: skip
    assert (run.status, fakes["fake"].asked) == ("COMPLETED", [])
    assert list(Lookup.objects.order_by("pk").values_list("cost", "sent_at")) == spent
    assert set(Lookup.objects.values_list("version", flat=True)) == {2}
    assert replay.waiting(source) == 0
    industry = AttributeValue.objects.get(attribute="industry")
    assert (industry.run, industry.first_seen_at) == (
        run,
        Check.objects.get(run=run, account=industry.account).at,
    )
    assert industry.lookup is not None and industry.references == ["https://fake/acme.com"]


def test_what_stays_the_same_writes_no_row(source, newer):
    kept = AttributeValue.objects.get(account=account_of("Beta"), attribute="headcount")
    before = AttributeValue.objects.filter(account=account_of("Beta")).count()
    replayed(source)
    kept.refresh_from_db()
    assert kept.retracted_at is None and kept.superseded_at is None
    assert AttributeValue.objects.filter(account=account_of("Beta")).count() == before


def test_undoing_a_replay_brings_the_old_reading_back(source, newer):
    before = [values(name) for name in ("Acme", "Beta", "Odd")], fresh(account_of("Acme"))
    run = replayed(source)
    claims.undo(run.pk)
    assert (
        [values(name) for name in ("Acme", "Beta", "Odd")],
        fresh(account_of("Acme")),
    ) == before
    rebuilt = claims.rebuild()
    assert (rebuilt.claims, rebuilt.dates, rebuilt.current) == (0, 0, 0)


def test_an_undone_replay_is_offered_again_and_reads_the_same(source, newer):
    shown_before = [values(name) for name in NAMES]
    run = replayed(source)
    shown_after = [values(name) for name in NAMES]
    assert replay.waiting(source) == 0
    for _ in range(2):  # undoing may be repeated after a crash
        undoing.undo(run)
    assert [values(name) for name in NAMES] == shown_before
    assert replay.waiting(source) == 4
    assert Lookup.objects.filter(state=Lookup.State.FAILED).count() == 1
    assert replay.preview(source).first
    replayed(source)
    # Settling took the name of Odd, so that its answer is in doubt now.
    assert [values(name) for name in NAMES[:2]] == shown_after[:2] != shown_before[:2]


def test_a_replay_whose_message_was_lost_is_taken_up_by_the_sweep(source, newer):
    run = replay.begin(source)
    tasks.sweep()
    assert waiting_messages() == []
    EnrichmentRun.objects.filter(pk=run.pk).update(started_at=bulk.clock() - timedelta(minutes=2))
    tasks.sweep()
    assert waiting_messages() == [run.pk]
    tasks.replay_answers(run.pk)
    run.refresh_from_db()
    assert run.status == "COMPLETED"
    tasks.sweep()
    assert waiting_messages() == [run.pk]


def test_a_replay_that_a_worker_is_at_is_left_to_it(source, newer):
    run = replay.begin(source)
    EnrichmentRun.objects.filter(pk=run.pk).update(started_at=bulk.clock() - timedelta(minutes=2))
    heartbeats.mark(heartbeats.REPLAY)
    tasks.sweep()
    assert waiting_messages() == []


def test_a_replay_that_nobody_can_record_ends_with_its_reason(source, newer, fakes):
    run = replay.begin(source)
    fakes.clear()
    tasks.replay_answers(run.pk)
    run.refresh_from_db()
    assert run.status == "FAILED" and "no adapter" in run.error


def waiting_messages() -> list[int]:
    """The runs whose replay the queue tells workers to go on with."""
    found = [row.task for row in OrmQ.objects.all()]
    return [task["args"][0] for task in found if task["func"] == tasks.REPLAY]


def test_undoing_the_first_run_leaves_what_the_replay_read(source, first, newer):
    replayed(source)
    claims.undo(first.pk)
    assert values("Acme") == {"headcount": 40, "industry": "Toys"}
    rebuilt = claims.rebuild()
    assert (rebuilt.claims, rebuilt.current) == (0, 0)


def test_a_replay_that_was_interrupted_goes_on(source, newer, monkeypatch):
    monkeypatch.setattr(replay, "_RECORDS", 1)
    run = replay.begin(source)
    looks = iter([False, False, True])
    assert not replay.apply(run, until=lambda: next(looks))
    assert replay.begin(source) == run
    done = Check.objects.filter(run=run).count()
    assert done == 2
    assert replay.apply(run)
    assert Check.objects.filter(run=run).count() == 4
    run.refresh_from_db()
    assert (run.status, run.summary["answers"]) == ("COMPLETED", 4)


def test_a_canceled_replay_records_nothing_more(source, newer, monkeypatch):
    monkeypatch.setattr(replay, "_RECORDS", 1)
    run = replay.begin(source)
    assert replay.apply(run, on_chunk=lambda: runs.cancel(EnrichmentRun.objects.get(pk=run.pk)))
    assert Check.objects.filter(run=run).count() == 1
    assert replay.waiting(source) == 4
    assert replay.begin(source) != run


def test_what_a_person_decided_stands(fakes):
    class Vague(Reader):
        needs = (("name",),)

        def parse(self, payload, wanted):
            (finding,) = super().parse(payload, wanted)
            return [
                Finding(
                    subject=Subject(name="Acme Industrial Holdings"), claims=finding.claims, confidence=0.5
                )
            ]

    fakes["fake"] = Vague("fake", acme_com={"offices": 3, "people": 40})
    source = make_source("fake")
    for _ in "ab":
        make_account(name="Acme Industries", domain="acme.com")
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.work(run.pk, until=lambda: False)
    yes, no = RunItem.objects.order_by("pk")
    reviews.decide(yes, yes.evidence[0]["id"], user="olive")
    reviews.decide(no, None, user="olive")
    fakes["fake"].version = 2

    assert replay.preview(source).in_doubt == 1
    replayed(source)

    assert AttributeValue.objects.get(account=yes.account, superseded_at=None, retracted_at=None).value == 40
    assert not AttributeValue.objects.filter(account=no.account).exists()


def test_an_answer_that_cannot_be_read_any_more_leaves_its_values(source, newer, fakes, monkeypatch):
    def refuse(*_: object) -> None:
        raise PayloadChanged("?")

    monkeypatch.setattr(fakes["fake"], "parse", refuse)
    tally = replay.preview(source)
    assert (tally.unreadable, tally.answers, tally.first) == (4, 0, [])
    replayed(source)
    assert values("Acme") == {"headcount": 3, "city": "Nowhere"}


def test_no_adapter_no_replay(source, fakes):
    fakes.clear()
    with pytest.raises(runs.RunRefused, match="no adapter"):
        replay.preview(source)


def typed(*arguments: str) -> str:
    out = StringIO()
    call_command("replay", *arguments, stdout=out)
    return out.getvalue()


def test_the_terminal_shows_the_diff_and_records_it_when_told(source, newer):
    before = ledger()
    told = typed("fake")
    assert "2 values new, 1 changed, 2 gone" in told and "Acme, headcount: 3 → 40" in told
    assert "Nothing was changed" in told and ledger() == before
    assert "takes it back" in typed("fake", "--apply")
    assert values("Acme")["headcount"] == 40
    assert "Nothing to read anew" in typed("fake")
    with pytest.raises(CommandError, match="no source nowhere"):
        typed("nowhere")


def test_the_page_shows_the_diff_and_a_worker_records_it(
    source, newer, client, django_capture_on_commit_callbacks, monkeypatch
):
    client.force_login(people.make_olive())
    url = reverse("admin:enrichment_enrichmentsource_replay", args=[source.pk])
    page = client.get(url).content.decode()
    assert "Acme" in page and ">40<" in page and "Nowhere" in page
    told: list[Any] = []
    monkeypatch.setattr("enrichment.admin.replays.async_task", lambda *task: told.append(task))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url)
    ((function, run_id),) = told
    assert function == "enrichment.tasks.replay_answers"
    tasks.replay_answers(run_id)
    assert values("Acme")["headcount"] == 40
    assert "read by the newest version" in client.get(url).content.decode()

    client.force_login(people.make_victor())
    assert client.get(url).status_code == client.post(url).status_code == 403
