"""Runs over REST, tasks, MCP and the admin that find chief executives ask about them next, through the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from crm.models import Account, Contact
from enrichment.models import ApiKey, EnrichmentRun
from enrichment.registration import sync_sources
from enrichment.spending import left_of_key
from tests import people
from tests.agents.test_tools import ask
from tests.api.queue import work_off
from tests.enrichment.test_people_of_companies import ADA, Finder, Profiles
from tests.factories import make_account, make_source

pytestmark = pytest.mark.django_db(transaction=True)

CHAIN = ["find_ceo", "linkedin_profile"]


@pytest.fixture(autouse=True)
def acme(fakes: dict[str, Any], settings: Any, tmp_path: Any) -> Account:
    """A company whose chief executive is known to a finder, and their profile to LinkedIn."""
    settings.MEDIA_ROOT = tmp_path
    fakes["datagen_find_ceo"] = Finder(
        "datagen_find_ceo", acme_com={"ceo_name": "Ada Ode", "ceo_linkedin_url": ADA}
    )
    fakes["datagen_linkedin"] = Profiles("datagen_linkedin")
    for slug in fakes:
        make_source(slug, cadence="monthly", cost=1)
    sync_sources()
    return make_account(name="Acme", domain="acme.com")


def ada() -> tuple[Any, ...]:
    contact = Contact.objects.get()
    told = ("headline", "current_company", "location", "follower_count")
    assert contact.account
    return contact.account.domain, *(contact.value(slug) for slug in told)


PROFILE = ("acme.com", "Engineer of engines", "Acme", "Oslo", 1815)


def test_over_rest_the_people_are_asked_about_next(api: Any, acme: Account) -> None:
    body = {"account_ids": [f"{acme.pk:024x}"], "sources": CHAIN}
    planned = api.post("/v1/plan", body)[1]
    assert [(each["slug"], each["about"]) for each in planned["sources"]] == [
        ("datagen_find_ceo", ""),
        ("datagen_linkedin", "chief executive"),
    ]
    made = api.made("/v1/run", body | {"credit_limit": 2})
    work_off()
    assert ada() == PROFILE
    first = api.get(f"/v1/run/{made['id']}")[1]
    second = api.get(f"/v1/run/{first['follow_up_id']}")[1]
    assert (first["status"], second["status"]) == ("COMPLETED", "COMPLETED")
    assert (second["follows_id"], second["entity_type"], second["credit_limit"]) == (made["id"], "person", 2)
    assert (first["follows_id"], second["follow_up_id"]) == (None, None)


def test_what_a_follow_up_spends_counts_for_the_key_once(api: Any, acme: Account) -> None:
    ApiKey.objects.update(monthly_limit=10)
    api.made("/v1/run", {"account_ids": [f"{acme.pk:024x}"], "sources": CHAIN, "credit_limit": 4})
    run = EnrichmentRun.objects.get()
    EnrichmentRun.objects.update(status="COMPLETED", finished_at=timezone.now())
    assert left_of_key(ApiKey.objects.get()) == 6  # its follow-up may still spend them
    EnrichmentRun.objects.update(status="RUNNING", finished_at=None)
    work_off()
    assert run.follow_up.status == "COMPLETED"
    assert left_of_key(ApiKey.objects.get()) == 8


def test_an_attribute_that_only_people_have_needs_somebody_who_names_them(api: Any, acme: Account) -> None:
    body = {"account_ids": [f"{acme.pk:024x}"], "attributes": ["headline"], "sources": ["linkedin_profile"]}
    status, answer = api.post("/v1/run", body)
    assert (status, list(answer["errors"])) == (422, ["attributes"])
    assert "headline is of people" in answer["detail"]


def test_a_task_that_chooses_such_sources_asks_about_people_next(api: Any) -> None:
    file = SimpleUploadedFile("batch.csv", b"company_name,website\nAcme,acme.com\n")
    file_id = api.client.post("/v1/files/upload", {"file": file}, headers={"x-api-key": api.key}).json()[
        "file_id"
    ]
    config = {
        "type": "ingest",
        "file_id": file_id,
        "primary_column": "company_name",
        "csv_entity_type": "company",
    }
    task = api.made("/v1/task", {"name": "Lead", "flow_name": "ingest", "task_config": config})["id"]
    status, _ = api.post(f"/v1/task/{task}/execute", {"parameters": {"sources": CHAIN}})
    assert status == 200
    work_off()
    assert ada() == PROFILE
    (entity,) = api.get("/v1/entity")[1]["entities"]
    assert entity["data"]["headline"] | {"created_at": "", "updated_at": ""} == {
        "value": "Engineer of engines", "display": "Engineer of engines", "references": ["https://fake/ada"],
        "source": "datagen_linkedin", "created_at": "", "updated_at": "",
    }  # fmt: skip
    assert (entity["data"]["name"]["value"], entity["data"]["location"]["value"]) == ("Acme", "Oslo")
    lines = api.get(f"/v1/sheet/{entity['sheet_id']}/export-csv")[1].decode("utf-8-sig").splitlines()
    assert (
        dict(zip(lines[0].split(","), lines[1].split(","), strict=True))["headline"] == "Engineer of engines"
    )


def test_an_agent_sees_the_run_that_follows(acme: Account) -> None:
    wish = {"ids": [f"account-{acme.pk}"], "attributes": ["headline", "follower_count"]}
    assert ask("plan_run", **wish)["credits_at_most"] == 2
    begun = ask("start_run", max_credits=2, **wish)
    work_off()
    assert ada()[1] == "Engineer of engines"
    first = ask("get_run", run=begun["run"])
    assert ask("get_run", run=first["follow_up"])["follows"] == begun["run"]


def test_in_the_admin_boxes_of_people_are_ticked(client: Any, acme: Account) -> None:
    client.force_login(people.make_olive())
    page = reverse("admin:crm_account_enrich")
    data = {
        "ids": str(acme.pk), "chosen": "1", "attribute": "headcount", "person": "headline",
        "source": ["datagen_find_ceo", "datagen_linkedin"],
    }  # fmt: skip
    shown = client.get(page, data).content.decode()
    assert "next, about the chief executives" in shown
    client.post(page, data)
    work_off()
    assert ada()[1] == "Engineer of engines"
    first, second = EnrichmentRun.objects.exclude(asks=False).order_by("pk")
    link = f'href="{reverse("admin:enrichment_enrichmentrun_change", args=[second.pk])}"'
    assert (
        link in client.get(reverse("admin:enrichment_enrichmentrun_change", args=[first.pk])).content.decode()
    )
    back = client.get(reverse("admin:enrichment_enrichmentrun_change", args=[second.pk])).content.decode()
    assert reverse("admin:enrichment_enrichmentrun_change", args=[first.pk]) in back
    assert (
        "asks no more"
        in client.get(reverse("admin:enrichment_enrichmentrun_undo", args=[first.pk])).content.decode()
    )


def test_people_pages_have_no_such_boxes(client: Any) -> None:
    client.force_login(people.make_olive())
    assert "chief executive" not in client.get(reverse("admin:crm_contact_enrich")).content.decode()


def test_old_runs_without_wishes_are_left_alone() -> None:
    EnrichmentRun.objects.create(
        name="old", status="COMPLETED", finished_at=timezone.now() - timedelta(days=1)
    )
    work_off()
    assert EnrichmentRun.objects.count() == 1
