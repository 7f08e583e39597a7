"""Other forms in which Wikidata answers: rows with a column for each fact, as people write their own queries, and the
REST API's items. Both as the entities of `sources.vendors.wikidata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sources.vendors.json_answers import mapping, mappings, text, texts
from sources.vendors.wikidata import COUNTRIES, YEAR, Entity, Statement, cell, item_id

_ITEMS = (
    "item",
    "company",
    "organization",
    "organisation",
    "org",
    "business",
    "enterprise",
    "entity",
    "firm",
)
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "P856": ("website", "officialwebsite", "url", "homepage", "site", "web"),
    "P1128": ("employees", "employeecount", "numberofemployees", "headcount", "staff"),
    "P571": ("inception", "founded", "foundingdate", "foundeddate", "founding", "established"),
    "P169": ("ceo", "chiefexecutive", "chiefexecutiveofficer"),
    "P159": ("headquarters", "hq", "headquarterslocation", "hqlocation", "headquarter", "seat"),
    "P452": ("industry", "sector"),
    "P17": ("country",),
    "P249": ("ticker", "tickersymbol", "stocksymbol"),
    "P1278": ("lei",),
    "P4264": ("linkedin", "linkedinid"),
    "P2002": ("twitter", "twitterusername"),
    "P2013": ("facebook", "facebookid"),
    "P5531": ("cik",),
}
"""What people call a fact's column."""
_PROPERTY = {name: code for code, names in _COLUMNS.items() for name in names}
_ONLY_YEAR = re.compile(r"[12]\d{3}", re.ASCII)


def read_columns(rows: Sequence[Mapping[str, Any]]) -> list[Entity]:
    """The entities of rows that have a column for each fact; an item may stand in several rows."""
    found: dict[str, Entity] = {}
    for row in rows:
        column = next((name for name in _ITEMS if item_id(cell(row, name))), "")
        name = cell(row, f"{column}Label") or cell(row, "name") or cell(row, "label")
        if not column or not name or item_id(name):
            continue
        id_ = item_id(cell(row, column))
        described = cell(row, f"{column}Description") or cell(row, "description")
        entity = found.setdefault(id_, Entity(id=id_, name=name, description=described))
        entity.statements.extend(each for each in _facts(row) if each not in entity.statements)
    return list(found.values())


def _facts(row: Mapping[str, Any]) -> Iterator[Statement]:
    told: set[str] = set()
    for column in row:
        base = column.removesuffix("Label")
        code = _PROPERTY.get(base.lower().replace("_", ""))
        label = cell(row, f"{base}Label")
        value = cell(row, base) or label
        if not code or code in told or not value:
            continue
        told.add(code)
        value = f"{value}-01-01" if code == "P571" and _ONLY_YEAR.fullmatch(value) else value
        shown = label or value
        yield Statement(property=code, value=item_id(value) or value, label="" if item_id(shown) else shown)


def read_item(item: Mapping[str, Any]) -> Entity | None:
    """The entity of an item of the REST API (`/entities/items/Q1`); None for what is none."""
    id_, labels = item_id(item.get("id")), mapping(item.get("labels"))
    if not id_ or not isinstance(item.get("statements"), dict):
        return None
    statements = [
        each
        for name, given in item["statements"].items()
        for one in mappings(given)
        if (each := _statement(str(name), one))
    ]
    return Entity(
        id=id_,
        name=text(labels.get("en")) or text(labels.get("mul")),
        description=text(mapping(item.get("descriptions")).get("en")),
        aliases=tuple(texts(mapping(item.get("aliases")).get("en"))),
        statements=statements,
    )


def _statement(name: str, given: Mapping[str, Any]) -> Statement | None:
    value, unit = _content(given.get("value"))
    if not value or given.get("rank") == "deprecated":
        return None
    qualifiers: dict[str, str] = {}
    for each in mappings(given.get("qualifiers")):
        said = _content(each.get("value"))[0]
        qualifiers.setdefault(text(mapping(each.get("property")).get("id")), said or "?")
    return Statement(
        property=name,
        value=value,
        label=COUNTRIES.get(value, ""),
        is_preferred=given.get("rank") == "preferred",
        since=qualifiers.get("P580", ""),
        at=qualifiers.get("P585", ""),
        is_over="P582" in qualifiers,
        unit=unit,
        ticker=qualifiers.get("P249", ""),
        land=COUNTRIES.get(qualifiers.get("P17", ""), ""),
    )


def _content(value: Any) -> tuple[str, str]:
    """The value as text and its unit; "" for unknown ones and for dates without a year."""
    content = mapping(value).get("content")
    if not isinstance(content, dict):
        return text(content), ""
    if "time" in content:
        precision = content.get("precision")
        return text(content["time"]) if not isinstance(precision, int) or precision >= YEAR else "", ""
    return text(content.get("amount")) or text(content.get("text")), item_id(content.get("unit"))
