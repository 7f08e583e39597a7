"""Reviews: a person says whom a doubtful row or answer is about."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.models import Account, Contact
from enrichment import bulk, runs
from enrichment.claims import Answer, CleanClaim, record
from enrichment.ledger import payload_of
from enrichment.models import CustomAttribute, Lookup, RunItem
from enrichment.models.check import Outcome
from enrichment.rows import accept
from enrichment.verifying import clean_claims
from sources import registry
from sources.attributes import BY_SLUG, Kind


class ReviewRefused(ValueError):
    """The decision cannot be taken; the text says why."""


def decide(item: RunItem, candidate: str | int | None, *, user: Any) -> None:
    """Take a person's word for an item in review: one of its candidates, or None of them.

    The item's `evidence` lists the candidates; `candidate` is the `id` of one. A row that got its
    record goes on to the sources when its run asks any. Raises ReviewRefused.
    """
    if item.state != RunItem.State.REVIEW:
        raise ReviewRefused("This row has been decided already.")
    if item.run.undone_at:
        raise ReviewRefused("The run was undone; import the row again.")
    chosen = next((entry for entry in item.evidence if str(entry.get("id")) == str(candidate)), None)
    if candidate is not None and chosen is None:
        raise ReviewRefused("That is none of the candidates of this row.")
    with transaction.atomic():
        if any("lookup" in entry for entry in item.evidence):
            _decide_answers(item, chosen)
        else:
            _decide_record(item, chosen)
        item.reason = (
            f"decided by {user}: {chosen['name'] or chosen['domain'] if chosen else 'none of these'}"[:500]
        )
        item.finished_at = None if item.state == RunItem.State.QUEUED else bulk.clock()
        item.save()
        if item.state == RunItem.State.QUEUED:
            runs.reopen(item.run_id)


def _decide_record(item: RunItem, chosen: dict[str, Any] | None) -> None:
    """The row is a known record, or a new one; what its cells say is recorded."""
    found: Account | Contact | None = None
    kind = Kind(item.run.kind)
    if chosen:
        model: Any = Account if kind is Kind.ACCOUNT else Contact
        found = model.objects.filter(pk=chosen["id"]).first()
        if found is None:
            raise ReviewRefused("That record has been deleted; choose another.")
    accept(item.run, [item], [found])
    item.strategy, item.evidence = "person", []
    item.state = RunItem.State.QUEUED if item.run.asks else RunItem.State.COMPLETED


def _decide_answers(item: RunItem, chosen: dict[str, Any] | None) -> None:
    """The doubtful answers are about the record, or about somebody else."""
    kind = Kind(item.run.kind)
    owner = item.account_id if kind is Kind.ACCOUNT else item.contact_id
    if owner is None and item.subject and chosen:
        owner = accept(item.run, [item], [None])[0].pk
    if owner is None and not item.subject:
        raise ReviewRefused("The record has been deleted.")
    lookups = Lookup.objects.select_related("source").filter(
        pk__in={each["lookup"] for each in item.evidence}
    )
    for lookup in lookups:
        claims = _claims_of(lookup, chosen) if chosen and chosen["lookup"] == lookup.pk else None
        outcome = Outcome.REJECTED if claims is None else Outcome.FOUND
        item.outcomes[lookup.source.slug] = {
            "outcome": outcome, "reason": "a person decided", "lookup": lookup.pk, "claims": len(claims or ()),
        }  # fmt: skip
        if owner is None:
            continue
        answer = Answer(
            record=owner, source=lookup.source_id, at=lookup.sent_at or bulk.clock(), lookup=lookup.pk, key=lookup.key,
            outcome=outcome, claims=claims or (), is_special=lookup.source.slug in item.run.source_settings,
        )  # fmt: skip
        record(run=item.run_id, kind=kind, answers=[answer])
    item.state = RunItem.State.DISCARDED if owner is None else RunItem.State.COMPLETED


def _claims_of(lookup: Lookup, chosen: dict[str, Any]) -> tuple[CleanClaim, ...]:
    """What the chosen finding of a kept answer claims, read and cleaned anew."""
    catalogue = {**BY_SLUG, **{row.slug: row.as_attribute() for row in CustomAttribute.objects.all()}}
    findings = (
        registry.get(lookup.source.adapter)
        .configured(lookup.source.settings)
        .parse(payload_of(lookup), catalogue)
    )
    if chosen["finding"] >= len(findings):
        raise ReviewRefused("The kept answer is read differently by now; run this item again.")
    return clean_claims(findings[chosen["finding"]], catalogue).claims
