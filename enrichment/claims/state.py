"""What the ledger holds now: locked records, their live claims, and the sources that speak."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from django.db import connection

from enrichment import bulk
from enrichment.models import CustomAttribute, EnrichmentSource, Preferences
from enrichment.winner import Rank
from sources.attributes import IDENTITY, Attribute, Kind

VALUES = "enrichment_attributevalue"
CHECKS = "enrichment_check"
FRESHNESS = "enrichment_freshness"
VALUE_COLUMNS = (
    "attribute", "source_id", "value", "original", "references", "run_id", "lookup_id", "first_seen_at",
    "superseded_at",
)  # fmt: skip
NEW = 0  # the id of a claim that is about to be written
CHUNK = 1000  # records a transaction; 500 to 2,000 are equally fast (performance.md)

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode
_COLUMNS = ", ".join(f'"{column}"' for column in (*IDENTITY, "name_key"))


class Live(NamedTuple):
    """A claim that stands; `value` and `references` are JSON text, `seen` may be text as the database wrote it."""

    id: int
    owner: int
    attribute: str
    source: int
    value: str
    references: str
    original: str
    seen: datetime | str

    @property
    def first_seen(self) -> datetime:
        """When the claim was first made."""
        return bulk.read_moment(self.seen)


@dataclass
class Owner:
    """A locked record: its current values (JSON text) and identity columns as they are stored."""

    id: int
    stored: str
    identity: tuple[str, ...]

    @cached_property
    def current(self) -> dict[str, Any]:
        """The current values, read when first needed: most records do not change."""
        values: dict[str, Any] = json.loads(self.stored)
        return values

    def show(self, stored: str) -> None:
        """Replace the current values."""
        self.stored = stored
        self.__dict__.pop("current", None)


class Speakers(NamedTuple):
    """All sources by id, the policy that chooses between them, and the attributes users added."""

    sources: dict[int, EnrichmentSource]
    ranks: dict[int, Rank]
    policy: str
    custom: dict[str, Attribute]


def canonical(value: Any) -> str:
    """The one JSON text of a value: `True`, `1` and `1.0`, equal in Python, stay apart."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return str(value)
    if kind is list or kind is tuple:
        if len(value) == 1 and type(value[0]) is str:
            return f"[{encode_basestring(value[0])}]"
        return f"[{', '.join(map(canonical, value))}]"
    return _encode(value)


def recanonical(text: str) -> str:
    """The canonical form of JSON text that a database may have written its own way."""
    return _encode(json.loads(text))


def is_same(stored: str, value: str) -> bool:
    """Whether JSON text from the database says the same as canonical text.

    Both databases write strings and whole numbers as we do; only other text needs to be read.
    """
    if stored == value:
        return True
    is_plain = stored[0] == '"' or stored.isdecimal()
    return not is_plain and recanonical(stored) == value


def decode(text: str) -> Any:
    """The value of JSON text."""
    if text[0] == '"' and "\\" not in text:
        return text[1:-1]
    return _decode(text)[0]


def owner_column(kind: Kind) -> str:
    """The column of a ledger table that names a record of `kind`."""
    return f"{kind.value}_id"


def record_table(kind: Kind) -> str:
    """The table of the records of `kind`."""
    return f"crm_{kind.value}"


def speakers() -> Speakers:
    """All sources, the policy and the custom attributes (three queries)."""
    sources = {source.pk: source for source in EnrichmentSource.objects.all()}
    ranks = {pk: Rank(source.slug, source.rank, source.by_attribute) for pk, source in sources.items()}
    policy = Preferences.objects.filter(pk=1).values_list("policy", flat=True).first()
    custom = {row.slug: row.as_attribute() for row in CustomAttribute.objects.all()}
    return Speakers(sources, ranks, policy or Preferences.Policy.RANK, custom)


def lock(kind: Kind, ids: Collection[int]) -> dict[int, Owner]:
    """Lock records in id order, so that two writers never wait for each other, and read them.

    Without the ordered lock concurrent writers end up wrong although no constraint fails.
    """
    test, param = bulk.any_of("id", ids)
    tail = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    rows = bulk.select(
        f"SELECT id, {bulk.as_text('current_values')}, {_COLUMNS} FROM {record_table(kind)} WHERE {test} ORDER BY id{tail}",
        [param],
    )
    return {row[0]: Owner(row[0], row[1], row[2:]) for row in rows}


def live_claims(kind: Kind, owners: Iterable[int]) -> list[Live]:
    """The live claims of records; value and references as the database writes JSON."""
    column = owner_column(kind)
    value, references, seen = map(bulk.as_text, ("value", '"references"', "first_seen_at"))
    test, param = bulk.any_of(column, owners)
    rows = bulk.select(
        f"SELECT id, {column}, attribute, source_id, {value}, {references}, original, {seen} "
        f"FROM {VALUES} WHERE {test} AND superseded_at IS NULL AND retracted_at IS NULL",
        [param],
    )
    return list(map(Live._make, rows))
