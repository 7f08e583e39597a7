"""Values of our records for other people's tables: what can be pulled, and the cells of many records at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crm.models import Contact, Record
from crm.reconcile.entities import TYPES, Found, id_of, load, read_id, type_of
from crm.reconcile.queries import BadQuery, TooMany, parse
from enrichment.queries import attributes_of, newest_checks
from sources.attributes import Attribute, Kind, Type

MOST_IDS = 1000
_MOST_PROPERTIES = 100
_CELLS = 20_000
ACCOUNT = "account"
"""The property of a person that is an entity: the account they work at."""

CONTENTS = {
    "value": "the value", "display": "the value as people read it", "source": "which source says so",
    "references": "the references that prove it", "checked": "when its source last confirmed it",
}  # fmt: skip
SETTING: dict[str, Any] = {
    "name": "content", "label": "Content", "type": "select", "default": "value", "help_text": "What the cells hold.",
    "choices": [{"value": value, "name": name} for value, name in CONTENTS.items()],
}  # fmt: skip


def properties_of(kind: Kind | None) -> dict[str, str]:
    """Ids and names of what can be pulled of a kind of records, or of both (a query for each kind)."""
    kinds = [kind] if kind else list(Kind)
    found = {slug: each.label for one in kinds for slug, each in attributes_of(one).items()}
    return found | ({ACCOUNT: TYPES[Kind.ACCOUNT]} if Kind.CONTACT in kinds else {})


def propose(kind: Kind | None, limit: int | None) -> list[dict[str, str]]:
    """The properties offered for a type, in the catalogue's order."""
    found = [{"id": slug, "name": label} for slug, label in properties_of(kind).items()]
    return found[:limit]


def extend(text: str) -> dict[str, Any]:
    """The answer to a data extension query; ids that name nobody have empty cells. Raises BadQuery."""
    told = parse(text, "extend")
    ids, wanted = _ids(told.get("ids")), _properties(told.get("properties"))
    if len(ids) * len(wanted) > _CELLS:
        raise TooMany(f"{_CELLS:,} cells at most are given at once: ask for fewer ids or properties.")
    named = {entity: meant for entity in ids if (meant := read_id(entity))}
    found = load({kind: {pk for each, pk in named.values() if each is kind} for kind in Kind})
    checked = _checked(found) if any(content == "checked" for _, content in wanted) else {}
    catalogue = {slug: each for kind in Kind for slug, each in attributes_of(kind).items()}
    rows: dict[str, dict[str, Any]] = {}
    for entity in ids:
        kind, pk = named.get(entity, (Kind.ACCOUNT, 0))
        record = found[kind].get(pk)
        rows[entity] = {
            slug: _cells(record, slug, content, catalogue, checked) if record else []
            for slug, content in wanted
        }
    return {"meta": [_meta(slug, catalogue) for slug, _ in wanted], "rows": rows}


def _ids(told: Any) -> list[str]:
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise BadQuery("ids must be a list of entity ids.")
    if len(told) > MOST_IDS:
        raise TooMany(f"{MOST_IDS:,} ids at most are answered at once, these are {len(told):,}.")
    return list(dict.fromkeys(told))


def _properties(told: Any) -> list[tuple[str, str]]:
    """The attributes asked for, each with what of it."""
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise BadQuery("properties must be a list of objects with an id.")
    if len(told) > _MOST_PROPERTIES:
        raise TooMany(f"{_MOST_PROPERTIES} properties at most are answered at once.")
    known = properties_of(None)
    wanted: dict[str, str] = {}
    for each in told:
        slug, settings = each.get("id"), each.get("settings") or {}
        if not isinstance(slug, str) or slug not in known:
            raise BadQuery(f"There is no property {str(slug)[:60]}; /properties lists them.")
        content = settings.get("content", "value") if isinstance(settings, dict) else ""
        if content not in CONTENTS:
            raise BadQuery(f"{slug}: content is one of {', '.join(CONTENTS)}.")
        wanted[slug] = content
    return list(wanted.items())


def _checked(found: Found) -> dict[tuple[Kind, int], dict[str, datetime]]:
    """Of each record and source the newest check (a query for each kind)."""
    return {
        (kind, pk): checks
        for kind, records in found.items()
        if records
        for pk, checks in newest_checks(kind, records).items()
    }


def _meta(slug: str, catalogue: Mapping[str, Attribute]) -> dict[str, Any]:
    if slug == ACCOUNT:
        return {"id": slug, "name": TYPES[Kind.ACCOUNT], "type": type_of(Kind.ACCOUNT)}
    return {"id": slug, "name": catalogue[slug].label}


def _cells(
    record: Record, slug: str, content: str, catalogue: Mapping[str, Attribute],
    checked: Mapping[tuple[Kind, int], Mapping[str, datetime]],
) -> Sequence[dict[str, Any]]:  # fmt: skip
    """The values of one property of one record."""
    if slug == ACCOUNT:
        account = record.account if isinstance(record, Contact) else None
        return [{"id": id_of(account), "name": str(account)}] if account else []
    entry = record.current_values.get(slug)
    if entry is None:
        return []
    if content == "references":
        return [{"str": str(each)} for each in entry["references"]]
    if content == "checked":
        made = datetime.fromisoformat(entry["created_at"])
        at = max(made, checked.get((record.kind, record.pk), {}).get(entry["source"], made))
        return [{"date": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}]
    if content != "value":
        return [{"str": str(entry[content])}]
    values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
    return [_cell(value, catalogue[slug].type) for value in values]


def _cell(value: Any, kind: Type) -> dict[str, Any]:
    """One value as the API types it: it knows no yes and no, and dates only with a time."""
    if isinstance(value, bool):
        return {"str": str(value).lower()}
    if isinstance(value, int):
        return {"int": value}
    if isinstance(value, float):
        return {"float": value}
    if kind is Type.DATE:
        return {"date": f"{value}T00:00:00Z"}
    return {"str": str(value)}
