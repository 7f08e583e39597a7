"""Signals of real runs: made once, of what changed, with both values; none for what was undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import IdealCustomerProfile, Sheet, SheetEntry
from enrichment import signals
from enrichment.claims import pin, record, undo
from enrichment.models import EnrichmentRun, RunScan, Signal, SignalRule
from enrichment.queries.signals import find_signals, show_signals
from sources.attributes import Kind
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rules():
    signals.sync_rules()


@pytest.fixture
def source():
    return make.make_source("crunchbase", rank=10)


@pytest.fixture
def account():
    return make.make_account(name="Acme")


def ended(answers, *, kind=Kind.ACCOUNT, **fields) -> EnrichmentRun:
    """A run that got these answers and ended just now."""
    run = make.make_run(kind=kind.value, **fields)
    record(run=run.pk, kind=kind, answers=answers)
    EnrichmentRun.objects.filter(pk=run.pk).update(status="COMPLETED", finished_at=timezone.now())
    return EnrichmentRun.objects.get(pk=run.pk)


def summaries() -> list[str]:
    return sorted(Signal.objects.values_list("summary", flat=True))


def test_a_new_round_is_one_signal_with_both_values(account, source):
    first = ended(
        [make.make_answer(account.pk, source.pk, 0, funding_stage="Series A", last_funding_date="2025-01-01")]
    )
    second = ended(
        [
            make.make_answer(
                account.pk, source.pk, 30, funding_stage="Series B", last_funding_date="2026-01-01"
            )
        ]
    )
    assert signals.sweep() == 2
    signal = Signal.objects.get()

    assert signal.summary == "Acme: funding stage moved from Series A to Series B."
    assert signal.rule
    assert (signal.type, signal.strength, signal.rule.slug) == ("funding", "HIGH", "new-funding")
    assert (signal.run, signal.record) == (second, account)
    (shown,) = show_signals([signal])
    assert shown.old and (shown.old.display, shown.new.display) == ("Series A", "Series B")
    assert shown.old.references == ("https://example.com/0",)
    assert shown.references == ("https://example.com/30", "https://example.com/0")
    assert (shown.old.at, shown.new.at) == (make.START, make.START + timedelta(days=30))
    assert first.scan.is_done and second.scan.is_done


def test_first_values_make_no_signals(account, source):
    ended(
        [make.make_answer(account.pk, source.pk, funding_stage="Series A", headcount=900, tech_stack=["Go"])]
    )
    signals.sweep()
    assert summaries() == []


def test_each_default_rule_sees_its_change(account, source):
    before = {
        "headcount": 100, "employee_growth_6mo": 5, "recent_job_postings": 4, "ceo_name": "Ada Byron",
        "executives": ["Ada Byron, CEO", "Lin Wu, CTO"], "tech_stack": ["Go", "jQuery"], "industry": "Toys",
    }  # fmt: skip
    after = {
        "headcount": 130, "employee_growth_6mo": 25, "recent_job_postings": 10, "ceo_name": "Grace Hopper",
        "executives": ["Grace Hopper, CEO", "Lin Wu, CTO"], "tech_stack": ["Go", "React"], "industry": "Games",
    }  # fmt: skip
    ended([make.make_answer(account.pk, source.pk, 0, **before)])
    ended([make.make_answer(account.pk, source.pk, 7, **after)])
    ended([make.make_answer(account.pk, source.pk, 14, **after | {"headcount": 80})])
    signals.sweep()

    assert summaries() == [
        "Acme: CEO changed from Ada Byron to Grace Hopper.",
        "Acme: employee growth, 6 months reached 25 %, up from 5 %.",
        "Acme: executives gained Grace Hopper, CEO.",
        "Acme: executives lost Ada Byron, CEO.",
        "Acme: headcount fell by 38 % from 130 to 80.",
        "Acme: headcount rose by 30 % from 100 to 130.",
        "Acme: open engineering roles rose by 150 % from 4 to 10.",
        "Acme: tech stack gained React.",
        "Acme: tech stack lost jQuery.",
    ]


def test_looking_again_makes_nothing_twice(account, source):
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    run = ended([make.make_answer(account.pk, source.pk, 7, headcount=200)])
    signals.sweep()
    signals.sweep()
    RunScan.objects.update(is_done=False, account_after=0)
    signals.sweep()
    EnrichmentRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    assert signals.sweep() == 1

    assert summaries() == ["Acme: headcount rose by 100 % from 100 to 200."]


def test_a_run_that_goes_on_is_looked_at_when_it_ends_again(account, source):
    other = make.make_account(name="Bolt")
    ended([make.make_answer(each.pk, source.pk, 0, headcount=100) for each in (account, other)])
    run = ended([make.make_answer(account.pk, source.pk, 7, headcount=200)])
    signals.sweep()

    EnrichmentRun.objects.filter(pk=run.pk).update(status="RUNNING", finished_at=None)
    record(run=run.pk, kind=Kind.ACCOUNT, answers=[make.make_answer(other.pk, source.pk, 8, headcount=300)])
    assert signals.sweep() == 0
    EnrichmentRun.objects.filter(pk=run.pk).update(status="COMPLETED", finished_at=timezone.now())
    assert signals.sweep() == 1
    assert [text.split(":")[0] for text in summaries()] == ["Acme", "Bolt"]


def test_a_scan_that_was_stopped_goes_on_where_it_was(account, source, monkeypatch):
    monkeypatch.setattr("enrichment.signals.scanning.CHUNK", 1)
    accounts = [account, make.make_account(name="Bolt"), make.make_account(name="Cube")]
    ended([make.make_answer(each.pk, source.pk, 0, headcount=100) for each in accounts])
    signals.sweep()
    run = ended([make.make_answer(each.pk, source.pk, 7, headcount=200) for each in accounts])
    chunks: list[int] = []
    assert not signals.scan(run.pk, until=lambda: len(chunks) == 2, on_chunk=lambda: chunks.append(1))
    assert len(summaries()) == 2
    assert RunScan.objects.get(pk=run.pk).account_after == accounts[1].pk

    assert signals.scan(run.pk, on_chunk=lambda: chunks.append(1))
    assert len(summaries()) == 3
    assert len(chunks) == 3


def test_undone_runs_make_no_signals_and_lose_theirs(account, source):
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    seen = ended([make.make_answer(account.pk, source.pk, 7, headcount=200)])
    signals.sweep()
    assert find_signals().count() == 1
    undo(seen.pk)
    assert find_signals().count() == 0

    unseen = ended([make.make_answer(account.pk, source.pk, 9, headcount=300)])
    undo(unseen.pk)
    assert signals.sweep() == 0
    ended([make.make_answer(account.pk, source.pk, 12, headcount=105)])
    signals.sweep()
    assert not find_signals().exists(), "105 is compared with 100, not with what was taken back"


def test_a_run_that_is_undone_while_it_is_looked_at_makes_no_more_signals(account, source, monkeypatch):
    monkeypatch.setattr("enrichment.signals.scanning.CHUNK", 1)
    accounts = [account, make.make_account(name="Bolt")]
    ended([make.make_answer(each.pk, source.pk, 0, headcount=100) for each in accounts])
    signals.sweep()
    run = ended([make.make_answer(each.pk, source.pk, 7, headcount=200) for each in accounts])

    def undo_now() -> None:
        EnrichmentRun.objects.filter(pk=run.pk).update(undone_at=timezone.now())

    assert not signals.scan(run.pk, on_chunk=undo_now)
    assert Signal.objects.count() == 1
    assert not RunScan.objects.get(pk=run.pk).is_done


def test_what_nobody_believes_makes_no_signal(account, source):
    outranked = make.make_source("clearbit", rank=90)
    ended([make.make_answer(account.pk, each.pk, 0, headcount=100) for each in (source, outranked)])
    ended([make.make_answer(account.pk, outranked.pk, 7, headcount=500)])
    make.make_writer("user", rank=1)
    pin(account, "headcount", "100", user="olive")
    ended([make.make_answer(account.pk, source.pk, 4000, headcount=500)])
    signals.sweep()
    assert summaries() == []


def test_rules_keep_to_their_segment_and_profile(source):
    profile = IdealCustomerProfile.objects.create(name="Enterprise")
    sheet = Sheet.objects.create(name="Targets", profile=profile)
    inside, outside = make.make_account(name="In", segment="Mid  Market"), make.make_account(name="Out")
    entry = SheetEntry.objects.create(sheet=sheet, account=inside)
    SignalRule.objects.update(is_enabled=False)
    SignalRule.objects.create(slug="a", name="A", attributes=["industry"], profile=profile)
    SignalRule.objects.create(slug="b", name="B", attributes=["city"], segments=["mid market"])
    for day, word in ((0, "Toys"), (7, "Games")):
        ended(
            [
                make.make_answer(each.pk, source.pk, day, industry=word, city=word)
                for each in (inside, outside)
            ]
        )
    signals.sweep()

    assert summaries() == ["In: city changed from Toys to Games.", "In: industry changed from Toys to Games."]
    (_, by_profile) = show_signals(find_signals(profile=profile.pk).order_by("-id"))
    assert (by_profile.entries, by_profile.profile) == ((entry.pk,), profile.pk)
    assert find_signals(entry=entry.pk).count() == 2
    assert not find_signals(profile=profile.pk + 1).exists()


def test_of_two_rules_that_see_the_same_the_stronger_speaks(account, source):
    SignalRule.objects.create(
        slug="doubled", name="Doubled", type="hiring_surge", when="rises", attributes=["headcount"], threshold=90, strength="HIGH"
    )  # fmt: skip
    SignalRule.objects.filter(slug="headcount-surge").update(threshold=60)
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    ended([make.make_answer(account.pk, source.pk, 7, headcount=200)])
    signals.sweep()
    assert list(Signal.objects.values_list("rule__slug", flat=True)) == ["doubled"]


def test_any_change_can_be_a_signal(account, source):
    SignalRule.objects.exclude(slug="any-change").update(is_enabled=False)
    SignalRule.objects.filter(slug="any-change").update(is_enabled=True)
    ended([make.make_answer(account.pk, source.pk, 0, industry="Toys", headcount=5, tier="gold")])
    ended([make.make_answer(account.pk, source.pk, 7, industry="Games", headcount=6, tier="gold")])
    signals.sweep()
    assert summaries() == [
        "Acme: headcount changed from 5 to 6.",
        "Acme: industry changed from Toys to Games.",
    ]


def test_contacts_have_signals_too(source):
    contact = make.make_contact(name="Lin Wu")
    SignalRule.objects.create(slug="job", name="New job", type="leadership_change", attributes=["job_title"])
    ended([make.make_answer(contact.pk, source.pk, 0, job_title="CTO")], kind=Kind.CONTACT)
    ended([make.make_answer(contact.pk, source.pk, 7, job_title="CEO")], kind=Kind.CONTACT)
    signals.sweep()
    assert summaries() == ["Lin Wu: job title changed from CTO to CEO."]
    assert Signal.objects.get().contact == contact


def test_runs_that_ended_long_ago_or_still_have_work_are_left_alone(account, source):
    old = ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    EnrichmentRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    canceled = ended([make.make_answer(account.pk, source.pk, 7, headcount=200)])
    canceled.items.create(position=1, account=account, state="processing")
    assert signals.sweep() == 0
    canceled.items.update(state="canceled")
    assert signals.sweep() == 1
    assert len(summaries()) == 1


def test_a_write_is_looked_at_once_its_claims_are_there(account, source):
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100)])
    signals.sweep()
    run = make.make_run(status="COMPLETED", finished_at=timezone.now())
    assert signals.sweep() == 0
    record(run=run.pk, kind=Kind.ACCOUNT, answers=[make.make_answer(account.pk, source.pk, 7, headcount=200)])
    assert signals.sweep() == 1
    assert len(summaries()) == 1
    make.make_run(status="COMPLETED", finished_at=timezone.now() - timedelta(minutes=2))
    assert signals.sweep() == 1, "a run that brought nothing"


def test_signals_are_found_by_what_the_api_filters_by(account, source):
    account.external_id, account.external_source = "001", "salesforce"
    account.save()
    ended([make.make_answer(account.pk, source.pk, 0, headcount=100, ceo_name="Ada Byron")])
    ended([make.make_answer(account.pk, source.pk, 7, headcount=130, ceo_name="Lin Wu")])
    signals.sweep()

    def types(**wanted):
        return [each.type for each in find_signals(**wanted)]

    assert sorted(types()) == ["hiring_surge", "leadership_change"]
    assert types(types=["hiring_surge"]) == ["hiring_surge"]
    assert types(strengths=["HIGH"]) == ["leadership_change"]
    assert types(search="ada byron") == ["leadership_change"]
    assert len(types(external_id="001", days=1)) == 2
    assert types(external_id="002") == []
    Signal.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert types(days=2) == []


def test_the_number_of_queries_does_not_grow_with_the_records(source):
    counts = []
    for number in (2, 30):
        accounts = [make.make_account(name=f"Company {n}") for n in range(number)]
        ended([make.make_answer(each.pk, source.pk, 0, headcount=100) for each in accounts])
        signals.sweep()
        run = ended([make.make_answer(each.pk, source.pk, 7, headcount=200) for each in accounts])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            signals.scan(run.pk)
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            assert len(show_signals(find_signals()[:number])) == number
        assert len(queries) <= 3
    assert counts[0] == counts[1]


def test_default_rules_are_made_once_and_stay_as_users_set_them():
    SignalRule.objects.filter(slug="new-funding").update(is_enabled=False)
    assert signals.sync_rules() == []
    assert not SignalRule.objects.get(slug="new-funding").is_enabled
    SignalRule.objects.get(slug="technology-added").delete()
    assert signals.sync_rules() == ["technology-added"]
    for rule in SignalRule.objects.all():
        rule.full_clean()
