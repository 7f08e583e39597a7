"""Attributes that are asked for by name: those nobody knows yet are made, as text unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from enrichment.models import CustomAttribute
from enrichment.models.attribute import BOTH
from enrichment.names import custom_attributes
from sources.attributes import Attribute, Kind, Type, find, slug_of

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """An attribute somebody asks for: the name they use, what they mean by it, and its type."""

    name: str
    description: str = ""
    type: Type = Type.TEXT


def ensure_attributes(kind: Kind, asked: Iterable[Asked]) -> dict[str, str]:
    """The attribute each name means, by name; one that nobody knows becomes a custom attribute.

    Raises ValueError with one sentence for a name that can be no attribute.
    """
    known = custom_attributes()
    slugs: dict[str, str] = {}
    for each in asked:
        attribute = find(each.name, kind, known)
        if attribute is None:
            attribute = _make(kind, each, known)
            known.append(attribute)
        slugs[each.name] = attribute.slug
    return slugs


def known_attributes(kind: Kind, names: Iterable[str], custom: Iterable[Attribute]) -> dict[str, str]:
    """The attribute each name means, by name; names that nobody knows are left out."""
    custom = tuple(custom)
    found: Mapping[str, Attribute | None] = {name: find(name, kind, custom) for name in names}
    return {name: attribute.slug for name, attribute in found.items() if attribute}


def _make(kind: Kind, asked: Asked, known: Iterable[Attribute]) -> Attribute:
    slug = slug_of(asked.name)[:_LONGEST]
    if not slug or not slug[0].isalpha():
        raise ValueError(f"'{asked.name[:60]}' can be no attribute: a name begins with a letter from a to z.")
    if slug in {each.slug for each in known}:  # of the other kind of records
        CustomAttribute.objects.filter(slug=slug).update(kind=BOTH)
        return CustomAttribute.objects.get(slug=slug).as_attribute()
    row = CustomAttribute(
        slug=slug, label=asked.name.strip()[:100], kind=kind.value, type=asked.type.value,
        description=asked.description[:2000],
    )  # fmt: skip
    try:
        row.full_clean()
    except ValidationError as error:
        raise ValueError(f"'{asked.name[:60]}' can be no attribute: {' '.join(error.messages)}") from None
    row.save()
    return row.as_attribute()
