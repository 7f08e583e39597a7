"""Rows of a file without a record: kept on their item until a person or a source accepts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from crm.models import Account, Contact, Record, SheetEntry
from enrichment import bulk, claims
from enrichment.claims import Answer, CleanClaim
from enrichment.models import EnrichmentRun, EnrichmentSource, RunItem
from enrichment.models.check import Outcome
from enrichment.winner import SPREADSHEET
from sources.attributes import IDENTITY, Kind, identity_slug
from sources.contract import Subject


def kept(told: Iterable[CleanClaim], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What `RunItem.subject` holds: the row's claims, and the columns of the record it would become."""
    rows = [[claim.attribute, claim.value, list(claim.references), claim.original] for claim in told]
    return {"claims": rows, "fields": dict(fields)}


def subject_of_row(
    kind: Kind, kept_row: Mapping[str, Any], *, row: Mapping[str, str] | None = None
) -> Subject:
    """A kept row as the subject that sources are asked about; `row` holds its cells as they were read."""
    known = {claim.attribute: claim.value for claim in _claims(kept_row)}
    identity: dict[str, Any] = {
        name: str(known[slug]) for name in IDENTITY if (slug := identity_slug(kind, name)) in known
    }
    return Subject(kind=kind, known=known, row=row or {}, **identity)


def accept(run: EnrichmentRun, items: Sequence[RunItem], records: Sequence[Record | None]) -> list[Record]:
    """Give each item its record, or a new one for None, and record what its row says about it.

    The items are changed, not saved, except that each new record is written to its item at once: a
    crash makes no second one. Returns the records, as they are after the recording.
    """
    kind = Kind(run.kind)
    model: Any = Account if kind is Kind.ACCOUNT else Contact
    source = EnrichmentSource.objects.get(slug=SPREADSHEET).pk
    with transaction.atomic():
        owners = [record or _create(model, item) for item, record in zip(items, records, strict=True)]
        for item, owner, known in zip(items, owners, records, strict=True):
            setattr(item, f"{kind.value}_id", owner.pk)
            item.has_created_record = known is None
        RunItem.objects.bulk_update(items, [kind.value, "has_created_record"])
        if run.sheet_id:
            entries = [
                SheetEntry(sheet_id=run.sheet_id, **{f"{kind.value}_id": owner.pk}) for owner in owners
            ]
            SheetEntry.objects.bulk_create(entries, ignore_conflicts=True)
        now = bulk.clock()
        answers = [
            Answer(
                record=owner.pk, source=source, at=now, outcome=Outcome.FOUND,
                claims=tuple(_claims(item.subject or {})),
            )
            for item, owner in zip(items, owners, strict=True)
        ]  # fmt: skip
        if claims.record(run=run.pk, kind=kind, answers=answers).skipped:
            claims.complete(
                run=run.pk, kind=kind, answers=answers
            )  # another row told about the record before
    fresh = model.objects.in_bulk([owner.pk for owner in owners])
    return [fresh[owner.pk] for owner in owners]


def _create(model: Any, item: RunItem) -> Record:
    """A new record, unless its external id has come in since."""
    fields = (item.subject or {}).get("fields", {})
    known: Record | None = None
    if fields.get("external_id"):
        ids = {name: fields.get(name, "") for name in ("external_id", "external_source")}
        known = model.objects.filter(**ids).first()
    record: Record = known or model.objects.create(**fields)
    return record


def _claims(row: Mapping[str, Any]) -> Iterable[CleanClaim]:
    return (
        CleanClaim(slug, value, tuple(references), original)
        for slug, value, references, original in row.get("claims", ())
    )
