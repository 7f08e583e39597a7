"""The preview of an undo is true, and only records that nobody else touched go with their run."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.urls import reverse

from crm.models import Account, Contact, Sheet, SheetEntry
from crm.spreadsheets import import_file
from enrichment import claims, undoing
from enrichment.models import AttributeValue, EnrichmentRun, EnrichmentSource, RunItem
from sources.attributes import Kind
from tests import people
from tests.factories import make_account, make_answer, make_contact, make_run, make_source, make_writer

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> EnrichmentSource:
    return make_source("vendor", rank=10)


def tell(
    run: EnrichmentRun, record: Account | Contact, source: EnrichmentSource, at: int, **values: Any
) -> None:
    claims.record(run=run.pk, kind=record.kind, answers=[make_answer(record.pk, source.pk, at, **values)])


def test_the_preview_says_what_goes_and_what_comes_back(source):
    account, first, second = make_account(), make_run(), make_run(status="COMPLETED")
    tell(first, account, source, 0, industry="Toys", headcount=5)
    tell(second, account, source, 1, industry="Games", headcount=5, city="Oslo")

    seen = undoing.preview(second)

    assert (seen.answers, seen.records, seen.goes, seen.comes_back, seen.is_whole) == (1, 1, 1, 1, True)
    assert {(s.attribute, s.before, s.after) for s in seen.first} == {
        ("city", "Oslo", None),
        ("industry", "Games", "Toys"),
    }
    assert undoing.preview(first).comes_back == 0, "what the second run found too stays"
    undone = undoing.undo(second)
    assert (undone.claims, undone.current) == (3, 1)  # two retracted, one revived
    assert undoing.preview(second).first == []


def test_one_claim_is_one_claim(source):
    account, run = make_account(), make_run()
    tell(run, account, source, 0, industry="Toys")
    assert claims.undo(run.pk).claims == 1


def test_a_preview_looks_at_a_part_and_says_so(source):
    run = make_run()
    for _ in range(5):
        tell(run, make_account(), source, 0, industry="Toys")
    seen = undoing.preview(run, most=3)
    assert (seen.records, seen.looked_at, seen.goes, seen.is_whole) == (5, 3, 3, False)


@pytest.fixture
def made(source) -> tuple[EnrichmentRun, Account]:
    """A run that made an account, on its own sheet."""
    sheet = Sheet.objects.create(name="leads", kind="account")
    run = make_run(status="COMPLETED", sheet=sheet)
    account = make_account(name="Acme")
    RunItem.objects.create(run=run, position=1, account=account, has_created_record=True, state="completed")
    SheetEntry.objects.create(sheet=sheet, account=account)
    tell(run, account, source, 0, industry="Toys")
    return run, account


def test_a_record_that_nobody_else_touched_goes_when_that_is_asked_for(made):
    run, account = made
    assert (undoing.preview(run).created, undoing.preview(run).removable) == (1, 1)
    assert undoing.undo(run).removed == 0
    assert Account.objects.filter(pk=account.pk).exists()
    assert undoing.undo(run, remove_created=True).removed == 1
    assert not Account.objects.filter(pk=account.pk).exists()
    assert not AttributeValue.objects.exists()
    assert RunItem.objects.get().account is None


def touch(account: Account, how: str, source: EnrichmentSource) -> None:
    if how == "pinned":
        make_writer("user", rank=1)
        claims.pin(account, "industry", "Games", user="olive")
    elif how == "answered":
        tell(make_run(), account, source, 1, headcount=4)
    elif how == "worked on":
        RunItem.objects.create(run=make_run(), position=1, account=account)
    elif how == "listed":
        SheetEntry.objects.create(sheet=Sheet.objects.create(name="mine", kind="account"), account=account)
    elif how == "edited":
        content = ContentType.objects.get_for_model(Account)
        LogEntry.objects.create(
            user=people.make_olive(), content_type=content, object_id=str(account.pk), action_flag=CHANGE
        )
    else:
        make_contact(name="Jane", account=account)


@pytest.mark.parametrize("how", ["pinned", "answered", "worked on", "listed", "edited", "employs"])
def test_a_record_that_anybody_touched_stays(made, source, how):
    run, account = made
    touch(account, how, source)
    assert undoing.preview(run).removable == 0
    assert undoing.undo(run, remove_created=True).removed == 0
    assert Account.objects.filter(pk=account.pk).exists()


def test_what_an_undone_run_did_is_no_touch(made, source):
    run, account = made
    other = make_run()
    tell(other, account, source, 1, headcount=4)
    claims.undo(other.pk)
    assert undoing.preview(run).removable == 1


def test_page_and_terminal_show_the_same_and_do_it(made, client):
    run, account = made
    client.force_login(people.make_olive())
    url = reverse("admin:enrichment_enrichmentrun_undo", args=[run.pk])
    page = client.get(url).content.decode()
    assert "Also remove the 1 record that it made and nobody else touched" in page and "Toys" in page
    out = StringIO()
    call_command("undo_run", str(run.pk), "--yes", stdout=out)
    told = out.getvalue()
    assert "1 values go, 0 come back" in told and "Acme, industry: Toys → nothing" in told
    assert "--remove-created removes 1 that nobody else touched" in told
    assert Account.objects.filter(pk=account.pk).exists()
    client.post(url, {"remove_created": "1"})
    assert not Account.objects.filter(pk=account.pk).exists()


def test_people_go_before_their_company(source):
    run = make_run(status="COMPLETED", kind=Kind.CONTACT.value)
    jane = make_contact(name="Jane", account=make_account(name="Acme"))
    RunItem.objects.create(run=run, position=1, contact=jane, has_created_record=True, state="completed")
    tell(run, jane, source, 0, job_title="CEO")
    assert undoing.undo(run, remove_created=True).removed == 1
    assert (Contact.objects.count(), Account.objects.count()) == (0, 1)


@pytest.fixture
def imported(tmp_path) -> EnrichmentRun:
    """People imported with their companies, one of which was known before."""
    known = make_account()
    tell(make_run(), known, make_writer(), 0, name="Beta", domain="beta.com")
    path = tmp_path / "people.csv"
    path.write_text(
        "First Name,Last Name,Email,Company,Website\nAda,Ode,ada@acme.com,Acme,acme.com\n"
        "Ed,Ode,ed@acme.com,Acme,acme.com\nBo,Pye,bo@beta.com,Beta,beta.com\n"
    )
    return import_file(path, name="people.csv")


def test_companies_that_came_with_imported_people_go_with_them(imported):
    assert (undoing.preview(imported).created, undoing.preview(imported).removable) == (4, 4)
    assert undoing.undo(imported, remove_created=True).removed == 4
    assert [(account.name, account.domain) for account in Account.objects.all()] == [("Beta", "beta.com")]
    assert not Contact.objects.exists()


def test_companies_of_people_who_stay_stay(imported, source):
    ada = Contact.objects.get(name="Ada Ode")
    tell(make_run(kind="contact"), ada, source, 1, job_title="CEO")
    assert undoing.preview(imported).removable == 2
    assert undoing.undo(imported, remove_created=True).removed == 2
    assert Account.objects.count() == 2
