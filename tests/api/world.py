"""A profile with its sheets, and records with values, for the tests of the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.models import Account, Contact, Sheet, SheetEntry
from enrichment import claims, signals
from enrichment.claims import Answer, CleanClaim
from enrichment.models import ApiSchedule, ApiTask, EnrichmentRun, RunItem, UploadedFile
from enrichment.models.check import Outcome
from sources.attributes import Kind
from tests.factories import START, make_account, make_answer, make_contact, make_run, make_source, make_writer

WANTED = "- employee_count: People\n- tech_stack: Technologies\n- key_customers: Names"


def make_profile(api: Any, **fields: Any) -> str:
    """A profile made over the API; its id."""
    target = {"entity_type": "company", "root": True, "description": WANTED}
    body = {"name": "Bulk", "description": "All", "entity_targets": [target]} | fields
    return str(api.made("/v1/icp", body)["id"])


def make_sheet(api: Any, icp_id: str, **fields: Any) -> Sheet:
    """A sheet made over the API."""
    made = api.made("/v1/sheet", {"name": "Companies", "icp_id": icp_id, "entity_type": "company"} | fields)
    return Sheet.objects.get(pk=int(made["id"], 16))


def tell(record: Account | Contact, at: int = 0, **values: Any) -> None:
    """Let the spreadsheet claim values of a record."""
    told = tuple(CleanClaim(slug, value, ("csv_import",)) for slug, value in values.items())
    answer = Answer(
        record=record.pk,
        source=make_writer().pk,
        at=START + timedelta(days=at),
        outcome=Outcome.FOUND,
        claims=told,
    )
    claims.record(run=make_run().pk, kind=Kind(record.kind), answers=[answer])
    record.refresh_from_db()


def list_account(sheet: Sheet, fields: dict[str, Any] | None = None, **values: Any) -> tuple[str, Account]:
    """An account with values in a sheet; the entity's id and the account."""
    account = make_account(**(fields or {}))
    tell(account, **values)
    return f"{SheetEntry.objects.create(sheet=sheet, account=account).pk:024x}", account


def list_contact(sheet: Sheet, **values: Any) -> tuple[str, Contact]:
    """A contact with values in a sheet."""
    contact = make_contact()
    tell(contact, **values)
    return f"{SheetEntry.objects.create(sheet=sheet, contact=contact).pk:024x}", contact


def make_surge(account: Account) -> int:
    """A signal about an account, whose headcount goes from 10 to 50; the run that found it."""
    signals.sync_rules()
    source = make_source("crunchbase", rank=1)
    for at, count in ((0, 10), (30, 50)):
        run = make_run()
        claims.record(
            run=run.pk, kind=account.kind, answers=[make_answer(account.pk, source.pk, at, headcount=count)]
        )
        EnrichmentRun.objects.filter(pk=run.pk).update(status="COMPLETED", finished_at=timezone.now())
        signals.scan(run.pk)
    return run.pk


def make_one_of_each(api: Any) -> dict[str, str]:
    """The ids of a small world, by the name of the parameter in a path."""
    make_source("fake")
    icp = make_profile(api)
    sheet = make_sheet(api, icp)
    entity, account = list_account(sheet, name="Acme", domain="acme.com", headcount=5)
    list_contact(make_sheet(api, icp, entity_type="person"), name="Ann", email="ann@acme.com")
    profile = sheet.profile
    file = UploadedFile.objects.create(name="a.csv", stored="a.csv", size=1, table={"columns": ["name"]})
    config = {
        "type": "ingest",
        "file_id": f"{file.pk:024x}",
        "primary_column": "name",
        "csv_entity_type": "company",
    }
    task = ApiTask.objects.create(name="T", flow="ingest", deployment="main", profile=profile, config=config)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert profile
    schedule = ApiSchedule.objects.create(name="S", task=task, profile=profile, cron="0 3 * * 1", next_at=at)
    run = make_run(status="COMPLETED", sheet=sheet, finished_at=at)
    item = RunItem.objects.create(
        run=run, position=1, account=account, state="review", evidence=[{"id": account.pk}]
    )
    rows = {
        "sheet_id": sheet,
        "file_id": file,
        "task_id": task,
        "schedule_id": schedule,
        "run_id": run,
        "item_id": item,
        "record_id": account,
    }
    ids = {name: f"{row.pk:024x}" for name, row in rows.items()}
    return ids | {"icp_id": icp, "entity_id": entity, "signal_id": "0" * 24, "slug": "fake"}
