"""Completions while somebody types: entities, properties and types."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When

from crm.models import Account, Contact
from crm.reconcile.entities import TYPES, describe, load, read_id
from crm.reconcile.entities import id_of as entity_id
from crm.reconcile.extending import properties_of
from sources.attributes import Kind

PAGE = 10
"""Suggestions of one answer."""
MOST_SKIPPED = 1000


def entities(prefix: str, skip: int, kind: Kind | None) -> list[dict[str, Any]]:
    """Records whose name, domain or address begins like this, then those that hold it; an id names its record."""
    if named := read_id(prefix):
        found = load({named[0]: {named[1]}})[named[0]]
        return [_entity(record) for record in found.values()][skip:]
    if not prefix:
        return []
    rows = [record for one in ([kind] if kind else Kind) for record in _matching(one, prefix, skip + PAGE)]
    rows.sort(key=lambda record: (record.place, record.name.casefold(), record.kind, record.pk))
    return [_entity(record) for record in rows[skip : skip + PAGE]]


def properties(prefix: str, skip: int, kind: Kind | None) -> list[dict[str, Any]]:
    """Properties whose id or name holds a text, those that begin with it first."""
    return _near(properties_of(kind), prefix, skip)


def types(prefix: str, skip: int) -> list[dict[str, Any]]:
    """Types whose id or name holds a text."""
    return _near({kind.value: name for kind, name in TYPES.items()}, prefix, skip)


def _near(known: dict[str, str], prefix: str, skip: int) -> list[dict[str, Any]]:
    text = prefix.casefold()
    found = [
        (not (slug.startswith(text) or name.casefold().startswith(text)), slug, name)
        for slug, name in known.items()
        if text in slug or text in name.casefold()
    ]
    found.sort(key=lambda each: each[0])
    return [{"id": slug, "name": name} for _, slug, name in found[skip : skip + PAGE]]


def _matching(kind: Kind, prefix: str, most: int) -> list[Any]:
    rows: Any = Account.objects if kind is Kind.ACCOUNT else Contact.objects.select_related("account")
    begins = Q(name__istartswith=prefix) | Q(domain__istartswith=prefix) | Q(email__istartswith=prefix)
    place = Case(When(begins, then=Value(0)), default=Value(1), output_field=IntegerField())
    found = rows.filter(begins | Q(name__icontains=prefix)).annotate(place=place)
    return list(found.order_by("place", "name", "pk")[:most])


def _entity(record: Any) -> dict[str, Any]:
    notable = [{"id": record.kind.value, "name": TYPES[record.kind]}]
    return {"id": entity_id(record), "name": str(record), "description": describe(record), "notable": notable}
