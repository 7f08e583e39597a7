"""Runs, their queue and doubtful items in the admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.models import Account
from enrichment.claims import CleanClaim, record
from enrichment.models import EnrichmentRun, Lookup, RunItem
from enrichment.rows import kept
from sources.attributes import Kind
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
RUNS = reverse("admin:enrichment_enrichmentrun_changelist")
ITEMS = reverse("admin:enrichment_runitem_changelist")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def run():
    run = make.make_run(name="Spring leads", summary={"rows": 4, "by_source": {"registry": 2}})
    states = ("completed", "completed", "failed", "queued")
    RunItem.objects.bulk_create(
        RunItem(run=run, position=number, state=state, account=make.make_account(name=f"Company {number}"))
        for number, state in enumerate(states, 1)
    )
    return run


def page_of(run):
    return reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])


def steer(client, run, act):
    return client.post(reverse("admin:enrichment_enrichmentrun_steer", args=[run.pk, act]), follow=True)


def test_the_list_counts_items_in_one_query_for_all_runs(olive, run, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as few:
        olive.get(RUNS)
    for number in range(10):
        make.make_run(name=f"Run {number}")
    with django_assert_max_num_queries(8) as many:
        page = olive.get(RUNS).content.decode()

    assert "3 of 4" in page
    assert len(few.captured_queries) == len(many.captured_queries)


def test_a_runs_page_shows_progress_and_links_to_the_queue(olive, run):
    page = olive.get(page_of(run)).content.decode()

    assert 'role="progressbar"' in page and 'aria-valuenow="75"' in page
    assert f"{ITEMS}?run={run.pk}&amp;state__exact=failed" in page
    assert "By source" in page and "registry: 2" in page


def test_progress_is_told_as_json(olive, run):
    now = olive.get(reverse("admin:enrichment_enrichmentrun_progress", args=[run.pk])).json()

    assert (now["total"], now["done"], now["percent"], now["open"]) == (4, 3, 75, True)
    assert now["states"]["completed"] == 2


def test_a_run_is_paused_resumed_and_canceled(olive, run):
    for act, status in (("pause", "PAUSED"), ("resume", None), ("cancel", "CANCELED")):
        steer(olive, run, act)
        run.refresh_from_db()
        assert status is None or run.status == status


def test_failed_items_are_tried_again(olive, run):
    RunItem.objects.filter(state="queued").update(state="completed")
    EnrichmentRun.objects.update(status="COMPLETED")

    retry = reverse("admin:enrichment_enrichmentrun_retry", args=[run.pk])
    page = olive.post(retry, follow=True).content.decode()

    assert "1 item is tried again" in page
    assert not run.items.filter(state="failed").exists()


def test_undoing_asks_first_and_says_what_it_touches(olive):
    account, source, run = make.make_account(), make.make_source("registry"), make.make_run()
    answer = make.make_answer(account.pk, source.pk, industry="Robotics", headcount=3)
    record(run=run.pk, kind=Kind.ACCOUNT, answers=[answer])
    url = reverse("admin:enrichment_enrichmentrun_undo", args=[run.pk])

    question = olive.get(url)
    account.refresh_from_db()
    seen = question.context["preview"]
    assert (seen.answers, seen.records, seen.goes, seen.comes_back) == (1, 1, 2, 0)
    assert "Robotics" in question.content.decode()
    assert account.value("industry") == "Robotics"

    olive.post(url)
    account.refresh_from_db()
    assert account.current_values == {}


def test_a_viewer_sees_progress_and_can_do_nothing(client, run):
    client.force_login(people.make_victor())

    page = client.get(page_of(run)).content.decode()
    assert "75" in page
    assert "Pause" not in page and "Undo" not in page
    for act in ("pause", "resume", "cancel", "retry"):
        assert steer(client, run, act).status_code == 403
    undo = reverse("admin:enrichment_enrichmentrun_undo", args=[run.pk])
    assert client.get(undo).status_code == client.post(undo).status_code == 403
    run.refresh_from_db()
    assert (run.status, run.undone_at) == ("RUNNING", None)


def test_who_may_not_look_is_told_no_progress(client, run):
    client.force_login(people.make_nora())

    assert client.get(reverse("admin:enrichment_enrichmentrun_progress", args=[run.pk])).status_code == 403


def test_steering_needs_a_post(olive, run):
    assert (
        olive.get(reverse("admin:enrichment_enrichmentrun_steer", args=[run.pk, "cancel"])).status_code == 405
    )


def test_the_queue_is_filtered_by_run_and_state(olive, run, django_assert_max_num_queries):
    RunItem.objects.create(run=make.make_run(name="Other"), position=1, state="failed")

    with django_assert_max_num_queries(9):
        response = olive.get(ITEMS, {"run": run.pk, "state__exact": "failed"})

    assert [item.position for item in response.context["cl"].result_list] == [3]


def test_an_item_shows_each_sources_outcome_with_its_lookup(olive, run):
    source = make.make_source("registry", label="Company registry")
    lookup = Lookup.objects.create(source=source, key="k", question={"name": "Acme"}, period="2026-01")
    item = run.items.first()
    item.outcomes = {
        "registry": {"outcome": "found", "reason": "", "lookup": lookup.pk, "claims": 3},
        "news": {"outcome": "skipped", "reason": "missing input: domain", "lookup": None, "claims": 0},
    }
    item.row = {"Company": "<b>Acme</b>"}
    item.save()

    page = olive.get(reverse("admin:enrichment_runitem_change", args=[item.pk])).content.decode()
    chips = olive.get(ITEMS, {"run": run.pk}).content.decode()

    assert "Company registry" in page and "missing input: domain" in page
    assert reverse("admin:enrichment_lookup_change", args=[lookup.pk]) in page
    assert "&lt;b&gt;Acme" in page
    assert "registry found" in chips


@pytest.fixture
def doubtful():
    """A row that may be one of two accounts."""
    make.make_writer()
    run = make.make_run(name="leads.csv")
    first, second = make.make_account(name="Acme"), make.make_account(name="Acme Ltd")
    candidates = [
        {"id": row.pk, "name": row.name, "domain": "", "score": 0.7, "reasons": ["name is alike"]}
        for row in (first, second)
    ]
    item = RunItem.objects.create(
        run=run,
        position=1,
        state="review",
        evidence=candidates,
        subject=kept([CleanClaim("name", "ACME", ("csv_import",))], {}),
    )
    return item, first, second


def decide(client, item, candidate):
    return client.post(
        reverse("admin:enrichment_runitem_decide", args=[item.pk]), {"candidate": candidate}, follow=True
    )


def test_the_page_of_a_run_counts_what_each_source_said(olive, run):
    run.summary = {"sources": {"registry": {"found": 1200, "not_found": 7}}, "credits": {"registry": 2414}}
    run.save()
    make.make_source("registry", label="Company registry")

    page = olive.get(page_of(run)).content.decode()

    assert "Company registry" in page
    assert "<b>1,200</b>" in page
    assert "2,414" in page


def test_the_page_of_an_import_says_what_the_file_could_not_tell(olive, run):
    run.summary = {"rows": 3, "warnings": ['column "Size": 2 cells <were> not taken over', "read as latin-1"]}
    run.save()

    page = olive.get(page_of(run)).content.decode()

    assert (
        "2 cells &lt;were&gt; not taken over</li>" in page
        and "<li" in page
        and "read as latin-1</li>" in page
    )


def test_the_page_of_a_doubtful_item_lists_its_candidates(olive, doubtful):
    item, *_ = doubtful

    page = olive.get(reverse("admin:enrichment_runitem_change", args=[item.pk])).content.decode()

    assert page.count("This is it") == 2
    assert "name is alike" in page
    assert "None of these" in page


def test_a_person_decides_which_record_it_is(olive, doubtful):
    item, _, second = doubtful

    page = decide(olive, item, second.pk).content.decode()

    item.refresh_from_db()
    assert "Decided" in page
    assert item.account_id == second.pk
    assert item.reason.startswith("decided by olive")


def test_none_of_the_candidates_makes_a_new_record(olive, doubtful):
    decide(olive, doubtful[0], "none")

    doubtful[0].refresh_from_db()
    assert doubtful[0].account.name == "ACME"
    assert doubtful[0].has_created_record


@pytest.mark.parametrize(("choice", "said"), [("", "Choose one"), ("999", "none of the candidates")])
def test_a_choice_that_is_none_is_refused(olive, doubtful, choice, said):
    page = decide(olive, doubtful[0], choice).content.decode()

    assert said in page
    doubtful[0].refresh_from_db()
    assert doubtful[0].state == "review"


def test_a_viewer_may_not_decide(client, doubtful):
    client.force_login(people.make_victor())
    item, first, _ = doubtful

    assert (
        "This is it"
        not in client.get(reverse("admin:enrichment_runitem_change", args=[item.pk])).content.decode()
    )
    assert decide(client, item, first.pk).status_code == 403
    item.refresh_from_db()
    assert item.state == "review"
    assert Account.objects.count() == 2
