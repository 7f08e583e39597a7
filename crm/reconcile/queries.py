"""Reconciliation queries read: who is looked for, among which records, and what else is told of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crm.reconcile.entities import TYPES, read_id
from enrichment.names import custom_attributes
from sources.attributes import BY_SLUG, IDENTITY, Attribute, Kind, find, identity_slug
from sources.cleaning import Refused, clean, domain, linkedin_url
from sources.contract import Subject

MOST_QUERIES = 50
"""Queries of one batch."""
MOST_CANDIDATES = 25
_CANDIDATES = 5
_LONGEST = 500
_MOST_PROPERTIES = 50
_MOST_TEXT = 2_000_000  # characters of one request
_HALF = re.compile("[\ud800-\udfff]")


class BadQuery(ValueError):
    """The request cannot be understood; the text says why."""


class TooMany(BadQuery):
    """More than is answered at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """A property of a query: its id as the client wrote it, the attribute, and the values that are looked for."""

    id: str
    slug: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One query about one kind of records.

    `record` is the id when an entity id is asked for, `company` an account that a person is said to be at.
    """

    subject: Subject
    told: tuple[Told, ...]
    record: int | None = None
    company: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One query: what is asked of each kind, and how many candidates are wanted."""

    asked: Mapping[Kind, Asked]
    limit: int


def parse(text: str, what: str) -> dict[str, Any]:
    """A JSON object of a form or query string; raises BadQuery."""
    if len(text) > _MOST_TEXT:
        raise TooMany(f"{what} is longer than {_MOST_TEXT:,} characters: send less at once.")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise BadQuery(f"{what} is no JSON.") from None
    if not isinstance(told, dict):
        raise BadQuery(f"{what} must be a JSON object.")
    if _HALF.search(json.dumps(told, ensure_ascii=False)):
        raise BadQuery(f"{what} holds half of a character, which no answer can repeat.")
    return told


def read_batch(text: str) -> dict[str, Query]:
    """The queries of a batch by their keys (one query for custom attributes); raises BadQuery."""
    batch = parse(text, "queries")
    if len(batch) > MOST_QUERIES:
        raise TooMany(f"A batch holds {MOST_QUERIES} queries at most, this one {len(batch)}.")
    custom = custom_attributes()
    return {key: _read(key, told, custom) for key, told in batch.items()}


def _read(key: str, told: Any, custom: Iterable[Attribute]) -> Query:
    if not isinstance(told, dict):
        raise BadQuery(f"{key}: a query is a JSON object.")
    text = told.get("query") or ""
    properties = told.get("properties") or []
    if not isinstance(text, str):
        raise BadQuery(f"{key}: query must be a text.")
    if not isinstance(properties, list) or len(properties) > _MOST_PROPERTIES:
        raise BadQuery(f"{key}: properties must be a list of {_MOST_PROPERTIES} at most.")
    kinds, text = _kinds(key, told.get("type")), text.strip()[:_LONGEST]
    asked = {kind: _asked(key, kind, text, properties, custom) for kind in kinds}
    return Query(asked, _limit(key, told.get("limit")))


def _kinds(key: str, told: Any) -> list[Kind]:
    """The kinds of the types asked for; of types nobody here has, there are none."""
    if not told:
        return list(Kind)
    types = told if isinstance(told, list) else [told]
    names = [each.get("id") if isinstance(each, dict) else each for each in types]
    if not all(isinstance(name, str) for name in names):
        raise BadQuery(f"{key}: type must be a type id or a list of them: {', '.join(TYPES)}.")
    return [kind for kind in Kind if kind.value in names]


def _limit(key: str, told: Any) -> int:
    if told is None:
        return _CANDIDATES
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told) or told < 1:
        raise BadQuery(f"{key}: limit must be a positive number.")
    return min(int(told), MOST_CANDIDATES)


def _asked(key: str, kind: Kind, text: str, properties: Iterable[Any], custom: Iterable[Attribute]) -> Asked:
    facts: dict[str, str] = {}
    told: list[Told] = []
    company: int | None = None
    for each in properties:
        if not isinstance(each, dict) or not isinstance(each.get("pid"), str) or "v" not in each:
            raise BadQuery(f"{key}: a property has a pid and a v.")
        values = each["v"] if isinstance(each["v"], list) else [each["v"]]
        attribute = find(each["pid"], kind, custom)
        company = company or _company(kind, each["pid"], values)
        if attribute is None:
            continue
        column = _column(kind, attribute.slug)
        read = (_value(attribute, raw, is_key=bool(column)) for raw in values)
        known = tuple(value for value in read if value not in (None, "", []))
        told.append(Told(each["pid"], attribute.slug, known))
        if column and known and column not in facts:
            facts[column] = str(known[0])
    named = read_id(text)
    record = named[1] if named and named[0] is kind else None
    if record is None:
        facts = _keys_in(kind, text) | facts | ({"name": text} if text else {})
    subject = _subject(kind, facts if record is None else {})
    return Asked(subject, tuple(told), record, company)


def _subject(kind: Kind, facts: Mapping[str, str]) -> Subject:
    name, page, address = (facts.get(each, "") for each in ("name", "linkedin_url", "email"))
    return Subject(
        kind=kind, name=name, linkedin_url=page, email=address, domain=facts.get("domain", ""),
        city=facts.get("city", ""), country=facts.get("country", ""),
    )  # fmt: skip


def _column(kind: Kind, slug: str) -> str:
    """The identity column that an attribute is, or ""."""
    return next((column for column in IDENTITY if identity_slug(kind, column) == slug), "")


def _company(kind: Kind, pid: str, values: Iterable[Any]) -> int | None:
    """The account that a value names by its entity id, when people are looked for."""
    if kind is not Kind.CONTACT or pid not in ("account", "current_company", "company", "employer"):
        return None
    ids = (read_id(str(value.get("id"))) for value in values if isinstance(value, dict))
    return next((found[1] for found in ids if found and found[0] is Kind.ACCOUNT), None)


def _value(attribute: Attribute, raw: Any, *, is_key: bool) -> Any:
    """A value as the catalogue has it; what is no such value stays a text, unless records are found by it.

    None: nothing is told.
    """
    if isinstance(raw, dict):
        raw = raw.get("name") or raw.get("id")
    if raw is None or isinstance(raw, dict | list):
        return None
    try:
        return clean(attribute, raw if not isinstance(raw, str) else raw[:_LONGEST])
    except ValueError:
        return None if is_key else str(raw)[:_LONGEST]


def _keys_in(kind: Kind, text: str) -> dict[str, str]:
    """The domain, LinkedIn page or e-mail address that a query is written as."""
    if " " in text or "." not in text:
        return {}
    if "@" in text:
        address = _value(BY_SLUG["email"], text, is_key=True)
        return {"email": address} if address else {}
    try:
        if "linkedin.com/" in text.lower():
            return {"linkedin_url": linkedin_url(text)}
        return {"domain": domain(text)} if kind is Kind.ACCOUNT else {}
    except Refused:
        return {}
