"""What Wikidata answers, in both its shapes, as entities with statements: SPARQL rows and `wbgetentities`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sources.vendors.json_answers import mapping, mappings, text, texts

_ID = re.compile(r"(?:https?://www\.wikidata\.org/entity/)?([QP][1-9]\d{0,11})", re.ASCII)
YEAR = 9
"""The precision of a date (wikiba.se/ontology) from which on its year is known; below it are decades and centuries."""


_NAMED_COUNTRIES = """
Q30 United States|Q145 United Kingdom|Q16 Canada|Q408 Australia|Q664 New Zealand|Q27 Ireland|Q183 Germany|Q142 France
Q38 Italy|Q29 Spain|Q45 Portugal|Q55 Netherlands|Q31 Belgium|Q32 Luxembourg|Q39 Switzerland|Q40 Austria|Q34 Sweden
Q20 Norway|Q35 Denmark|Q33 Finland|Q189 Iceland|Q36 Poland|Q213 Czech Republic|Q214 Slovakia|Q28 Hungary|Q218 Romania
Q219 Bulgaria|Q41 Greece|Q43 Turkey|Q215 Slovenia|Q224 Croatia|Q403 Serbia|Q191 Estonia|Q211 Latvia|Q37 Lithuania
Q212 Ukraine|Q159 Russia|Q229 Cyprus|Q233 Malta|Q801 Israel|Q878 United Arab Emirates|Q851 Saudi Arabia|Q79 Egypt
Q258 South Africa|Q1033 Nigeria|Q114 Kenya|Q17 Japan|Q148 China|Q884 South Korea|Q865 Taiwan|Q8646 Hong Kong|Q668 India
Q843 Pakistan|Q252 Indonesia|Q833 Malaysia|Q334 Singapore|Q881 Vietnam|Q869 Thailand|Q928 Philippines|Q96 Mexico
Q155 Brazil|Q414 Argentina|Q298 Chile|Q739 Colombia|Q419 Peru
"""
COUNTRIES: Mapping[str, str] = {
    code: name
    for code, _, name in (
        each.partition(" ") for each in _NAMED_COUNTRIES.strip().replace("\n", "|").split("|")
    )
}
"""Countries by their items, since an item's own answer does not say what the items it names are called."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: the property, its value as text (an item's id, a number, a date), the item's label.

    `since`, `at` and `is_over` come from the qualifiers P580, P585 and P582; `unit` is an item's id; `ticker` is P249;
    `land` is the country and `profile` the LinkedIn profile of the value, where the query asked for them.
    """

    property: str
    value: str
    label: str = ""
    is_preferred: bool = False
    since: str = ""
    at: str = ""
    is_over: bool = False
    unit: str = ""
    ticker: str = ""
    land: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """An item: id, English label and description, other names, the domains it was asked with, its statements."""

    id: str
    name: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    statements: list[Statement] = field(default_factory=list)

    def best(self, name: str) -> list[Statement]:
        """The statements on the property that still hold: the preferred ones, else all; without twins, by value."""
        held = [each for each in self.statements if each.property == name and not each.is_over]
        chosen = [each for each in held if each.is_preferred] or held
        return sorted({each.value: each for each in reversed(chosen)}.values(), key=_by_age)


def item_id(value: Any) -> str:
    """The id in an id or in an item's address, else ""."""
    found = _ID.fullmatch(text(value))
    return found[1] if found else ""


def read_rows(rows: Sequence[Mapping[str, Any]]) -> list[Entity]:
    """The entities of the rows of a SELECT with one statement in each row."""
    entities: dict[str, Entity] = {}
    for row in rows:
        id_, name = item_id(cell(row, "item")), cell(row, "itemLabel")
        if not id_:
            continue
        entity = entities.setdefault(
            id_,
            Entity(
                id=id_,
                # The label service writes the id where there is no label.
                name="" if name == id_ else name,
                description=cell(row, "itemDescription"),
                asked=tuple(texts([cell(row, "domain")])),
            ),
        )
        if statement := _row_statement(row):
            entity.statements.append(statement)
    return list(entities.values())


def read_entities(entities: Mapping[str, Any]) -> list[Entity]:
    """The entities of `wbgetentities` that have statements; labels of others in the answer name their values."""
    found = [entity for entity in entities.values() if isinstance(entity, dict)]
    labels = {text(entity.get("id")): _english(entity.get("labels")) for entity in found}
    read = []
    for entity in found:
        id_, statements = item_id(entity.get("id")), mapping(entity.get("claims"))
        if not id_ or not statements:
            continue
        aliases = mappings(mapping(entity.get("aliases")).get("en"))
        read.append(
            Entity(
                id=id_,
                name=_english(entity.get("labels")),
                description=_english(entity.get("descriptions")),
                aliases=tuple(texts([alias.get("value") for alias in aliases])),
                statements=list(_entity_statements(statements, labels)),
            )
        )
    return read


def cell(row: Mapping[str, Any], name: str) -> str:
    """The text of a variable in a row, "" when it is unbound or a blank node."""
    cell = mapping(row.get(name))
    shown = text(cell.get("value"))
    return "" if cell.get("type") == "bnode" or "/.well-known/genid/" in shown else shown


def _row_statement(row: Mapping[str, Any]) -> Statement | None:
    name, value = item_id(cell(row, "property")), cell(row, "value")
    precision = cell(row, "precision")
    if not name or not value or (precision.isdigit() and int(precision) < YEAR):
        return None
    item, label, land = item_id(value), cell(row, "valueLabel"), cell(row, "landLabel")
    return Statement(
        property=name,
        value=item or value,
        label="" if item_id(label) else label,
        is_preferred=cell(row, "rank").endswith("PreferredRank"),
        since=cell(row, "since"),
        at=cell(row, "at"),
        is_over=bool(mapping(row.get("end"))),
        unit=item_id(cell(row, "unit")),
        ticker=cell(row, "ticker"),
        land="" if item_id(land) else land,
        profile=cell(row, "profile"),
    )


def _entity_statements(claims: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Statement]:
    for name, statements in claims.items():
        for statement in mappings(statements):
            value, unit = _snak(statement.get("mainsnak"))
            if not value or statement.get("rank") == "deprecated":
                continue
            qualifiers = mapping(statement.get("qualifiers"))
            yield Statement(
                property=name,
                value=value,
                label=labels.get(value) or COUNTRIES.get(value, ""),
                is_preferred=statement.get("rank") == "preferred",
                since=_qualifier(qualifiers, "P580"),
                at=_qualifier(qualifiers, "P585"),
                is_over="P582" in qualifiers,
                unit=unit,
                ticker=_qualifier(qualifiers, "P249"),
                land=COUNTRIES.get(_qualifier(qualifiers, "P17"), ""),
            )


def _qualifier(qualifiers: Mapping[str, Any], name: str) -> str:
    return next((value for snak in mappings(qualifiers.get(name)) if (value := _snak(snak)[0])), "")


def _snak(snak: Any) -> tuple[str, str]:
    """The value of a snak as text and its unit; "" for unknown values and for dates without a year."""
    value = mapping(mapping(snak).get("datavalue")).get("value")
    if not isinstance(value, dict):
        return text(value), ""
    if "time" in value:
        precision = value.get("precision")
        is_known = not isinstance(precision, int) or precision >= YEAR
        return text(value.get("time")) if is_known else "", ""
    if "amount" in value:
        return text(value.get("amount")), item_id(value.get("unit"))
    return item_id(value.get("id")) or text(value.get("text")), ""


def _english(words: Any) -> str:
    words = mapping(words)
    return text(mapping(words.get("en")).get("value")) or text(mapping(words.get("mul")).get("value"))


def _by_age(statement: Statement) -> tuple[int, str]:
    """Items by the number of their id, so that the order does not change between answers; then other values."""
    digits = statement.value[1:]
    return (int(digits), "") if item_id(statement.value) and digits.isdigit() else (0, statement.value)
