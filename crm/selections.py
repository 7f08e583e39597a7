"""Which records somebody means: by ids, by a sheet, by a profile, or by their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet

from crm.models import Account, Contact, IdealCustomerProfile, Record, Sheet, SheetEntry
from crm.profiles import asked_in
from enrichment.names import attribute_called, sources_called
from enrichment.people import NAMED_BY
from enrichment.queries import attributes_of, filter_by_value
from enrichment.wishes import wishes_of
from sources.attributes import Kind


class SelectionRefused(ValueError):
    """Nobody can be meant so; str() is one sentence, `field` names what is to blame."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that are meant, and what is wanted of them; empty `wanted` or `sources` means all.

    `next`: what a follow-up asks about the people whom companies name, as `enrichment.wishes` has it.
    """

    kind: Kind
    records: QuerySet[Any]
    wanted: tuple[str, ...]
    sources: tuple[str, ...]
    sheet: Sheet | None
    profile: IdealCustomerProfile | None
    next: Mapping[str, Sequence[str]] = field(default_factory=dict)


def select(told: Mapping[str, Any]) -> Selection:
    """Read a selection: one of entity_ids, account_ids, contact_ids, sheet, profile, or `filters` alone.

    `kind` says which records of a profile, or of filters alone, are meant. Raises SelectionRefused.
    """
    sheet, profile = told.get("sheet"), told.get("profile")
    kind, rows = _chosen(told, sheet, profile)
    for wish in told.get("filters") or ():
        rows = _narrowed(kind, rows, wish)
    wanted = dict.fromkeys(_wanted(kind, told, sheet, profile))
    chosen = Selection(kind, rows, tuple(wanted), tuple(_sources(told)), sheet, profile)
    if kind is Kind.CONTACT:
        return chosen
    return with_people(chosen, attributes=told.get("attributes") or (), sources=told.get("sources") or ())


def with_people(chosen: Selection, *, attributes: Sequence[str], sources: Sequence[str]) -> Selection:
    """A selection of companies with what is asked of the people whom they, or a source that is asked about them, name.

    `attributes` and `sources` are names as they were typed or ticked. Raises SelectionRefused.
    """
    own = attributes_of(Kind.ACCOUNT)
    foreign = [name for name in attributes if attribute_called(name, *Kind).slug not in own]
    if not foreign and not sources:
        return chosen
    leaders = bool(foreign) and chosen.records.filter(current_values__has_any_keys=list(NAMED_BY)).exists()
    try:
        wishes = wishes_of(chosen.kind, attributes=attributes, sources=sources, names_people=leaders)
    except ValueError as unknown:
        raise SelectionRefused(str(unknown), "sources") from None
    if wishes.people and (wishes.sources or not sources):
        wanted = (*(slug for slug in chosen.wanted if slug in own), *NAMED_BY) if chosen.wanted else ()
        return replace(chosen, wanted=wanted, sources=tuple(wishes.sources), next=wishes.next)
    if foreign:
        raise SelectionRefused(
            f"{foreign[0]} is of people, and nobody who is asked says who leads these companies: ask a source that gives "
            "ceo_name, too, or enrich the people.", "attributes",
        )  # fmt: skip
    return chosen


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
    """The attributes named, of companies also those of people; else those that the sheet or the profile asks for."""
    kinds = list(Kind) if kind is Kind.ACCOUNT else [kind]
    if told.get("attributes"):
        try:
            return [attribute_called(name, *kinds).slug for name in told["attributes"]]
        except ValueError as unknown:
            raise SelectionRefused(str(unknown), "attributes") from None
    if sheet or profile:
        return list(asked_in(sheet or Sheet(kind=kind.value, profile=profile)).values())
    return []


def _sources(told: Mapping[str, Any]) -> list[str]:
    try:
        return sources_called(told.get("sources") or ())
    except ValueError as unknown:
        raise SelectionRefused(str(unknown), "sources") from None


def _model(kind: Kind) -> Any:
    model: type[Record] = Account if kind is Kind.ACCOUNT else Contact
    return model
