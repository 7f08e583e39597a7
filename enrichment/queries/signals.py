"""Signals as lists, the REST API and webhooks show them: those that stand, with both values and their references."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.models import Record, SheetEntry
from enrichment.models import AttributeValue, Signal
from enrichment.queries.catalogue import describe
from sources.attributes import Attribute, Kind
from sources.display import display


@dataclass(frozen=True, slots=True)
class SignalValue:
    """One of the two values of a signal."""

    value: Any
    display: str
    references: tuple[str, ...]
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownSignal:
    """A signal with all that is told of it; `entries` are its record's places in sheets, `old` may be None.

    `profile` is that of its rule, else of the first sheet the record stands in.
    """

    id: int
    kind: Kind
    record: Any
    entries: tuple[int, ...]
    profile: int | None
    type: str
    type_label: str
    strength: str
    summary: str
    attribute: Attribute
    rule: str
    old: SignalValue | None
    new: SignalValue
    run: int
    created_at: datetime

    @property
    def references(self) -> tuple[str, ...]:
        """Of the value now, then of the one before."""
        before = self.old.references if self.old else ()
        return tuple(dict.fromkeys((*self.new.references, *before)))


def find_signals(
    *,
    record: Record | None = None,
    run: int | None = None,
    profile: int | None = None,
    entry: int | None = None,
    external_id: str = "",
    types: Collection[str] = (),
    strengths: Collection[str] = (),
    days: int | None = None,
    search: str = "",
) -> QuerySet[Signal]:
    """The signals that stand and fit all that is given, newest first; what is left out does not restrict.

    `profile`: its record stands in a sheet of the profile. `entry`: its record's place in a sheet.
    """
    found = Signal.objects.filter(run__undone_at=None)
    if record is not None:
        found = found.filter(**{record.kind.value: record})
    if run is not None:
        found = found.filter(run=run)
    for wanted in (profile and {"sheet__profile": profile}, entry and {"pk": entry}):
        if wanted:
            entries = SheetEntry.objects.filter(**wanted)
            found = found.filter(
                Q(account__in=entries.exclude(account=None).values("account"))
                | Q(contact__in=entries.exclude(contact=None).values("contact"))
            )
    if external_id:
        found = found.filter(Q(account__external_id=external_id) | Q(contact__external_id=external_id))
    if types:
        found = found.filter(type__in=list(types))
    if strengths:
        found = found.filter(strength__in=list(strengths))
    if days is not None:
        found = found.filter(created_at__gte=timezone.now() - timedelta(days=days))
    if search:
        found = found.filter(summary__icontains=search)
    return found.order_by("-id")


def show_signals(signals: Iterable[Signal]) -> list[ShownSignal]:
    """Signals with all that is told of them, in the order given (two queries, three with custom attributes)."""
    ids = [each.pk for each in signals]
    related = ("account", "contact", "rule", "old__source", "new__source")
    unread = (f"{kind}__{column}" for kind in Kind for column in ("current_values", "comments"))
    rows = Signal.objects.select_related(*related).defer(*unread).in_bulk(ids)
    found = [rows[pk] for pk in ids if pk in rows]
    attributes = describe({row.attribute for row in found})
    entries = _entries(found)
    return [_shown(row, attributes[row.attribute], entries) for row in found]


_Entries = dict[tuple[str, int], list[tuple[int, int | None]]]


def _entries(signals: Sequence[Signal]) -> _Entries:
    """Of each record its places in sheets, with the profile of each sheet."""
    of_accounts = [row.account_id for row in signals if row.account_id]
    of_contacts = [row.contact_id for row in signals if row.contact_id]
    rows = SheetEntry.objects.filter(Q(account__in=of_accounts) | Q(contact__in=of_contacts)).order_by("pk")
    found: _Entries = defaultdict(list)
    for pk, account, contact, profile in rows.values_list("pk", "account", "contact", "sheet__profile"):
        found["account" if account else "contact", account or contact].append((pk, profile))
    return found


def _shown(row: Signal, attribute: Attribute, entries: _Entries) -> ShownSignal:
    record = row.record
    places = entries.get((record.kind.value, record.pk), [])
    profile = row.rule.profile_id if row.rule else None
    return ShownSignal(
        id=row.pk,
        kind=record.kind,
        record=record,
        entries=tuple(pk for pk, _ in places),
        profile=profile or next((each for _, each in places if each), None),
        type=row.type,
        type_label=row.get_type_display(),
        strength=row.strength,
        summary=row.summary,
        attribute=attribute,
        rule=row.rule.name if row.rule else "",
        old=_value(row.old, attribute) if row.old else None,
        new=_value(row.new, attribute),
        run=row.run_id,
        created_at=row.created_at,
    )


def _value(claim: AttributeValue, attribute: Attribute) -> SignalValue:
    return SignalValue(
        claim.value, display(attribute.slug, claim.value, attribute), tuple(claim.references), claim.source.slug,
        claim.first_seen_at,
    )  # fmt: skip
