"""The list and page of accounts and contacts."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.urls import reverse

from crm.admin.filters import read_conditions
from crm.models import Account, Contact, Sheet, SheetEntry
from enrichment.claims import pin, record, undo
from enrichment.models import CustomAttribute
from sources.attributes import Kind
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
LIST = reverse("admin:crm_account_changelist")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def victor(client):
    client.force_login(people.make_victor())
    return client


@pytest.fixture
def writers():
    make.make_writer("user", rank=1)
    make.make_writer("spreadsheet", rank=50)


def make_company(name="Acme", at=0, **values):
    """An account named by a spreadsheet, of which the registry claims values."""
    account = make.make_account()
    sheet = make.make_writer("spreadsheet")
    registry = make.make_source("registry", rank=10)
    run = make.make_run()
    answers = [
        make.make_answer(account.pk, sheet.pk, at, name=name),
        make.make_answer(account.pk, registry.pk, at, **values),
    ]
    record(run=run.pk, kind=Kind.ACCOUNT, answers=answers)
    account.refresh_from_db()
    return account


def page_of(record):
    return reverse(f"admin:crm_{record.kind}_change", args=[record.pk])


def names_on(response):
    return [str(account) for account in response.context["cl"].result_list]


# The list


def test_the_list_shows_current_values_in_a_fixed_number_of_queries(olive, django_assert_max_num_queries):
    make_company("Acme", industry="Robotics", headcount=1200)
    with django_assert_max_num_queries(14) as few:
        olive.get(LIST)
    for number in range(20):
        make_company(f"Company {number}", industry="Toys")
    with django_assert_max_num_queries(14) as many:
        page = olive.get(LIST).content.decode()

    assert "Robotics" in page
    assert "1,200" in page
    assert len(few.captured_queries) == len(many.captured_queries)


@pytest.mark.parametrize("words", ["acm", "acme.com", "hello@acme", "HS-1"])
def test_the_list_is_searched_by_name_domain_mail_and_external_id(olive, words):
    Account.objects.create(
        name="Acme Ltd",
        domain="acme.com",
        email="hello@acme.com",
        external_id="HS-17",
        external_source="hubspot",
    )
    Account.objects.create(name="Other")

    assert names_on(olive.get(LIST, {"q": words})) == ["Acme Ltd"]


def test_several_value_filters_narrow_the_list_and_add_columns(olive):
    make_company("Acme", tech_stack=["AWS"], headcount=1200, founded_year=1999)
    make_company("Small", tech_stack=["AWS"], headcount=20, founded_year=2001)
    make_company("Elsewhere", tech_stack=["GCP"], headcount=5000)

    response = olive.get(
        f"{LIST}?attribute=tech_stack&op=contains&text=aws&attribute=headcount&op=gt&text=200"
        "&attribute=founded_year&op=filled&text="
    )

    assert names_on(response) == ["Acme"]
    page = response.content.decode()
    assert "Tech stack contains aws" in page
    next_page = response.context["cl"].get_query_string({"p": 2})
    assert [each.slug for each in read_conditions(QueryDict(next_page[1:]))] == [
        "tech_stack",
        "headcount",
        "founded_year",
    ]
    assert "Founded" in page and "1999" in page


def test_the_list_finds_records_without_a_value(olive):
    make_company("Acme", industry="Robotics")
    make_company("Blank")

    assert names_on(olive.get(f"{LIST}?attribute=industry&op=empty&text=")) == ["Blank"]


def test_a_filter_that_makes_no_sense_shows_nothing_and_says_why(olive):
    make_company("Acme", headcount=5)

    response = olive.get(f"{LIST}?attribute=headcount&op=gt&text=lots")

    assert names_on(response) == []
    assert "is a number" in response.content.decode()


def test_the_list_is_filtered_by_what_people_wrote_and_by_sheet(olive):
    kept = make.make_account(name="Kept", segment="Enterprise", priority="P1", status="new")
    make.make_account(name="Other", segment="Small", priority="P2")
    sheet = Sheet.objects.create(name="Fair")
    SheetEntry.objects.create(sheet=sheet, account=kept)

    for query in ("segment=Enterprise", "priority=P1", "status__exact=new", f"sheet={sheet.pk}"):
        assert names_on(olive.get(f"{LIST}?{query}")) == ["Kept"], query


def test_lists_sort_by_value(olive):
    for name, headcount in (("Middle", 50), ("Large", 900), ("Small", 7)):
        make_company(name, headcount=headcount)

    columns = olive.get(LIST).context["cl"].list_display
    place = next(n for n, column in enumerate(columns) if getattr(column, "__name__", "") == "headcount")

    assert names_on(olive.get(f"{LIST}?o={place}")) == ["Small", "Middle", "Large"]


def test_an_empty_list_says_what_to_do(olive):
    page = olive.get(LIST).content.decode()

    assert "Import a spreadsheet" in page
    assert reverse("admin:crm_account_import_file") in page


def test_values_of_outside_are_escaped(olive):
    account = make_company("<script>alert(1)</script>", industry="<img src=x onerror=alert(2)>")

    for url in (LIST, page_of(account)):
        page = olive.get(url).content.decode()
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page


# The page of a record


def test_the_page_shows_values_with_references_and_their_history(olive):
    account = make_company("Acme", industry="Robotics")
    registry = make.make_source("registry")
    later = make.make_run(name="Second run")
    answer = make.make_answer(account.pk, registry.pk, 3, industry="Toys")
    record(run=later.pk, kind=Kind.ACCOUNT, answers=[answer])
    undo(later.pk)

    page = olive.get(page_of(account)).content.decode()

    link = re.search(r'<a class="fn-link" href="https://example.com/0"[^>]*>', page)
    assert link
    assert 'rel="noopener noreferrer nofollow"' in link[0] and 'target="_blank"' in link[0]
    assert "Robotics" in page and "Toys" in page
    assert "retracted" in page
    assert "Second run" in page


def test_the_page_costs_a_fixed_number_of_queries(olive, django_assert_max_num_queries):
    account = make_company("Acme", industry="Robotics", headcount=3, tech_stack=["AWS"])
    for number in range(5):
        Contact.objects.create(account=account, name=f"Person {number}")

    with django_assert_max_num_queries(12):
        olive.get(page_of(account))


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("javascript://example.com/%0aalert(1)", "javascript://example.com/%0aalert(1)"),
        ("ftp://example.com/file", "ftp://example.com/file"),
        ("table:leads#12", "row 12 of leads"),
        ("csv_import", "imported file"),
        ("user:anna", "typed by anna"),
        ("record:7", "came with the record"),
        ("data:text/html,x", "data:text/html,x"),
        ("http:\\\\evil", "http:\\\\evil"),
    ],
)
def test_only_web_references_become_links(reference, shown):
    from enrichment.admin.references import read_reference

    found = read_reference(reference)

    assert (found.text, found.href) == (shown, "")


def test_a_value_is_pinned_and_released_on_the_page(olive, writers):
    account = make_company("Acme", industry="Robotics")

    pinned = olive.post(
        reverse("admin:crm_account_pin", args=[account.pk]),
        {"attribute": "industry", "value": "Toys"},
        follow=True,
    )
    account.refresh_from_db()
    assert account.value("industry") == "Toys"
    assert account.current_values["industry"]["references"] == ["user:olive"]
    assert "Industry is pinned" in pinned.content.decode()

    olive.post(reverse("admin:crm_account_release", args=[account.pk]), {"attribute": "industry"})
    account.refresh_from_db()
    assert account.value("industry") == "Robotics"


@pytest.mark.parametrize(("slug", "text"), [("headcount", "lots"), ("industry", " "), ("no_such", "x")])
def test_what_cannot_be_pinned_is_refused_in_one_sentence(olive, writers, slug, text):
    account = make_company("Acme")

    url = reverse("admin:crm_account_pin", args=[account.pk])
    response = olive.post(url, {"attribute": slug, "value": text}, follow=True)

    messages = [str(message) for message in response.context["messages"]]
    assert len(messages) == 1
    account.refresh_from_db()
    assert set(account.current_values) == {"name"}


def test_a_custom_attribute_can_be_pinned(olive, writers):
    CustomAttribute.objects.create(slug="tier", label="Tier", kind="account")
    account = make_company("Acme")

    olive.post(reverse("admin:crm_account_pin", args=[account.pk]), {"attribute": "tier", "value": "Gold"})

    account.refresh_from_db()
    assert account.value("tier") == "Gold"


def test_a_viewer_sees_the_page_and_cannot_pin(victor, writers):
    account = make_company("Acme", industry="Robotics")
    pin(account, "headcount", "7", user="olive")

    page = victor.get(page_of(account)).content.decode()
    assert "Robotics" in page
    assert "Pin this value" not in page
    for act in ("pin", "release"):
        url = reverse(f"admin:crm_account_{act}", args=[account.pk])
        assert victor.post(url, {"attribute": "headcount", "value": "8"}).status_code == 403
    account.refresh_from_db()
    assert account.value("headcount") == 7


def test_pinning_needs_a_post_with_a_token(olive, writers):
    from django.test import Client

    account = make_company("Acme")
    url = reverse("admin:crm_account_pin", args=[account.pk])
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = olive.cookies

    assert olive.get(url).status_code == 405
    assert strict.post(url, {"attribute": "industry", "value": "Toys"}).status_code == 403


def test_who_has_no_rights_sees_no_records(client):
    client.force_login(people.make_nora())
    account = make.make_account(name="Acme")

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(account)).status_code == 403


def test_an_account_is_added_by_hand_with_pinned_identity(olive, writers):
    response = olive.post(
        reverse("admin:crm_account_add"),
        {"name": "Acme", "domain": "https://www.acme.com/x", "status": "new"},
    )

    assert response.status_code == 302, response.context["adminform"].errors
    account = Account.objects.get()
    assert (account.name, account.domain, account.status) == ("Acme", "acme.com", "new")


@pytest.mark.parametrize("typed", [{}, {"domain": "not a domain"}])
def test_a_new_account_must_say_who_it_is(olive, writers, typed):
    response = olive.post(reverse("admin:crm_account_add"), typed)

    assert response.status_code == 200
    assert not Account.objects.exists()


def test_deleting_a_record_takes_its_claims_along(olive):
    account = make_company("Acme", industry="Robotics")

    olive.post(reverse("admin:crm_account_delete", args=[account.pk]), {"post": "yes"})

    assert not Account.objects.exists()


def test_contacts_show_their_account_without_a_query_each(olive, django_assert_max_num_queries):
    account = make.make_account(name="Acme")
    for number in range(10):
        make.make_contact(name=f"Person {number}", account=account)

    with django_assert_max_num_queries(14):
        page = olive.get(reverse("admin:crm_contact_changelist")).content.decode()

    assert page.count(page_of(account)) == 10


def test_a_contact_is_edited_with_its_account(olive):
    contact = make.make_contact(name="Ann")
    account = make.make_account(name="Acme")

    response = olive.post(page_of(contact), {"account": account.pk, "segment": "Buyers"})

    assert response.status_code == 302
    contact.refresh_from_db()
    assert (contact.account, contact.segment, contact.name) == (account, "Buyers", "Ann")
