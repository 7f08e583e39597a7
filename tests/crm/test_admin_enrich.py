"""From ticked rows to a preview to a run."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from crm.models import Account, Sheet, SheetEntry
from enrichment.models import EnrichmentRun
from tests import factories as make
from tests import people
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
LIST = reverse("admin:crm_account_changelist")
ENRICH = reverse("admin:crm_account_enrich")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def accounts(fakes):
    fakes["registry"] = FakeSource("registry")
    make.make_source("registry", label="Company registry", cost=2)
    make.make_source("resting", label="Resting source", is_enabled=False)
    return [
        make.make_account(name=f"Company {number}", segment="big" if number < 3 else "")
        for number in range(5)
    ]


def run_action(client, ticked, query="", **more):
    return client.post(
        f"{LIST}?{query}",
        {"action": "enrich_selected", "_selected_action": [row.pk for row in ticked], **more},
    )


def test_ticked_records_travel_as_ids(olive, accounts):
    response = run_action(olive, accounts[:2])

    assert parse_qs(urlsplit(response.url).query) == {"ids": [f"{accounts[0].pk},{accounts[1].pk}"]}
    assert olive.get(response.url).context["preview"].records == 2


def test_all_selected_travels_as_the_query_of_the_list(olive, accounts, django_assert_max_num_queries):
    response = run_action(olive, accounts[:1], "segment=big&p=1", select_across="1")

    assert parse_qs(urlsplit(response.url).query) == {"select": ["segment=big"]}
    with django_assert_max_num_queries(22):
        page = olive.get(response.url)
    assert page.context["preview"].records == 3


def test_search_and_value_filters_hold_for_all_selected(olive, accounts):
    page = olive.get(ENRICH, {"select": "q=Company+4"})
    assert page.context["preview"].records == 1

    page = olive.get(ENRICH, {"select": "attribute=industry&op=filled&text="})
    assert page.context["preview"].records == 0


def test_a_broken_filter_selects_nothing(olive, accounts):
    for query in ("attribute=headcount&op=gt&text=lots", "sheet=x", "no_such_field=1"):
        assert olive.get(ENRICH, {"select": query}).context["preview"].records == 0, query


def test_the_preview_names_sources_costs_and_what_is_left_out(olive, accounts):
    page = olive.get(ENRICH, {"select": ""}).content.decode()

    assert "Company registry" in page
    assert "Resting source" in page
    assert "Credits at most" in page


def test_starting_makes_a_run_and_leads_to_its_page(olive, accounts):
    fields = {
        "select": "segment=big",
        "chosen": "1",
        "attribute": ["industry", "headcount"],
        "source": ["registry"],
        "limit": "50",
    }

    response = olive.post(ENRICH, fields)

    run = EnrichmentRun.objects.get()
    assert response.url == reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])
    assert run.items.count() == 3
    assert set(run.wanted) == {"industry", "headcount"}
    assert run.sources == []  # every source that is on was ticked
    assert run.credit_limit == 50
    assert run.created_by.username == "olive"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "fields",
    [{"limit": "-3"}, {"limit": "many"}, {"attribute": []}, {"source": []}, {"ids": "999999"}],
)
def test_what_cannot_start_says_why(olive, accounts, fields):
    all_fields = {
        "ids": str(accounts[0].pk),
        "chosen": "1",
        "attribute": ["industry"],
        "source": ["registry"],
        "limit": "",
    }

    response = olive.post(ENRICH, all_fields | fields)

    assert response.status_code == 200
    assert len(list(response.context["messages"])) == 1
    assert not EnrichmentRun.objects.exists()


def test_a_viewer_may_not_start(client, accounts):
    client.force_login(people.make_victor())

    assert "enrich_selected" not in client.get(LIST).content.decode()
    assert client.get(ENRICH, {"select": ""}).status_code == 403
    assert client.post(ENRICH, {"select": ""}).status_code == 403
    assert not EnrichmentRun.objects.exists()


def test_a_sheet_is_enriched_and_exported_through_its_list(olive, accounts):
    sheet = Sheet.objects.create(name="Fair")
    SheetEntry.objects.create(sheet=sheet, account=accounts[0])

    enrich = olive.get(reverse("admin:crm_sheet_enrich_sheet", args=[sheet.pk]))
    export = olive.get(reverse("admin:crm_sheet_export_sheet", args=[sheet.pk]))

    assert olive.get(enrich.url).context["preview"].records == 1
    assert export.url == f"{reverse('admin:crm_account_export')}?sheet={sheet.pk}"
    assert "1" in olive.get(reverse("admin:crm_sheet_changelist")).content.decode()
    assert Account.objects.count() == 5


def test_contacts_are_enriched_too(olive):
    make.make_source("registry")
    contact = make.make_contact(name="Ann")

    page = olive.get(reverse("admin:crm_contact_enrich"), {"ids": contact.pk})

    assert page.context["preview"].records == 1
