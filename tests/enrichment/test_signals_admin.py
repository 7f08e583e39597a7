"""Signals and their rules in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from enrichment import signals
from enrichment.claims import record, undo
from enrichment.models import EnrichmentRun, Signal, SignalRule
from sources.attributes import Kind
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
LIST, RULES = (reverse(f"admin:enrichment_{name}_changelist") for name in ("signal", "signalrule"))
NEW_RULE = {
    "name": "Cloud", "slug": "cloud", "type": "infrastructure", "is_enabled": "on", "attributes": "Technologies\n",
    "when": "added", "threshold": "", "least": "", "words": "AWS\nGCP", "strength": "HIGH", "segments": "", "profile": "",
}  # fmt: skip


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def grow(count: int = 1) -> EnrichmentRun:
    """Accounts whose headcount doubled."""
    signals.sync_rules()
    source = make.make_source("crunchbase")
    ids = [make.make_account(name=f"Company {n}").pk for n in range(count)]
    for day, headcount in ((0, 100), (7, 200)):
        run = make.make_run(name=f"Refresh {day}")
        answers = [make.make_answer(pk, source.pk, day, headcount=headcount) for pk in ids]
        record(run=run.pk, kind=Kind.ACCOUNT, answers=answers)
        EnrichmentRun.objects.filter(pk=run.pk).update(status="COMPLETED", finished_at=timezone.now())
    signals.sweep()
    return run


def test_signals_are_listed_filtered_and_shown_with_both_values(olive):
    run = grow()
    page = olive.get(LIST).content.decode()
    assert "Company 0: headcount rose by 100 % from 100 to 200." in page
    assert "Refresh 7" in page
    assert (
        "rose by"
        in olive.get(LIST, {"type": "hiring_surge", "strength": "HIGH", "run": run.pk}).content.decode()
    )
    assert "rose by" not in olive.get(LIST, {"type": "funding"}).content.decode()

    signal = Signal.objects.get()
    page = olive.get(reverse("admin:enrichment_signal_change", args=[signal.pk])).content.decode()
    for each in ("https://example.com/0", "https://example.com/7", "Headcount: 100", "Headcount: 200"):
        assert each in page
    assert reverse("admin:enrichment_enrichmentrun_change", args=[run.pk]) in page
    assert reverse("admin:crm_account_change", args=[signal.account_id]) in page
    assert olive.post(reverse("admin:enrichment_signal_change", args=[signal.pk]), {}).status_code == 403

    undo(run.pk)
    assert "rose by" not in olive.get(LIST).content.decode()


def test_lists_cost_the_same_for_any_number_of_rows(olive, django_assert_max_num_queries):
    grow(20)
    for url in (LIST, RULES):
        with django_assert_max_num_queries(9):
            assert olive.get(url).status_code == 200


def test_the_pages_of_a_record_and_of_a_run_show_their_signals(olive, django_assert_num_queries):
    run = grow(3)
    signal = Signal.objects.order_by("pk")[0]
    account = reverse("admin:crm_account_change", args=[signal.account_id])
    of_run = reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])
    for url, shown in ((account, 1), (of_run, 3)):
        page = olive.get(url).content.decode()
        assert page.count("headcount rose by 100 % from 100 to 200.") == shown
        for each in (
            "Headcount grows",
            "https://example.com/0",
            "https://example.com/7",
            "crunchbase, 2026-01-12",
        ):
            assert each in page, each
        assert reverse("admin:enrichment_signal_change", args=[signal.pk]) in page
    assert account in olive.get(of_run).content.decode()

    with CaptureQueriesContext(connection) as few:
        olive.get(of_run)
    grow(9)
    Signal.objects.update(run=run)
    with django_assert_num_queries(len(few)):
        assert olive.get(of_run).content.decode().count("rose by") == 12

    undo(run.pk)
    assert "its signals with it" in olive.get(of_run).content.decode()
    assert "No signals yet" in olive.get(account).content.decode()


def test_a_page_with_more_signals_than_it_shows_leads_to_all_of_them(olive):
    run = grow(25)
    page = olive.get(reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])).content.decode()
    assert page.count("rose by") == 20
    everywhere = f"{LIST}?run={run.pk}"
    assert f'<a class="fn-link" href="{everywhere}">25</a>' in page
    assert olive.get(everywhere).content.decode().count("rose by") == 25
    account = Signal.objects.latest("pk").account_id
    assert olive.get(LIST, {"account__id__exact": account}).content.decode().count("rose by") == 1


def test_signals_are_shown_only_to_who_may_see_them(client):
    run = grow()
    victor = people.make_victor()
    victor.user_permissions.remove(Permission.objects.get(codename="view_signal"))
    client.force_login(victor)
    assert (
        "rose by"
        not in client.get(reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])).content.decode()
    )


def test_empty_lists_say_what_to_do(olive):
    page = olive.get(LIST).content.decode()
    assert "Signals appear when a refresh finds" in page
    assert RULES in page
    assert "sync_sources" in olive.get(RULES).content.decode()


def test_a_rule_is_made_with_attributes_under_any_of_their_names(olive):
    response = olive.post(reverse("admin:enrichment_signalrule_add"), NEW_RULE)
    assert response.status_code == 302, response.context["errors"]
    rule = SignalRule.objects.get(slug="cloud")
    assert (rule.attributes, rule.words, rule.strength) == (["tech_stack"], ["AWS", "GCP"], "HIGH")
    page = olive.get(reverse("admin:enrichment_signalrule_change", args=[rule.pk])).content.decode()
    assert "tech_stack" in page
    assert "AWS\nGCP" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"attributes": "shoe size"}, "There is no attribute shoe size."),
        ({"attributes": "headcount"}, "Headcount is of the type integer; it cannot be looked at so."),
        ({"attributes": ""}, "Choose the attribute that is looked at"),
        ({"attributes": "headcount", "when": "reaches"}, "Write the value to reach."),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(olive, changes, sentence):
    page = olive.post(reverse("admin:enrichment_signalrule_add"), NEW_RULE | changes).content.decode()
    assert sentence in page
    assert not SignalRule.objects.exists()


def test_usual_rules_are_turned_off_not_deleted(olive):
    signals.sync_rules()
    usual = SignalRule.objects.get(slug="new-funding")
    assert olive.get(reverse("admin:enrichment_signalrule_delete", args=[usual.pk])).status_code == 403
    own = SignalRule.objects.create(slug="own", name="Own")
    assert olive.get(reverse("admin:enrichment_signalrule_delete", args=[own.pk])).status_code == 200


def test_rights_are_those_of_the_models(client):
    grow()
    client.force_login(people.make_victor())
    assert client.get(LIST).status_code == 200
    assert client.get(reverse("admin:enrichment_signalrule_add")).status_code == 403
    client.force_login(people.make_nora())
    assert client.get(LIST).status_code == 403
