"""Records written by other programs: made, changed, or many at once by what names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from crm.duplicates import Row
from crm.matching import Match, match_rows
from crm.models import Account, Record
from crm.told import (
    COLUMNS,
    Author,
    Reader,
    TellingRefused,
    Told,
    check_external_id,
    keep_claims,
    model_of,
)
from enrichment import bulk, schedule
from enrichment.models import EnrichmentSource
from enrichment.registration import sync_sources
from enrichment.winner import API
from sources.attributes import Kind

_NO_ACCOUNT = "There is no account with this id."
_KEY_COLUMN = {Kind.ACCOUNT: "domain", Kind.CONTACT: "email"}
"""What names a record even where the names differ; external ids and profiles do so before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one row: created, updated, review (see `candidates`) or error."""

    status: str
    record: int | None = None
    strategy: str = ""
    score: float | None = None
    reasons: tuple[str, ...] = ()
    candidates: tuple[Mapping[str, Any], ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def write_record(
    kind: Kind, row: Mapping[str, Any], *, author: Author, known: Record | None = None
) -> Record:
    """Make a record, or change a known one where the row says something.

    Raises TellingRefused and OtherRecordHasIt.
    """
    _wait_for_others()
    told = Reader(kind, author).read(row)
    if known is None and not told.names_somebody:
        raise TellingRefused(
            {"name": "Name somebody: write a name, domain, e-mail, LinkedIn address or external id."}
        )
    check_external_id(kind, told, known)
    account = told.columns.get("account_id")
    if account is not None and account not in _there([account]):
        raise TellingRefused({"account_id": _NO_ACCOUNT})
    written: Record = known or model_of(kind)()
    for name, value in told.columns.items():
        setattr(written, name, value)
    if known is None or told.columns:
        written.save()
    keep_claims(kind, author, [(written.pk, told.claims)])
    _priorities(kind, [written.pk] if "priority" in told.columns else [])
    written.refresh_from_db()
    return written


@transaction.atomic
def upsert(kind: Kind, rows: Sequence[Mapping[str, Any]], *, author: Author) -> list[Result]:
    """Write each row to the record it names, or to a new one; a row that is refused leaves the others alone.

    A row names a record by external id, LinkedIn address, domain (accounts) or e-mail address (contacts), else by name
    and place, as imports match; a doubtful match is left to a person. Of rows for one record the last counts.
    """
    _wait_for_others()
    told, results = _read(kind, rows, Reader(kind, author))
    matches = _matched(kind, told)
    known = model_of(kind).objects.in_bulk([match.record for match in matches.values() if match.record])
    owners: dict[int, Record] = {}
    for place, match in matches.items():
        record = known.get(match.record or 0) or (
            owners.get(match.same_as) if match.same_as is not None else None
        )
        if refused := _refusal(told[place], match, record):
            results[place] = refused
            continue
        owners[place] = record = record or model_of(kind)()
        for name, value in told[place].columns.items():
            setattr(record, name, value)
    is_new = {place: record.pk is None for place, record in owners.items()}
    _save(kind, list(owners.values()))
    for place, record in owners.items():
        match, status = matches[place], "created" if is_new[place] else "updated"
        results[place] = Result(
            status=status, record=record.pk, strategy=match.strategy, score=match.score, reasons=match.reasons
        )
    keep_claims(kind, author, [(record.pk, told[place].claims) for place, record in owners.items()])
    _priorities(kind, [record.pk for place, record in owners.items() if "priority" in told[place].columns])
    return [results[place] for place in range(len(rows))]


def _save(kind: Kind, records: Iterable[Record]) -> None:
    """Store new records and the columns of known ones, each once."""
    distinct = list({id(record): record for record in records}.values())
    columns = [*COLUMNS, *(["account"] if kind is Kind.CONTACT else [])]
    model_of(kind).objects.bulk_update([record for record in distinct if record.pk], columns)
    new = [record for record in distinct if not record.pk]
    now = bulk.clock()
    for record in new:
        record.created_at = now
    model_of(kind).objects.bulk_create(new)


def _read(
    kind: Kind, rows: Sequence[Mapping[str, Any]], reader: Reader
) -> tuple[dict[int, Told], dict[int, Result]]:
    """What the rows tell, by place, and the results of those that are refused."""
    told: dict[int, Told] = {}
    results: dict[int, Result] = {}
    accounts = _there({row.get("account_id") for row in rows})
    for place, row in enumerate(rows):
        try:
            if row.get("account_id") is not None and row["account_id"] not in accounts:
                raise TellingRefused({"account_id": _NO_ACCOUNT})
            # With an id the system that gave it is part of the name: none is a system of its own.
            told[place] = reader.read({"external_source": "", **row} if row.get("external_id") else row)
        except TellingRefused as refused:
            results[place] = Result(status="error", errors=refused.errors)
    return told, results


def _matched(kind: Kind, told: Mapping[int, Told]) -> dict[int, Match]:
    """Whom each row names."""
    rows = [_row(kind, place, each) for place, each in told.items()]
    matches = dict(zip(told, match_rows(kind, rows), strict=True))
    column = _KEY_COLUMN[kind]
    keys = {row.position: getattr(row.subject, column) for row in rows}
    holders: dict[str, list[int]] = {}
    same = model_of(kind).objects.filter(**{f"{column}__in": {key for key in keys.values() if key}})
    for pk, key in same.order_by("pk").values_list("pk", column):
        holders.setdefault(key, []).append(pk)
    firsts: dict[tuple[str, str], int] = {}
    for row in rows:
        place, owners = row.position, holders.get(keys[row.position], [])
        if matches[place].verdict == "confirmed" and matches[place].record is not None:
            continue
        first = firsts.setdefault((row.external_source, row.external_id), place) if row.external_id else place
        if first != place:
            matches[place] = replace(
                matches[first], same_as=first, strategy="external id", reasons=("same external id",)
            )
        elif len(owners) == 1:
            matches[place] = Match("confirmed", owners[0], None, column, 1.0, (f"same {column}",))
    return matches


def _row(kind: Kind, place: int, told: Told) -> Row:
    account = told.columns.get("account_id")
    external = str(told.columns.get("external_id") or "")
    return Row(
        place, told.subject(kind), external, str(told.columns.get("external_source") or "") if external else "",
        company=("record", account) if account else None,
    )  # fmt: skip


def _refusal(told: Told, match: Match, record: Record | None) -> Result | None:
    """Why a row is not written; None when it is."""
    if match.verdict == "review" and record is None:
        return Result(
            status="review",
            strategy=match.strategy,
            score=match.score,
            reasons=match.reasons,
            candidates=match.candidates,
        )
    if record is None and not told.names_somebody:
        return Result(status="error", errors={"name": "The row names nobody."})
    theirs, ours = (record.external_id if record else ""), told.columns.get("external_id")
    if theirs and ours and theirs != ours:
        return Result(
            status="error", record=record.pk if record else None, strategy=match.strategy,
            errors={"external_id": f"The record has another external id, {theirs}."},
        )  # fmt: skip
    return None


def _there(ids: Iterable[int | None]) -> set[int]:
    """Those of some accounts that exist."""
    return set(Account.objects.filter(pk__in={pk for pk in ids if pk}).values_list("pk", flat=True))


def _wait_for_others() -> None:
    """Of two programs that write at once the second sees what the first wrote: nobody is made twice."""
    if EnrichmentSource.objects.select_for_update().filter(slug=API).first() is None:
        sync_sources()


def _priorities(kind: Kind, records: list[int]) -> None:
    if records:
        schedule.priority_saved(kind, records)
