"""Scheduled refreshes on a source's page: rows of cadences, last and next firing, what is due."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from re import findall

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule

from crm.models import Account
from enrichment import schedule
from enrichment.claims import record
from enrichment.models import EnrichmentRun, EnrichmentSource, Freshness
from sources.attributes import Kind
from tests import factories as make
from tests import people
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
SOURCES = reverse("admin:enrichment_enrichmentsource_changelist")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def source(fakes):
    fakes["fake"] = FakeSource("fake")
    return make.make_source("fake", cadence="monthly", rank=10, time_zone="Europe/Berlin")


@pytest.fixture
def account(source):
    """An account about which the source answered long ago."""
    account = make.make_account(name="Acme", domain="acme.com", priority="High", segment="Enterprise")
    answer = make.make_answer(account.pk, source.pk, headcount=5)
    record(run=make.make_run(status="COMPLETED").pk, kind=Kind.ACCOUNT, answers=[answer])
    return account


def page_of(source) -> str:
    return reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])


def edit(client, source, **changes):
    form = client.get(page_of(source)).context["adminform"].form
    names = set(form.fields) - {"priority_cadences", "segments"}
    data = {name: value for name, value in form.initial.items() if name in names and value is not None}
    rows = {"priority_cadences_priority": ["", ""], "priority_cadences_cadence": ["", ""], "segments": ""}
    return client.post(page_of(source), {**data, "settings": "{}", **rows, **changes})


def test_cadences_are_rows_and_segments_are_lines(olive, source, account, django_capture_on_commit_callbacks):
    page = olive.get(page_of(source)).content.decode()
    assert page.count('name="priority_cadences_priority"') == 2
    assert '<option value="High">' in page
    assert "In use: Enterprise." in page

    with django_capture_on_commit_callbacks(execute=True):
        response = edit(
            olive, source, segments="Enterprise\n\n  Mid market ",
            priority_cadences_priority=["high", "", "P2"], priority_cadences_cadence=["Weekly on Friday", "", "never"],
        )  # fmt: skip
    assert response.status_code == 302

    source.refresh_from_db()
    assert source.priority_cadences == {"high": "weekly friday", "P2": "never"}
    assert source.segments == ["Enterprise", "Mid market"]
    due = Freshness.objects.values_list("due_at", flat=True)[0]
    assert due and due.astimezone(source.zone).weekday() == 4
    assert Schedule.objects.get().next_run == source.next_moment(timezone.now())

    page = olive.get(page_of(source)).content.decode()
    assert page.count('name="priority_cadences_priority"') == 4
    edit(olive, source)
    source.refresh_from_db()
    assert (source.priority_cadences, source.segments) == ({}, [])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((["high"], ["now and then"]), "high: 'now and then' is not a cadence: write never, daily"),
        ((["high"], [""]), "high has no cadence: write one, or empty the row."),
        (([""], ["daily"]), "is no priority"),
        ((["high", "HIGH"], ["daily", "weekly"]), "The priority HIGH stands there twice"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_and_stays(olive, source, rows, sentence):
    response = edit(olive, source, priority_cadences_priority=rows[0], priority_cadences_cadence=rows[1])

    assert response.status_code == 200
    (message,) = response.context["adminform"].form.errors["priority_cadences"]
    assert sentence in message
    assert rows[1][0] in response.content.decode()
    assert EnrichmentSource.objects.get(slug="fake").priority_cadences == {}


def test_switching_on_in_the_list_makes_the_schedule(olive, source, django_capture_on_commit_callbacks):
    row = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": source.pk,
        "form-0-rank": 10,
        "_save": "Save",
    }

    for extra, count in (({}, 0), ({"form-0-is_enabled": "on"}, 1), ({}, 0)):
        with django_capture_on_commit_callbacks(execute=True):
            olive.post(SOURCES, row | extra)
        assert Schedule.objects.count() == count


def test_the_pages_show_the_last_and_the_next_refresh(olive, source, account):
    assert "none yet" in olive.get(page_of(source)).content.decode()
    schedule.source_saved(source)
    at = timezone.now()
    schedule.tick(source.pk, at, at)
    run = EnrichmentRun.objects.get(firings__isnull=False)

    page = olive.get(page_of(source)).content.decode()
    assert reverse("admin:enrichment_enrichmentrun_change", args=[run.pk]) in page
    next_midnight = source.next_moment(at).strftime("%Y-%m-%d 00:00 Europe/Berlin")
    assert next_midnight in page
    assert next_midnight in olive.get(SOURCES).content.decode()


def test_what_is_due_is_counted_listed_and_refreshed_over_the_ordinary_preview(olive, source, account):
    make.make_account(name="No domain")
    page = unescape(olive.get(page_of(source)).content.decode())
    (due,) = findall(r'href="([^"]+\?due=fake)"', page)
    (preview,) = findall(r'href="([^"]+/enrich/\?[^"]+)"', page)
    assert "1 account<" in page

    listed = olive.get(due).context["cl"]
    assert [each.name for each in listed.result_list] == ["Acme"]
    shown = olive.get(preview).context
    assert (shown["preview"].records, [quote.slug for quote in shown["preview"].quotes]) == (1, ["fake"])

    olive.post(
        preview.split("?")[0],
        {"select": "due=fake", "chosen": "1", "source": "fake", "attribute": ["headcount"]},
    )
    assert EnrichmentRun.objects.order_by("-pk")[0].items.get().account == account

    Freshness.objects.update(due_at=timezone.now() + timedelta(days=1))
    assert "0 accounts<" in olive.get(page_of(source)).content.decode()


def test_who_may_not_start_runs_gets_no_button(client, source, account):
    client.force_login(people.make_victor())
    page = client.get(page_of(source)).content.decode()
    assert "due=fake" in page
    assert "Preview the refresh" not in page


def test_a_new_priority_moves_the_due_date(olive, source, account):
    EnrichmentSource.objects.update(priority_cadences={"P1": "never"})
    url = reverse("admin:crm_account_change", args=[account.pk])
    form = olive.get(url).context["adminform"].form

    olive.post(url, {name: form.initial.get(name) or "" for name in form.fields} | {"priority": "p1"})

    assert Account.objects.get().priority == "p1"
    assert Freshness.objects.get().due_at is None
