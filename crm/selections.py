"""Which records somebody means: by ids, by a sheet, by a profile, or by their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from crm.models import Account, Contact, IdealCustomerProfile, Record, Sheet, SheetEntry
from crm.profiles import asked_in
from enrichment.names import attribute_called, sources_called
from enrichment.queries import filter_by_value
from sources.attributes import Kind


class SelectionRefused(ValueError):
    """Nobody can be meant so; str() is one sentence, `field` names what is to blame."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that are meant, and what is wanted of them; empty `wanted` or `sources` means all."""

    kind: Kind
    records: QuerySet[Any]
    wanted: tuple[str, ...]
    sources: tuple[str, ...]
    sheet: Sheet | None
    profile: IdealCustomerProfile | None


def select(told: Mapping[str, Any]) -> Selection:
    """Read a selection: one of entity_ids, account_ids, contact_ids, sheet, profile, or `filters` alone.

    `kind` says which records of a profile, or of filters alone, are meant. Raises SelectionRefused.
    """
    sheet, profile = told.get("sheet"), told.get("profile")
    kind, rows = _chosen(told, sheet, profile)
    for wish in told.get("filters") or ():
        rows = _narrowed(kind, rows, wish)
    return Selection(
        kind, rows, tuple(_wanted(kind, told, sheet, profile)), tuple(_sources(told)), sheet, profile
    )


def _chosen(
    told: Mapping[str, Any], sheet: Sheet | None, profile: IdealCustomerProfile | None
) -> tuple[Kind, QuerySet[Any]]:
    named = [name for name in ("entity_ids", "account_ids", "contact_ids") if told.get(name)]
    if len(named) > 1 or (named and sheet):
        raise SelectionRefused(
            "Say in one way which records are meant: ids of one kind, or a sheet.", "entity_ids"
        )
    if named == ["entity_ids"]:
        return _of_entities(told["entity_ids"])
    if named:
        kind = Kind.ACCOUNT if named == ["account_ids"] else Kind.CONTACT
        return kind, _model(kind).objects.filter(pk__in=told[named[0]])
    kind = Kind(sheet.kind) if sheet else told.get("kind") or Kind.ACCOUNT
    entries = SheetEntry.objects.filter(**{f"{kind.value}__isnull": False})
    if sheet:
        entries = entries.filter(sheet=sheet)
    elif profile:
        entries = entries.filter(sheet__profile=profile)
    elif told.get("filters"):
        return kind, _model(kind).objects.all()
    else:
        raise SelectionRefused(
            "Say which records are meant: entity_ids, account_ids, contact_ids, sheet_id, icp_id or filters."
        )
    return kind, _model(kind).objects.filter(pk__in=entries.values(kind.value))


def _of_entities(ids: Sequence[int]) -> tuple[Kind, QuerySet[Any]]:
    found = SheetEntry.objects.filter(pk__in=ids)
    kinds = set(found.values_list("sheet__kind", flat=True).distinct())
    if len(kinds) != 1:
        text = (
            "Companies and people are enriched in runs of their own."
            if kinds
            else "There are no such entities."
        )
        raise SelectionRefused(text, "entity_ids")
    kind = Kind(kinds.pop())
    return kind, _model(kind).objects.filter(pk__in=found.values(kind.value))


def _narrowed(kind: Kind, rows: QuerySet[Any], wish: Mapping[str, Any]) -> QuerySet[Any]:
    try:
        slug = attribute_called(wish["attribute"], kind).slug
        return filter_by_value(rows, slug, wish["op"], wish.get("value") or "")
    except ValueError as refused:
        raise SelectionRefused(str(refused), "filters") from None


def _wanted(
    kind: Kind, told: Mapping[str, Any], sheet: Sheet | None, profile: IdealCustomerProfile | None
) -> list[str]:
    """The attributes named, else those that the sheet or the profile asks for."""
    if told.get("attributes"):
        try:
            slugs = [attribute_called(name, kind).slug for name in told["attributes"]]
        except ValueError as unknown:
            raise SelectionRefused(str(unknown), "attributes") from None
    elif sheet or profile:
        asked = asked_in(sheet or Sheet(kind=kind.value, profile=profile))
        slugs = list(asked.values())
    else:
        slugs = []
    return list(dict.fromkeys(slugs))


def _sources(told: Mapping[str, Any]) -> list[str]:
    try:
        return sources_called(told.get("sources") or ())
    except ValueError as unknown:
        raise SelectionRefused(str(unknown), "sources") from None


def _model(kind: Kind) -> Any:
    model: type[Record] = Account if kind is Kind.ACCOUNT else Contact
    return model
