"""Candidates of reconciliation queries: found by name and key, scored, and matched where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from rapidfuzz.fuzz import ratio

from crm.models import Contact, Record
from crm.reconcile.entities import Found, describe, id_of, load, type_of
from crm.reconcile.known import names
from crm.reconcile.queries import MOST_CANDIDATES, Asked, Query, Told
from sources.attributes import Kind, identity_slug
from sources.contract import Subject
from sources.identity import (
    AUTOMATIC,
    BY_KEY,
    REVIEW,
    Candidate,
    Verdict,
    compare,
    judge,
    name_key,
    person_words,
)

_KEYS = ("email", "linkedin_url")


@dataclass(frozen=True, slots=True)
class _Scored:
    """A record that may be meant, how probable that is (0 to 1), and how alike the names are."""

    record: Any
    score: float
    likeness: float
    told: tuple[Told, ...]
    is_match: bool = False


def answer(batch: Mapping[str, Query]) -> dict[str, Any]:
    """The result batch of a query batch; how many queries the database is asked does not depend on its size."""
    pools: dict[tuple[str, Kind], list[Candidate]] = {}
    wanted: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    keys: dict[Kind, Q] = {}
    for kind in Kind:
        asked = {key: query.asked[kind] for key, query in batch.items() if kind in query.asked}
        known = (
            names(kind) if any(each.subject.name or each.subject.domain for each in asked.values()) else None
        )
        for key, each in asked.items():
            found = known.search(each.subject, limit=MOST_CANDIDATES) if known and len(known) else []
            pools[key, kind] = found
            wanted[kind] |= {int(candidate.id) for candidate in found} | (
                {each.record} if each.record else set()
            )
        keys[kind] = _keys(asked)
    records = load(wanted, keys)
    return {key: {"result": _result(key, query, pools, records)} for key, query in batch.items()}


def _keys(asked: Mapping[str, Asked]) -> Q:
    """The records that have an address or LinkedIn page which a query names."""
    condition = Q()
    for column in _KEYS:
        values = sorted({getattr(each.subject, column) for each in asked.values()} - {""})
        if values:
            condition |= Q(**{f"{column}__in": values})
    return condition


def _result(
    key: str, query: Query, pools: Mapping[tuple[str, Kind], list[Candidate]], records: Found
) -> list[dict[str, Any]]:
    scored = [
        each
        for kind, asked in query.asked.items()
        for each in _scored(asked, pools[key, kind], records[kind])
    ]
    is_sole = sum(each.is_match for each in scored) == 1
    ranked = sorted(scored, key=lambda each: (-each.score, each.record.kind, each.record.pk))
    return [_candidate(each, is_match=each.is_match and is_sole) for each in ranked[: query.limit]]


def _scored(asked: Asked, pool: list[Candidate], records: Mapping[int, Any]) -> list[_Scored]:
    if asked.record is not None:
        record = records.get(asked.record)
        return [_Scored(record, 1.0, 1.0, asked.told, True)] if record else []
    there = [candidate for candidate in pool if int(candidate.id) in records]
    score = _companies if asked.subject.kind is Kind.ACCOUNT else _people
    return list(score(asked, there, records))


def _companies(asked: Asked, pool: list[Candidate], records: Mapping[int, Any]) -> Iterator[_Scored]:
    """Companies as a search by name and domain has them; those with the page or address that is asked for come first."""
    judgement = judge(pool)
    best = judgement.candidate if judgement.verdict is Verdict.CONFIRMED else None
    same = {pk for pk, record in records.items() if _has_key(asked.subject, record)}
    for candidate in pool:
        if candidate.id not in same:
            is_match = not same and best is not None and candidate.id == best.id
            yield _Scored(records[candidate.id], candidate.score, candidate.likeness, asked.told, is_match)
    for pk in same:
        yield _Scored(records[pk], BY_KEY, _likeness(asked.subject, records[pk]), asked.told, True)


def _people(asked: Asked, pool: list[Candidate], records: Mapping[int, Any]) -> Iterator[_Scored]:
    """People by address, page or name; a name alone is no match, since others have it too."""
    near = {int(candidate.id) for candidate in pool}
    for pk, record in records.items():
        has_key = _has_key(asked.subject, record)
        if not has_key and pk not in near:
            continue
        found = compare(asked.subject, _subject(record))
        is_colleague = _is_at(asked, record)
        score = BY_KEY if has_key or (is_colleague and found.score >= AUTOMATIC) else found.score
        if score >= REVIEW:
            yield _Scored(record, score, _likeness(asked.subject, record), asked.told, score == BY_KEY)


def _has_key(asked: Subject, record: Record) -> bool:
    return any(
        getattr(asked, column) and getattr(asked, column).lower() == getattr(record, column).lower()
        for column in _KEYS
    )


def _subject(record: Contact) -> Subject:
    domain = record.domain or (record.account.domain if record.account else "")
    return Subject(
        kind=Kind.CONTACT, name=record.name, email=record.email, linkedin_url=record.linkedin_url, domain=domain,
        city=record.city, country=record.country,
    )  # fmt: skip


def _is_at(asked: Asked, record: Contact) -> bool:
    """Whether a person works where the query says."""
    if asked.company is not None:
        return record.account_id == asked.company
    told = [value for each in asked.told if each.slug == "current_company" for value in each.values]
    theirs = {
        name_key(str(name)) for name in (record.account or "", record.value("current_company") or "")
    } - {""}
    if any(name_key(str(value)) in theirs for value in told):
        return True
    return bool(asked.subject.domain) and asked.subject.domain == _subject(record).domain


def _likeness(asked: Subject, record: Record) -> float:
    """How alike the names are, 0 to 1."""
    if asked.kind is Kind.CONTACT:
        return ratio(" ".join(person_words(asked.name)), " ".join(person_words(record.name))) / 100
    return ratio(name_key(asked.name), name_key(record.name)) / 100


def _candidate(scored: _Scored, *, is_match: bool) -> dict[str, Any]:
    record = scored.record
    features = [{"id": "name_similarity", "value": round(scored.likeness, 3)}]
    told = {each.id: each for each in scored.told if each.values}
    features += [{"id": each.id, "value": _agrees(record, each)} for each in told.values()]
    return {
        "id": id_of(record), "name": str(record), "description": describe(record), "type": [type_of(record.kind)],
        "score": round(100 * scored.score, 1), "match": is_match, "features": features,
    }  # fmt: skip


def _agrees(record: Record, told: Told) -> bool:
    """Whether a record has one of the values that a property is told to have, whatever the case."""
    columns = {identity_slug(record.kind, column): text for column, text in record.identity().items()}
    known = columns.get(told.slug) or record.value(told.slug)
    mine = {str(each).casefold() for each in (known if isinstance(known, list) else [known])} - {"none", ""}
    wanted = (value for each in told.values for value in (each if isinstance(each, list) else [each]))
    return any(str(value).casefold() in mine for value in wanted)
