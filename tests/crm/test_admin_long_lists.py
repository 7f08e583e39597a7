"""Lists of any length: counted as far as people look, deep pages by their ids, search and filters by an index."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.forms import Widget
from django.urls import reverse

from crm.admin.search import search
from crm.models import Account, Contact
from enrichment.admin import paging
from enrichment.admin.paging import LongListPaginator, RoundCount
from enrichment.claims import record
from enrichment.models import AttributeValue
from enrichment.queries import live_claims, sampling, texts_in_use
from sources.attributes import Kind
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
LIST = reverse("admin:crm_account_changelist")
only_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs PostgreSQL")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def make_accounts(count: int, **fields: str) -> None:
    Account.objects.bulk_create([Account(name=f"Company {n}", **fields) for n in range(count)])


def plan_of(rows) -> str:
    """How the database would read the rows, were there too many to read them all."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return str(rows.explain())


def test_a_filtered_list_is_counted_so_far_and_says_so(olive, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED", 60)
    make_accounts(75, segment="Enterprise")
    make_accounts(60, segment="Small")
    page = olive.get(LIST, {"segment": "Enterprise"})
    assert "more than 60 results" in page.content.decode()
    assert (page.context["cl"].result_count, page.context["cl"].paginator.num_pages) == (60, 2)
    exact = olive.get(LIST, {"segment": "Small"})
    assert "60 results" in exact.content.decode()
    assert "more than" not in exact.content.decode()


@only_postgres
def test_a_long_table_is_counted_by_its_statistics(olive, monkeypatch):
    monkeypatch.setattr(paging, "SURE", 50)
    make_accounts(120)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_account")
    assert "about 120" in olive.get(LIST).content.decode()


def test_a_deep_page_shows_the_rows_it_should(monkeypatch):
    monkeypatch.setattr(paging, "_SHALLOW", 20)
    make_accounts(95)
    pages = LongListPaginator(Account.objects.order_by("-name"), 10)
    shown = [account.name for number in pages.page_range for account in pages.page(number).object_list]
    assert shown == sorted((f"Company {n}" for n in range(95)), reverse=True)


def test_a_deep_page_reads_only_the_rows_it_shows(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(paging, "_SHALLOW", 20)
    make_accounts(95)
    pages = LongListPaginator(Account.objects.filter(name__contains="Company").order_by("id"), 10)
    with django_assert_num_queries(3) as queries:
        assert len(pages.page(6).object_list) == 10
    _, ids, rows = (query["sql"] for query in queries.captured_queries)
    assert "OFFSET 50" in ids
    assert "current_values" not in ids
    assert "OFFSET" not in rows


def test_a_row_of_a_list_costs_no_widget_and_no_header_of_its_own(olive, monkeypatch):
    make_accounts(3)
    olive.get(LIST)  # what is made once for a process is made
    made: list[str] = []
    render = Widget.render

    def counted(widget: Widget, name: str, *rest: Any, **options: Any) -> str:
        made.append(name)
        return render(widget, name, *rest, **options)

    monkeypatch.setattr(Widget, "render", counted)
    few = olive.get(LIST).content.decode()
    widgets_of_few = len(made)
    make_accounts(20)
    many = olive.get(LIST).content.decode()
    assert len(made) == 2 * widgets_of_few
    assert (few.count('name="_selected_action"'), many.count('name="_selected_action"')) == (3, 23)
    assert f'name="_selected_action" value="{Account.objects.earliest("pk").pk}"' in many
    assert many.count('data-label="Industry"') == 23


def test_a_long_table_is_told_by_a_sample(olive, monkeypatch):
    monkeypatch.setattr(sampling, "SURE", 20)
    source, rare = make.make_source("often"), make.make_source("rare")
    make_accounts(30)
    run = make.make_run().pk
    half = Account.objects.values_list("pk", flat=True)[:15]
    record(
        run=run, kind=Kind.ACCOUNT, answers=[make.make_answer(pk, source.pk, industry="Toys") for pk in half]
    )
    claim = AttributeValue.objects.latest("pk")
    claim.pk = AttributeValue.objects.earliest("pk").pk + 99  # 100 ids, of which 16 are taken
    claim.attribute = "city"
    claim.save(force_insert=True)
    assert "about 50 %" in olive.get(reverse("admin:index")).content.decode()
    page = olive.get(reverse("admin:enrichment_enrichmentsource_changelist")).content.decode()
    assert "about 16" in page
    assert "fewer than 3" in page
    monkeypatch.undo()
    assert "15 of 30, 50 %" in olive.get(reverse("admin:index")).content.decode()
    assert rare.pk not in live_claims().by_source


def test_a_round_count_reckons_as_a_number_and_reads_as_it_is():
    count = RoundCount(10_000, "more than")
    assert str(count) == "more than 10,000"
    assert count + 1 == 10_001


@pytest.mark.parametrize("model", [Account, Contact])
def test_the_texts_in_use_are_told_apart_in_order(model):
    assert texts_in_use(model, "segment", 10) == []
    for text in ("Small", "", "Enterprise", "Small", "Mid", "Enterprise"):
        model.objects.create(name="X", segment=text)
    assert texts_in_use(model, "segment", 10) == ["Enterprise", "Mid", "Small"]
    assert texts_in_use(model, "segment", 2) == ["Enterprise", "Mid"]
    assert texts_in_use(model, "priority", 10) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", ["Acme Tools", "Acme Toys"]), ("ACME toys", ["Acme Toys"]), ("toys.com acme", ["Acme Toys"]),
        ('"acme to"', ["Acme Tools", "Acme Toys"]), ("'tools acme'", []), ("HS-7", ["Acme Tools"]), ("100%", []), ("acm_", []),
        ("ann@acme", ["Acme Tools"]), ('"', []), ("", ["Acme Tools", "Acme Toys", "Other"]),
    ],
)  # fmt: skip
def test_the_search_finds_each_word_in_any_text(text, found):
    make.make_account(name="Acme Tools", email="ann@acme.com", external_id="HS-7", external_source="hubspot")
    make.make_account(name="Acme Toys", domain="acmetoys.com")
    make.make_account(name="Other")
    assert [account.name for account in search(Account.objects.order_by("id"), text)] == found


@only_postgres
@pytest.mark.parametrize("model", [Account, Contact])
def test_the_search_goes_by_its_index(model):
    assert f"{model._meta.db_table}_search" in plan_of(search(model.objects.order_by(), "acme"))


@pytest.mark.parametrize("column", ["segment", "priority"])
def test_the_filters_of_what_people_wrote_go_by_an_index(olive, column):
    make_accounts(5, **{column: "P1"})
    rows = olive.get(LIST, {column: "P1"}).context["cl"].queryset
    assert len(rows) == 5
    assert f"account_{column}" in plan_of(rows)
