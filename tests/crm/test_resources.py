"""Current values out, small updates in."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.cells import join
from crm.models import Account
from enrichment.claims import record, undo
from enrichment.models import AttributeValue, CustomAttribute, EnrichmentRun
from sources.attributes import BY_SLUG, Kind
from sources.cleaning import clean
from sources.tables import read
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
EXPORT = reverse("admin:crm_account_export")
IMPORT = reverse("admin:crm_account_import")
CSV, XLSX, JSON = "0", "1", "2"


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def acme():
    make.make_writer("user", rank=1)
    account = make.make_account(status="new", comments="=1+1")
    sheet, registry = make.make_writer("spreadsheet"), make.make_source("registry", rank=10)
    values = {
        "headcount": 1200,
        "employee_growth_6mo": -2.5,
        "tech_stack": ["AWS", "a;b"],
        "industry": "=cmd|' /C calc'!A0",
    }
    answers = [
        make.make_answer(account.pk, sheet.pk, name="Acme"),
        make.make_answer(account.pk, registry.pk, **values),  # type: ignore[arg-type]
    ]
    record(run=make.make_run().pk, kind=Kind.ACCOUNT, answers=answers)
    return account


def export(client, form, **options):
    return client.post(EXPORT, {"format": form, "resource": "0", **options})


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_csv_holds_a_column_for_each_attribute_and_opens_no_formula(olive, acme):
    CustomAttribute.objects.create(slug="tier", label="Tier", kind="account")

    (row,) = rows_of(export(olive, CSV))

    assert (row["name"], row["status"], row["headcount"], row["employee_growth_6mo"]) == (
        "Acme",
        "new",
        "1200",
        "-2.5",
    )
    assert row["industry"] == "'=cmd|' /C calc'!A0"
    assert row["comments"] == "'=1+1"
    assert clean(BY_SLUG["tech_stack"], row["tech_stack"]) == ["AWS", "a;b"]
    assert row["tier"] == ""
    assert "headcount source" not in row


def test_the_pages_say_what_goes_out_and_what_may_come_in(olive, acme):
    assert "a column for every attribute" in olive.get(EXPORT).content.decode()
    assert "external_source, external_id, status" in olive.get(IMPORT).content.decode()


def test_sources_and_references_come_along_when_asked_for(olive, acme):
    (row,) = rows_of(export(olive, CSV, with_sources="on", with_references="on"))

    assert row["headcount source"] == "registry"
    assert row["headcount references"] == "https://example.com/0"


def test_xlsx_stores_text_as_text(olive, acme):
    response = export(olive, XLSX)

    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(response.content)
        file.flush()
        table = read(Path(file.name))
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (row["name"], row["headcount"], row["industry"]) == ("Acme", "1200", "=cmd|' /C calc'!A0")
    assert b"<f>" not in response.content


def test_json_keeps_types(olive, acme):
    (row,) = json.loads(export(olive, JSON).content)

    assert (row["headcount"], row["industry"]) == (1200, "=cmd|' /C calc'!A0")


def test_export_holds_what_the_list_shows(olive, acme):
    make.make_account(name="Other", segment="big")

    response = olive.post(f"{EXPORT}?segment=big", {"format": CSV, "resource": "0"})

    assert [row["name"] for row in rows_of(response)] == ["Other"]


def test_export_takes_the_same_queries_for_any_number_of_rows(olive, acme, django_assert_max_num_queries):
    for number in range(30):
        make.make_account(name=f"Company {number}")

    with django_assert_max_num_queries(9):
        export(olive, CSV, with_sources="on")


def upload(client, text, name="update.csv"):
    """Through preview and confirmation, as the page does it."""
    file = SimpleUploadedFile(name, text.encode())
    preview = client.post(IMPORT, {"import_file": file, "format": CSV, "resource": "0"})
    confirm = preview.context.get("confirm_form")
    if confirm is None:
        return preview
    return client.post(reverse("admin:crm_account_process_import"), confirm.initial, follow=True)


def test_an_import_updates_what_people_write_and_claims_who_it_is(olive, acme):
    upload(olive, f"id,name,domain,segment,comments\n{acme.pk},Acme Ltd,https://www.acme.com/,big,'=2+2\n")

    acme.refresh_from_db()
    assert (acme.name, acme.domain, acme.segment, acme.comments) == ("Acme Ltd", "acme.com", "big", "=2+2")
    claim = AttributeValue.objects.get(attribute="domain")
    assert (claim.source.slug, claim.references, claim.original) == (
        "spreadsheet",
        ["csv_import"],
        "https://www.acme.com/",
    )
    assert claim.run.name == "update.csv"  # type: ignore[union-attr]
    assert claim.run.created_by.username == "olive"  # type: ignore[union-attr]


def test_an_import_can_be_undone(olive, acme):
    upload(olive, f"id,name\n{acme.pk},Acme Ltd\n")
    undo(EnrichmentRun.objects.latest("pk").pk)

    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_rows_without_an_id_are_found_by_the_id_of_the_crm_or_made(olive, acme):
    known = make.make_account(external_source="hubspot", external_id="7")

    upload(olive, "external_source,external_id,name\nhubspot,7,Seven\nhubspot,8,Eight\n")

    known.refresh_from_db()
    assert known.name == "Seven"
    assert Account.objects.get(external_id="8").name == "Eight"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,name\n999999,Acme\n", "There is no account 999999"),
        ("name,segment\n,big\n", "The row names nobody"),
        ("name,domain\nAcme,not a domain\n", "not a domain"),
        ("name,status\nAcme,famous\n", "not a valid choice"),
        ("name\n" + "Acme\n" * 1001, "Import a spreadsheet"),
    ],
)
def test_what_cannot_be_imported_is_shown_and_nothing_is_stored(olive, acme, text, sentence):
    before = list(Account.objects.values()), EnrichmentRun.objects.count()

    page = upload(olive, text).content.decode()

    assert sentence in page.replace("&quot;", '"')
    assert (list(Account.objects.values()), EnrichmentRun.objects.count()) == before


def test_export_then_import_changes_nothing(olive, acme):
    before = list(Account.objects.values())
    text = export(olive, CSV).content.decode("utf-8-sig")

    upload(olive, text)

    assert list(Account.objects.values()) == before


def test_a_viewer_exports_and_may_not_import(client, acme):
    client.force_login(people.make_victor())

    assert export(client, CSV).status_code == 200
    assert client.get(IMPORT).status_code == 403
    assert client.post(reverse("admin:crm_account_process_import"), {}).status_code == 403


def test_who_may_not_look_may_not_export(client, acme):
    client.force_login(people.make_nora())

    assert client.get(EXPORT).status_code == 403


@pytest.mark.parametrize(
    "items", [["AWS"], ["AWS", "GCP"], ["a;b", "c"], ["one, two"], ["a|b"], ["x", "y, z"]]
)
def test_a_list_in_a_cell_is_read_back(items):
    assert clean(BY_SLUG["tech_stack"], join(items)) == items
