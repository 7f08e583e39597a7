"""What all pages of the admin have in common: dates, empty cells, titles, pages for errors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import override_settings
from django.urls import reverse

from enrichment.admin.runs import readable_summary
from enrichment.models import EnrichmentRun, RunItem, SignalRule
from enrichment.models.signal import When
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
RUNS = reverse("admin:enrichment_enrichmentrun_changelist")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def test_lists_write_dates_like_all_other_pages(olive):
    run = make.make_run(status="COMPLETED")
    EnrichmentRun.objects.filter(pk=run.pk).update(created_at=datetime(2026, 3, 4, 15, 6, tzinfo=UTC))
    for url in (
        RUNS,
        reverse("admin:index"),
        reverse("admin:enrichment_enrichmentrun_change", args=[run.pk]),
    ):
        page = olive.get(url).content.decode()
        assert "2026-03-04 15:06" in page and "p.m." not in page


def test_a_list_is_called_what_it_lists_and_empty_cells_have_one_dash(olive):
    make.make_run(status="COMPLETED")
    response = olive.get(RUNS)
    assert response.context["title"] == "Enrichment runs"
    assert response.context["cl"].model_admin.get_empty_value_display() == "–"


def test_items_in_doubt_are_told_of_on_the_overview_and_on_their_run(olive):
    run = make.make_run(status="COMPLETED")
    for position in range(3):
        RunItem.objects.create(run=run, position=position, state="review" if position else "completed")
    queue = f"?run={run.pk}&amp;state__exact=review"
    for url, words in (
        (reverse("admin:index"), "2 to decide"),
        (reverse("admin:enrichment_enrichmentrun_change", args=[run.pk]), "2 items may be about"),
    ):
        page = olive.get(url).content.decode()
        assert words in page and queue in page.replace("&state", "&amp;state")


def test_rules_name_their_attributes_and_thresholds_have_units(olive):
    SignalRule.objects.create(slug="a", name="A", attributes=["headcount"], when=When.RISES, threshold="20")
    SignalRule.objects.create(
        slug="b", name="B", attributes=["headcount"], when=When.REACHES, threshold="1000"
    )
    page = olive.get(reverse("admin:enrichment_signalrule_changelist")).content.decode()
    assert "Headcount: rises" in page
    assert "20 %" in page and "1,000 people" in page


def test_the_summary_of_an_import_says_what_its_numbers_count():
    assert readable_summary({"rows": 3, "review": 1, "odd_one": 2}) == [
        ("Rows in the file", "3"),
        ("Rows in doubt when they were read", "1"),
        ("Odd one", "2"),
    ]


@override_settings(DEBUG=False)
def test_errors_have_pages_that_say_what_to_do(client, olive):
    page = olive.get("/nothing/here")
    assert page.status_code == 404 and "There is nothing here" in page.content.decode()
    page = olive.get("/admin/", headers={"host": "evil.example"})
    assert page.status_code == 400 and "ALLOWED_HOSTS" in page.content.decode()

    client.force_login(people.make_victor())
    page = client.get(reverse("admin:auth_user_changelist"))
    assert page.status_code == 403 and "You may not do this" in page.content.decode()


def test_a_fault_has_a_page_too(olive, monkeypatch):
    def fail(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("enrichment.admin.runs.as_json", fail)
    olive.raise_request_exception = False
    page = olive.get(reverse("admin:enrichment_enrichmentrun_change", args=[make.make_run().pk]))
    assert page.status_code == 500 and "Something went wrong" in page.content.decode()
