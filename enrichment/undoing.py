"""Undoing a run: a true preview first; records that it made go only when that is asked for and nobody touched them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from crm.models import Account, Contact, SheetEntry
from enrichment import claims, replay, webhooks
from enrichment.claims import Shift
from enrichment.models import AttributeValue, Check, EnrichmentRun, RunItem
from enrichment.runs import RunRefused, cancel
from enrichment.winner import RECORD
from sources.attributes import Kind

PREVIEWED = 2000
"""Records that a preview looks at; undoing more takes as long as it takes."""
MOST_SHOWN = 20
_PAGE = 500
_MODELS: dict[Kind, Any] = {Kind.ACCOUNT: Account, Kind.CONTACT: Contact}


@dataclass
class Preview:
    """What undoing a run would change: `goes`, `comes_back` and `changed` count values of the records `looked_at`.

    `records` and `answers` are the run's own; of the records that it `created` nobody else touched `removable`.
    """

    records: int
    answers: int
    created: int
    removable: int
    looked_at: int = 0
    goes: int = 0
    comes_back: int = 0
    by_attribute: dict[str, int] = field(default_factory=dict)
    first: list[Shift] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether all records were looked at."""
        return self.looked_at >= self.records

    def note(self, shift: Shift) -> None:
        """Count a value that would be another one, or none."""
        self.goes += shift.after is None
        self.comes_back += shift.after is not None
        self.by_attribute[shift.attribute] = self.by_attribute.get(shift.attribute, 0) + 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(shift)


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing did: claims and shown values that changed, records removed."""

    records: int
    claims: int
    current: int
    removed: int


def preview(run: EnrichmentRun, *, most: int = PREVIEWED) -> Preview:
    """What undoing would change, looking at about `most` records; nothing is written."""
    counts = Check.objects.filter(run=run).aggregate(
        records=Count("account", distinct=True) + Count("contact", distinct=True), answers=Count("pk")
    )
    seen = Preview(
        **counts,
        created=sum(_made(run, kind).count() for kind in Kind),
        removable=sum(_untouched(run, kind).count() for kind in Kind),
    )
    if run.undone_at:
        return seen
    for kind in Kind:
        if seen.looked_at >= most:
            break
        for ids, shifts in claims.undo_shifts(run.pk, kind, most=most - seen.looked_at):
            seen.looked_at += len(ids)
            for shift in shifts:
                seen.note(shift)
    return seen


def undo(run: EnrichmentRun, *, remove_created: bool = False) -> Undone:
    """Leave values as if the run's answers had never been recorded; may be repeated after a crash.

    `remove_created`: records that the run made go, unless anybody else touched them.
    """
    undone = claims.undo(run.pk)
    end_follow_up(run)
    replay.offer_again(run)
    removed = sum(_remove(run, kind) for kind in reversed(Kind)) if remove_created else 0
    run.refresh_from_db()
    webhooks.run_undone(run)
    return Undone(undone.records, undone.claims, undone.current, removed)


def end_follow_up(run: EnrichmentRun) -> None:
    """Let the follow-up of a run that was undone ask no more; what it was told already stays until it is undone itself."""
    for follower in EnrichmentRun.objects.filter(follows=run, status__in=EnrichmentRun.OPEN):
        with suppress(RunRefused):
            cancel(follower)


def _remove(run: EnrichmentRun, kind: Kind) -> int:
    """Remove the untouched records of a kind, some at a time."""
    count = 0
    while ids := list(_untouched(run, kind).order_by("pk").values_list("pk", flat=True)[:_PAGE]):
        with transaction.atomic():
            held = _locked(kind, ids)
            gone = _untouched(run, kind).filter(pk__in=held)
            count += gone.count()
            gone.delete()
    return count


def _locked(kind: Kind, ids: list[int]) -> list[int]:
    rows = _MODELS[kind].objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _untouched(run: EnrichmentRun, kind: Kind) -> QuerySet[Any]:
    """The records that the run made and of which nobody else knows anything.

    Touched are those that a person typed something about or edited in the admin, that another run answered or worked on,
    that are on another sheet, and accounts with people who stay; what came with a record is no touch.
    """
    own = {kind.value: OuterRef("pk")}
    others = Q(
        Exists(AttributeValue.objects.filter(run=None, **own).exclude(source__slug=RECORD))
        | Exists(Check.objects.filter(**own).exclude(run=run).filter(run__undone_at=None))
        | Exists(RunItem.objects.filter(**own).exclude(run=run).filter(run__undone_at=None))
        | Exists(SheetEntry.objects.filter(**own).exclude(sheet=run.sheet_id))
        | Exists(_edits(kind))
    )
    records = _made(run, kind).exclude(others)
    if kind is Kind.CONTACT:
        return records
    going = _untouched(run, Kind.CONTACT).values("pk")
    return records.exclude(Exists(Contact.objects.filter(account=OuterRef("pk")).exclude(pk__in=going)))


def _made(run: EnrichmentRun, kind: Kind) -> QuerySet[Any]:
    """The records that the run made: of its items, and of people whom it imported the companies that came with them."""
    records: QuerySet[Any] = _MODELS[kind].objects.all()
    own = {kind.value: OuterRef("pk")}
    made = Q(Exists(RunItem.objects.filter(run=run, has_created_record=True, **own)))
    if kind is Kind.ACCOUNT and run.kind == Kind.CONTACT:
        made |= Q(Exists(Check.objects.filter(run=run, **own)), created_at__gte=run.created_at)
    return records.filter(made)


def _edits(kind: Kind) -> QuerySet[LogEntry]:
    """What people did to a record in the admin."""
    content = ContentType.objects.get_for_model(_MODELS[kind])
    return LogEntry.objects.filter(content_type=content, object_id=Cast(OuterRef("pk"), CharField()))
