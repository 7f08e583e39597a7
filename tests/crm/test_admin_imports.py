"""The pages that take a spreadsheet."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Account
from enrichment.models import EnrichmentRun
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
IMPORT = reverse("admin:crm_account_import_file")
LEADS = (
    "Company name,Website,Industry,Company owner\nAcme,acme.com,Robotics,Olive\nOther,other.org,Toys,Olive\n"
)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    make.make_writer("spreadsheet")
    return tmp_path


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def choose(client, text=LEADS, name="leads.csv"):
    return client.post(
        IMPORT, {"file": SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)}
    )


def test_recognised_columns_are_chosen_already(olive):
    response = choose(olive)

    chosen = {column.header: column.chosen for column in response.context["columns"]}
    assert chosen == {
        "Company name": "account.name", "Website": "account.domain", "Industry": "account.industry", "Company owner": "",
    }  # fmt: skip
    page = response.content.decode()
    assert "Robotics" in page
    assert "2 rows" in page
    assert not EnrichmentRun.objects.exists()


def start(client, page, **changes):
    fields = {f"column_{place}": column.chosen for place, column in enumerate(page.context["columns"])}
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]  # type: ignore[index]
    return client.post(IMPORT, {"token": token, "start": "1", "kind": "account", **fields, **changes})


def test_starting_makes_a_run_and_leads_to_its_page(olive, files):
    response = start(olive, choose(olive))

    run = EnrichmentRun.objects.get()
    assert response.url == reverse("admin:enrichment_enrichmentrun_change", args=[run.pk])
    assert run.file_name == "leads.csv"
    assert not [path for path in files.rglob("*") if path.is_file() and path.parent.name == "uploads"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.csv"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture.csv"),
        (b"PK\x03\x04broken", "broken.xlsx"),
    ],
)
def test_a_bad_file_gets_one_message_and_nothing_is_stored(olive, content, name):
    response = choose(olive, content, name)

    assert len(list(response.context["messages"])) == 1
    assert not Account.objects.exists()
    assert not EnrichmentRun.objects.exists()


def test_no_file_and_too_large_files_are_refused(olive, settings):
    assert "Choose a file" in olive.post(IMPORT).content.decode()
    settings.UPLOAD_MAX_BYTES = 10

    assert "larger than" in choose(olive).content.decode()


def test_a_file_belongs_to_who_uploaded_it(olive, client):
    page = choose(olive)
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]  # type: ignore[index]
    from django.contrib.auth.models import User

    other = User.objects.create_superuser("other")
    client.force_login(other)

    for wrong in (token, "nonsense", token[:-2] + "xx"):
        response = client.post(IMPORT, {"token": wrong, "start": "1"})
        assert "upload it again" in response.content.decode()


def test_columns_that_name_nobody_are_asked_for(olive):
    response = choose(olive, "Colour,Size\nred,3\n")

    assert response.status_code == 200
    assert response.context["columns"][0].chosen == ""


def test_cells_are_escaped(olive):
    page = choose(olive, "Company name\n<script>alert(1)</script>\n").content.decode()

    assert "<script>alert(1)" not in page


def test_a_viewer_may_not_import(client):
    client.force_login(people.make_victor())

    assert client.get(IMPORT).status_code == 403
    assert choose(client).status_code == 403
    assert (
        "Import a spreadsheet</a>" not in client.get(reverse("admin:crm_account_changelist")).content.decode()
    )
