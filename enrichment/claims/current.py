"""Current values and identity columns: computed from live claims, written on the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from enrichment import bulk
from enrichment.claims.state import Live, Owner, Speakers, canonical, decode, recanonical, record_table
from enrichment.winner import WRITERS, choose
from sources.attributes import IDENTITY, Kind, identity_slug
from sources.display import display
from sources.identity import name_key

_LIMITS = {"name": 500, "domain": 253, "email": 320, "linkedin_url": 500, "city": 200, "country": 100}

Standing = Mapping[int, Mapping[str, Collection[Live]]]
"""Owner → attribute → live claims: the attributes whose current value may have changed."""


@dataclass(slots=True)
class Shown:
    """What records show from now on, as rows to write: (current values, id) and (*identity, id)."""

    values: list[tuple[str, int]] = field(default_factory=list)
    identities: list[tuple[Any, ...]] = field(default_factory=list)


def current_of(kind: Kind, owners: Mapping[int, Owner], standing: Standing, speak: Speakers) -> Shown:
    """Current values and identity columns that `standing` changes; asks the database nothing."""
    columns = {identity_slug(kind, column): column for column in IDENTITY}
    shown = Shown()
    for owner_id, attributes in standing.items():
        owner = owners[owner_id]
        entries: dict[str, str] = {}
        moved: dict[str, str] = {}
        for slug, claims in attributes.items():
            winner = choose(slug, claims, speak.ranks, speak.policy)
            entries[slug] = _entry(winner, speak) if winner else ""
            if slug in columns:
                moved[columns[slug]] = _identity_text(slug, claims, speak)
        stored = _merge(owner.current, entries)
        if stored:
            owner.show(stored)
            shown.values.append((stored, owner_id))
        identity = _moved(owner.identity, moved) if moved else owner.identity
        if identity != owner.identity:
            owner.identity = identity
            shown.identities.append((*identity, owner_id))
    return shown


def write_current(kind: Kind, shown: Shown) -> int:
    """Write what records show; how many records' current values changed."""
    table = record_table(kind)
    bulk.update(table, [("current_values", "jsonb")], shown.values)
    bulk.update(table, [(column, "text") for column in (*IDENTITY, "name_key")], shown.identities)
    return len(shown.values)


def _merge(current: Mapping[str, Any], entries: Mapping[str, str]) -> str:
    """Current values as JSON text with `entries` (JSON text, "" removes) in place; "" when nothing changes."""
    changed = {slug: text for slug, text in entries.items() if not _is_shown(current.get(slug), text)}
    if not changed:
        return ""
    kept = {slug: entry for slug, entry in current.items() if slug not in changed}
    parts = [canonical(kept)[1:-1]] if kept else []
    parts += [f"{canonical(slug)}: {text}" for slug, text in changed.items() if text]
    return "{" + ", ".join(parts) + "}"


def _is_shown(shown: dict[str, Any] | None, text: str) -> bool:
    """Whether an entry is in place. Most changes are seen at its date; the rest is read with care."""
    if not shown or not text:
        return not shown and not text
    return text.startswith(_dated(shown.get("created_at"))) and canonical(shown) == recanonical(text)


def _entry(claim: Live, speak: Speakers) -> str:
    """What a record shows of a claim, as JSON text: its parts are at hand as such."""
    text = display(claim.attribute, decode(claim.value), speak.custom.get(claim.attribute))
    source = canonical(speak.ranks[claim.source].slug)
    return (
        f'{_dated(iso(claim.first_seen))}, "display": {canonical(text)}, "references": {claim.references}, '
        f'"source": {source}, "value": {claim.value}}}'
    )


def _dated(created_at: str | None) -> str:
    return f'{{"created_at": "{created_at}"'


@lru_cache(maxsize=4096)  # answers that arrive together share their moments
def iso(at: datetime) -> str:
    """A point in time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _identity_text(slug: str, claims: Collection[Live], speak: Speakers) -> str:
    """What an identity column shows: only people, imports and the API move it."""
    writers = [claim for claim in claims if speak.ranks[claim.source].slug in WRITERS]
    winner = choose(slug, writers, speak.ranks, speak.policy)
    value = decode(winner.value) if winner else None
    return "" if value is None else str(value)


def _moved(identity: tuple[str, ...], moved: Mapping[str, str]) -> tuple[str, ...]:
    columns = dict(zip((*IDENTITY, "name_key"), identity, strict=True))
    columns |= {column: text[: _LIMITS[column]] for column, text in moved.items()}
    if "name" in moved:
        columns["name_key"] = name_key(columns["name"])[:500]
    return tuple(columns.values())
