"""A profile with its sheets, and records with values, for the tests of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from crm.models import Account, Contact, Sheet, SheetEntry
from enrichment import claims, signals
from enrichment.claims import Answer, CleanClaim
from enrichment.models import EnrichmentRun
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
