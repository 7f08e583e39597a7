"""Files in: what becomes of their rows, and what is said about cells that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.models import Account, Contact, Sheet
from crm.spreadsheets import import_file
from enrichment import retrying, runs
from enrichment.models import EnrichmentRun
from sources.attributes import Kind
from sources.errors import NotAllowed
from tests.factories import make_account, make_contact, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(tmp_path: Path):
    """Import a text as a file."""

    def _load(text: str, **options) -> EnrichmentRun:
        path = tmp_path / "rows.csv"
        path.write_text(text)
        return import_file(path, name=path.name, **options)

    return _load


# --- companies


def test_the_first_row_that_has_a_field_fills_it(load):
    load(
        "Account ID,Company,Website,Segment\n,Acme,acme.com,\n7,Acme Inc,acme.com,SMB\n8,ACME,acme.com,Big\n"
    )
    account = Account.objects.get()
    assert (account.external_id, account.segment) == ("7", "SMB")


def test_an_id_that_the_record_does_not_take_is_told_and_stays_with_its_row(load):
    run = load("Account ID,Company,Website\n7,Acme,acme.com\n8,Acme Inc,acme.com\n")
    assert Account.objects.get().external_id == "7"
    second = run.items.get(position=3)
    assert second.row["Account ID"] == "8"
    assert "its id 8 stays with the row, the record has 7" in second.reason


def test_rows_of_one_company_are_asked_about_once(load):
    run = load("Company,Website\nAcme,acme.com\nAcme Inc,acme.com\nGlobex,globex.com\n", enrich=True)
    states = dict(run.items.values_list("position", "state"))
    assert states == {2: "queued", 3: "completed", 4: "queued"}
    assert run.items.get(position=3).account == run.items.get(position=2).account


def test_a_second_row_of_a_company_ends_as_the_row_that_was_asked(load, fakes, monkeypatch):
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["fake"] = FakeSource(acme_com=NotAllowed("no"), globex_com={"headcount": 5})
    make_source("fake", rank=10)
    text = "Company,Website\nAcme,acme.com\nAcme Inc,acme.com\nGlobex,globex.com\nGlobex AG,globex.com\n"
    run = load(text, enrich=True)
    runs.work(run.pk, until=lambda: False)
    assert dict(run.items.values_list("position", "state")) == {
        2: "failed",
        3: "failed",
        4: "completed",
        5: "completed",
    }
    assert run.items.get(position=3).reason == "no"

    fakes["fake"].answers["acme.com"] = {"headcount": 6}
    retrying.retry(run)
    while runs.work(run.pk, until=lambda: False):
        pass
    assert set(run.items.values_list("state", flat=True)) == {"completed"}
    assert sorted(fakes["fake"].asked) == ["acme.com", "acme.com", "globex.com"]


# --- people


def test_a_person_is_known_by_name_and_company(load):
    acme = make_account(name="Acme", domain="acme.com")
    jane = make_contact(name="Jane Roe", account=acme)
    run = load("Name,Company,Title\nDr. Jane Roe,Acme Inc,CEO\nJane Roe,Globex,CFO\n", kind=Kind.CONTACT)
    assert [item.contact == jane for item in run.items.order_by("position")] == [True, False]
    assert run.items.get(position=2).strategy == "name+company"
    assert (run.summary["matched"], run.summary["created"]) == (1, 1)
    assert [item.has_created_record for item in run.items.order_by("position")] == [False, True]


def test_two_rows_of_one_person_at_one_new_company_are_one(load):
    run = load(
        'Name,Company,Website,Email\nJane Roe,Acme,acme.com,\n"Roe, Jane",Acme Ltd,acme.com,jane@acme.com\n'
        "John Doe,Acme,acme.com,\n",
        kind=Kind.CONTACT,
    )
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Jane Roe", "John Doe"]
    assert Contact.objects.get(name="Jane Roe").email == "jane@acme.com"
    assert set(Contact.objects.values_list("account__name", flat=True)) == {"Acme"}
    assert Account.objects.count() == 1
    assert run.items.get(position=3).reason.startswith("same person as row 2")


@pytest.mark.parametrize(
    "rows",
    [
        "Jane Roe,Acme,jane@acme.com\nJane Roe,Acme,roe@acme.com\n",
        "Jane,Acme,\nJane,Acme,\n",
        "Jane Roe,,\nJane Roe,,\n",
        "Jane Roe,Acme,\nJane Roe,Globex,\n",
    ],
)
def test_people_who_may_be_two_stay_two(load, rows):
    load(f"Name,Company,Email\n{rows}", kind=Kind.CONTACT)
    assert Contact.objects.count() == 2


def test_a_company_first_named_in_a_row_without_a_person_is_still_made(load):
    load("Name,Company,Website\n,Acme,acme.com\nJane Roe,Acme,acme.com\n", kind=Kind.CONTACT)
    assert Contact.objects.get().account == Account.objects.get(name="Acme")


# --- cells that do not fit


def test_the_status_of_another_crm_is_told_and_kept_with_its_row(load):
    run = load("Company,Status\nAcme,Customer\nGlobex,Contacted\nHooli,Churned\n")
    assert list(Account.objects.order_by("name").values_list("status", flat=True)) == ["", "contacted", ""]
    assert run.summary["warnings"] == [
        'column "Status": 2 cells were not taken over, but stay with their rows; '
        "line 2: 'Customer' is none of new, reviewed, passed, contacted"
    ]
    item = run.items.get(position=2)
    assert item.row["Status"] == "Customer"
    assert item.outcomes["spreadsheet"]["reason"].startswith("Status: 'Customer'")


@pytest.mark.parametrize(
    ("cells", "dates", "warnings"),
    [
        (["3/4/2024", "25/12/2023"], ["2024-04-03", "2023-12-25"], 0),
        (["3/4/2024", "12/25/2023"], ["2024-03-04", "2023-12-25"], 0),
        (["3-4-2024 10:30", "25-12-2023"], ["2024-04-03", "2023-12-25"], 0),
        (["3/4/2024", "5/5/2023"], [None, "2023-05-05"], 1),
        (["3/4/2024", "25/12/2023", "12/25/2023"], [None, "2023-12-25", "2023-12-25"], 1),
        (["3/4/2024", "2023-12-25"], [None, "2023-12-25"], 1),
    ],
)
def test_a_column_of_dates_is_read_in_the_order_that_its_cells_show(load, cells, dates, warnings):
    lines = "".join(f"Company {number},{cell}\n" for number, cell in enumerate(cells))
    run = load(f"Company,Last funding date\n{lines}")
    found = [account.value("last_funding_date") for account in Account.objects.order_by("name")]
    assert found == dates
    assert len(run.summary["warnings"]) == warnings


def test_a_file_goes_to_the_first_of_several_sheets_of_its_name(tmp_path):
    first, _ = (Sheet.objects.create(name="leads.csv", kind="account") for _ in range(2))
    path = tmp_path / "leads.csv"
    path.write_text("Company,Website\nAcme,acme.com\n", encoding="utf-8")
    assert import_file(path, name="leads.csv").sheet == first
