"""Ideal customer profiles and their sheets: written, deleted, and read as the attributes they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.models import IdealCustomerProfile, Sheet
from enrichment.asked import Asked, ensure_attributes, known_attributes
from enrichment.names import custom_attributes
from sources.attributes import Kind, Type

KIND_OF = {"company": Kind.ACCOUNT, "person": Kind.CONTACT}
"""What the V1 dialect calls our kinds of records."""

TYPE_OF = {kind: entity_type for entity_type, kind in KIND_OF.items()}
_TEXT_OF = {Kind.ACCOUNT: "account_text", Kind.CONTACT: "contact_text"}
_TYPES = {"integer": Type.INTEGER, "number": Type.DECIMAL, "boolean": Type.BOOLEAN, "array": Type.LIST}


@transaction.atomic
def write_profile(profile: IdealCustomerProfile, told: Mapping[str, Any]) -> IdealCustomerProfile:
    """Set name, description, mode and targets, those that are told; unknown attributes are made.

    Raises ValueError with one sentence.
    """
    for name in ("name", "description", "mode"):
        if told.get(name) is not None:
            setattr(profile, name, told[name])
    if (targets := told.get("entity_targets")) is not None:
        _set_targets(profile, targets)
    profile.save()
    return profile


def _set_targets(profile: IdealCustomerProfile, targets: Sequence[Mapping[str, Any]]) -> None:
    kinds = [KIND_OF[target["entity_type"]] for target in targets]
    if len(set(kinds)) < len(kinds):
        raise ValueError("Name each entity type once.")
    texts = {kind: target["description"] for kind, target in zip(kinds, targets, strict=True)}
    for kind, column in _TEXT_OF.items():
        text = texts.get(kind, "")
        setattr(profile, column, text)
        descriptions = profile.wanted(text)
        names = profile.names(text)
        ensure_attributes(kind, [Asked(name, descriptions[slug]) for name, slug in names.items()])
    kept = ("entity_type", "root", "desired_count", "filters")
    profile.targets = [{name: target[name] for name in kept if name in target} for target in targets]


def targets_of(profile: IdealCustomerProfile) -> list[dict[str, Any]]:
    """The targets as V1 writes them; those of a profile made in the admin follow from its texts."""
    told = {target["entity_type"]: target for target in profile.targets}
    listed = [*told, *(each for each in KIND_OF if each not in told)]
    first = True
    targets: list[dict[str, Any]] = []
    for entity_type in listed:
        text = getattr(profile, _TEXT_OF[KIND_OF[entity_type]])
        if entity_type in told or text:
            known = {"entity_type": entity_type, "root": first, "desired_count": None, "filters": []}
            targets.append(known | told.get(entity_type, {}) | {"description": text})
            first = False
    return targets


@transaction.atomic
def delete_profile(profile: IdealCustomerProfile) -> None:
    """Delete a profile with its sheets, tasks and schedules; every record stays."""
    profile.sheets.all().delete()
    profile.delete()


@transaction.atomic
def sheet_of(profile: IdealCustomerProfile, kind: Kind) -> Sheet:
    """The profile's sheet of a kind of records, the oldest of several; made when it is missing."""
    IdealCustomerProfile.objects.select_for_update().get(pk=profile.pk)
    found = profile.sheets.filter(kind=kind.value).order_by("pk").first()
    if found:
        return found
    what = "companies" if kind is Kind.ACCOUNT else "people"
    return Sheet.objects.create(name=f"{profile.name[:180]}: {what}", kind=kind.value, profile=profile)


@transaction.atomic
def add_fields(sheet: Sheet, fields: Sequence[Mapping[str, Any]]) -> None:
    """Want further attributes in a sheet; a field of the same name is replaced. Raises ValueError."""
    asked = [
        Asked(
            field["name"],
            field.get("description") or "",
            _TYPES.get(field.get("field_type", "string"), Type.TEXT),
        )
        for field in fields
    ]
    ensure_attributes(Kind(sheet.kind), asked)
    locked = Sheet.objects.select_for_update().get(pk=sheet.pk)
    known = {field["name"]: field for field in locked.fields} | {
        field["name"]: dict(field) for field in fields
    }
    _keep_fields(sheet, list(known.values()))


@transaction.atomic
def drop_fields(sheet: Sheet, names: Iterable[str]) -> None:
    """Want some attributes no more; their values stay. Raises ValueError for a name the sheet does not want."""
    locked = Sheet.objects.select_for_update().get(pk=sheet.pk)
    gone = set(names)
    if unknown := sorted(gone - {field["name"] for field in locked.fields}):
        raise ValueError(f"The sheet has no field {unknown[0]} of its own.")
    _keep_fields(sheet, [field for field in locked.fields if field["name"] not in gone])


def _keep_fields(sheet: Sheet, fields: list[dict[str, Any]]) -> None:
    sheet.fields = fields
    Sheet.objects.filter(pk=sheet.pk).update(fields=fields, updated_at=timezone.now())


def asked_in(sheet: Sheet) -> dict[str, str]:
    """What is wanted of a sheet's records: the name as it was asked → attribute slug."""
    return known_attributes(Kind(sheet.kind), names_in(sheet), custom_attributes())


def names_in(sheet: Sheet) -> list[str]:
    """The names under which attributes are wanted of a sheet's records, each once."""
    names = [str(field["name"]) for field in sheet.fields]
    if sheet.profile:
        for name, slug in sheet.profile.names(getattr(sheet.profile, _TEXT_OF[Kind(sheet.kind)])).items():
            names += [name, slug]
    return list(dict.fromkeys(names))
