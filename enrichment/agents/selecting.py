"""Which records a tool is about: ids, a text, conditions on values, a sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from crm.models import Account, Contact, Sheet
from crm.reconcile.entities import load, read_id
from crm.selections import Selection, SelectionRefused, select
from enrichment.agents.tools import WORDS, ToolRefused
from enrichment.names import attribute_called
from enrichment.queries import Op, filter_by_value
from sources.attributes import Attribute, Kind

KIND: dict[str, Any] = {
    "enum": [kind.value for kind in Kind],
    "description": "Companies (account, the default) or people (contact).",
}
TEXT: dict[str, Any] = {
    "type": "string",
    "maxLength": 200,
    "description": "Part of a name, domain or e-mail address.",
}
CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "attribute": {
            "type": "string",
            "maxLength": 60,
            "description": "Slug or other name, see list_attributes.",
        },
        "op": {"enum": list(Op.values)},
        "value": {"type": "string", "maxLength": 500, "description": "Numbers as 50, dates as 2026-10-01."},
    },
    "required": ["attribute", "op"],
    "additionalProperties": False,
}
FILTERS: dict[str, Any] = {
    "type": "array",
    "items": CONDITION,
    "maxItems": 20,
    "description": "All of them must hold.",
}
IDS: dict[str, Any] = {
    "type": "array", "items": {"type": "string", "maxLength": 40}, "maxItems": 500,
    "description": "Record ids such as account-12, of one kind.",
}  # fmt: skip
SHEET: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 2**63 - 1,
    "description": "The number of a sheet.",
}
SELECTION: dict[str, Any] = {"ids": IDS, "sheet": SHEET, "kind": KIND, "filters": FILTERS}
WISHES: dict[str, Any] = {
    "attributes": WORDS | {"description": "Attributes wanted; all when left out."},
    "sources": WORDS | {"description": "Sources that may be asked; all that are on when left out."},
}


def kind_of(told: Mapping[str, Any]) -> Kind:
    """The kind of records a call is about: the one it names, else the sheet's, else companies."""
    if told.get("sheet") and not told.get("kind"):
        return Kind(sheet(told["sheet"]).kind)
    return Kind(told.get("kind") or Kind.ACCOUNT)


def attribute(name: str, kind: Kind) -> Attribute:
    """The attribute that a name means; raises ToolRefused."""
    try:
        return attribute_called(name, kind)
    except ValueError as unknown:
        raise ToolRefused(f"{unknown} list_attributes shows them all.") from None


def found(kind: Kind, told: Mapping[str, Any]) -> QuerySet[Any]:
    """The records of a kind that a text, conditions and a sheet leave; all without any. Raises ToolRefused."""
    rows: QuerySet[Any] = Account.objects.all() if kind is Kind.ACCOUNT else Contact.objects.all()
    if text := str(told.get("text") or "").strip():
        rows = rows.filter(Q(name__icontains=text) | Q(domain__icontains=text) | Q(email__icontains=text))
    if number := told.get("sheet"):
        rows = rows.filter(entries__sheet=sheet(number))
    for each in told.get("filters") or ():
        slug = attribute(each["attribute"], kind).slug
        try:
            rows = filter_by_value(rows, slug, each["op"], each.get("value") or "")
        except ValueError as refused:
            raise ToolRefused(f"{refused} Write the filter another way.") from None
    return rows


def sheet(number: int) -> Sheet:
    """The sheet of a number; raises ToolRefused."""
    row = Sheet.objects.select_related("profile").filter(pk=number).first()
    if row is None:
        names = ", ".join(f"{pk} {name}" for pk, name in Sheet.objects.values_list("pk", "name")[:10])
        raise ToolRefused(f"There is no sheet {number}. There are: {names or 'none'}.")
    return row


def record(name: str) -> Any:
    """The record of an id; raises ToolRefused."""
    named = read_id(name)
    row = load({named[0]: {named[1]}})[named[0]].get(named[1]) if named else None
    if row is None:
        raise ToolRefused(f"There is no record {name[:40]}. find_records gives ids such as account-12.")
    return row


def selection(told: Mapping[str, Any]) -> Selection:
    """The records that are to be enriched, and what is wanted of them; raises ToolRefused."""
    named: dict[Kind, list[int]] = {}
    for each in told.get("ids") or ():
        if (meant := read_id(each)) is None:
            raise ToolRefused(f"{each[:40]} is no record id; find_records gives ids such as account-12.")
        named.setdefault(meant[0], []).append(meant[1])
    wish: dict[str, Any] = {f"{kind.value}_ids": ids for kind, ids in named.items()}
    wish |= {name: told[name] for name in ("filters", "attributes", "sources") if told.get(name)}
    wish |= {"kind": kind_of(told)} | ({"sheet": sheet(told["sheet"])} if told.get("sheet") else {})
    try:
        return select(wish)
    except SelectionRefused as refused:
        raise ToolRefused(f"{refused} Give `ids`, a `sheet`, or `filters`.") from None
