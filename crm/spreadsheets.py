"""Spreadsheets in: rows become records, their cells become claims; all of a file or nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.headers import HeaderError, Headers, recognise
from crm.matching import Match, match_rows
from crm.models import Contact, Sheet
from crm.spreadsheet_cells import CellReader, Cells, fields_of, merged, merged_fields, unread
from crm.spreadsheet_rows import create_records, list_records, write_items
from enrichment import bulk, claims, runs
from enrichment.claims import Answer
from enrichment.models import CustomAttribute, EnrichmentRun, EnrichmentSource, RunItem
from enrichment.models.check import Outcome
from enrichment.registration import sync_sources
from enrichment.rows import kept
from enrichment.winner import SPREADSHEET
from sources.attributes import BY_SLUG, Attribute, Kind
from sources.tables import Table, TableError, read

_CHUNK = 1000


class ImportRefused(ValueError):
    """The file cannot be imported; the text says what is wrong, where, and what to do."""


def import_file(
    path: Path,
    *,
    name: str,
    kind: Kind | None = None,
    mapping: Mapping[str, str] | None = None,
    unmatched: str = "create",
    enrich: bool = False,
    wanted: Sequence[str] = (),
    sources: Sequence[str] = (),
    parallel: int = 5,
    user: Any = None,
) -> EnrichmentRun:
    """Import a file as a run with an item for each row; with `enrich` its sources are asked next.

    Raises ImportRefused, and then nothing of the file is stored.
    """
    custom = [row.as_attribute() for row in CustomAttribute.objects.all()]
    try:
        table = read(path, name=name)
        headers = recognise(table.header, rows=table.rows[:200], mapping=mapping, kind=kind, custom=custom)
    except (TableError, HeaderError) as error:
        raise ImportRefused(str(error)) from None
    sync_sources()
    with transaction.atomic():
        named = {"name": name[:200], "kind": headers.kind.value}  # several may have the name
        sheet = Sheet.objects.filter(**named).order_by("pk").first() or Sheet.objects.create(**named)
        run = EnrichmentRun.objects.create(
            name=f"Import {name}"[:200], kind=headers.kind.value, sheet=sheet, unmatched=unmatched, wanted=list(wanted),
            sources=list(sources), parallel=parallel, created_by=user, file_name=name[:255],
            file_hash=hashlib.sha256(path.read_bytes()).hexdigest(), started_at=timezone.now(),
            headers=[{"header": column.header, "field": column.field} for column in headers.columns],
            asks=enrich, status="RUNNING" if enrich else "COMPLETED", finished_at=None if enrich else timezone.now(),
        )  # fmt: skip
        catalogue = {**BY_SLUG, **{each.slug: each for each in custom}}
        Import(run, table, headers, catalogue).store(sheet, open_items=enrich)
    if enrich:
        runs.wake(run.pk)
    return run


class Import:
    """One file on its way into the records."""

    def __init__(
        self, run: EnrichmentRun, table: Table, headers: Headers, catalogue: Mapping[str, Attribute]
    ) -> None:
        self.run, self.table, self.headers = run, table, headers
        self.source = EnrichmentSource.objects.get(slug=SPREADSHEET).pk
        self.created: set[int] = set()
        self._reader = CellReader(table, headers, catalogue)

    def store(self, sheet: Sheet, *, open_items: bool) -> None:
        """Match, create, record, and list every row with what became of it."""
        kind = self.headers.kind
        cells = self._reader.read(kind)
        companies = self._companies() if kind is Kind.CONTACT else []
        cells = [_employed(*each) for each in zip(cells, companies, strict=True)] if companies else cells
        matches = self._known_from_before(kind, match_rows(kind, [each.row for each in cells]), cells)
        records = self._records(kind, cells, matches)
        if companies:
            self._link_accounts(companies, records)
        self._record(kind, cells, records)
        list_records(sheet, kind, records)
        discarded = self._write_items(kind, cells, matches, records, is_open=open_items)
        self.run.summary = self._summary(cells, matches, discarded)
        self.run.save(update_fields=["summary"])

    def _write_items(
        self,
        kind: Kind,
        cells: Sequence[Cells],
        matches: Sequence[Match],
        records: Sequence[int | None],
        *,
        is_open: bool,
    ) -> Counter[str]:
        """An item for each row, some at a time: together they would not fit; why rows were discarded."""
        discarded: Counter[str] = Counter()
        seen: set[int] = set()
        for start in range(0, len(cells), _CHUNK):
            part = (each[start : start + _CHUNK] for each in (self.table.rows, cells, matches, records))
            items = [self._item(kind, *each, is_open=is_open) for each in zip(*part, strict=True)]
            _ask_once(kind, items, seen)
            write_items(items)
            discarded.update(item.reason for item in items if item.state == RunItem.State.DISCARDED)
        return discarded

    def _known_from_before(self, kind: Kind, matches: Sequence[Match], cells: Sequence[Cells]) -> list[Match]:
        """Rows that nothing else decides are the records they became when the very same file came in before."""
        runs_before = EnrichmentRun.objects.filter(
            file_hash=self.run.file_hash, kind=kind.value, undone_at=None, pk__lt=self.run.pk
        )
        items = RunItem.objects.filter(run=runs_before.order_by("-pk").first()).exclude(**{kind.value: None})
        known = dict(items.values_list("position", f"{kind.value}_id"))
        return [
            Match(
                "confirmed", known[row.position], None, "same file", 1.0, ("the same row of the same file",)
            )
            if row.position in known and match.verdict in ("review", "none")
            else match
            for match, row in zip(matches, (each.row for each in cells), strict=True)
        ]

    def _records(self, kind: Kind, cells: Sequence[Cells], matches: Sequence[Match]) -> list[int | None]:
        """The record of each row; rows that match none get a new one, unless they are junk or in review."""
        fresh = [
            each for each, match in zip(cells, matches, strict=True)
            if match.verdict == "none" and self.run.unmatched == EnrichmentRun.Unmatched.CREATE
        ]  # fmt: skip
        fields = merged_fields(cells, matches)
        positions = [each.row.position for each in fresh]
        new = create_records(kind, [fields[position] for position in positions])
        made = dict(zip(positions, new, strict=True))
        if kind is self.headers.kind:
            self.created |= set(made)
        by_row: dict[int, int | None] = {}
        for each, match in zip(cells, matches, strict=True):
            known = by_row.get(match.same_as) if match.same_as is not None else match.record
            by_row[each.row.position] = known or made.get(each.row.position)
        return list(by_row.values())

    def _companies(self) -> list[tuple[Cells, Match]]:
        """The company that each row of a person names, and whom it matches."""
        cells = self._reader.read(Kind.ACCOUNT)
        named = [each.row for each in cells if not each.is_empty]
        matches = {
            row.position: match for row, match in zip(named, match_rows(Kind.ACCOUNT, named), strict=True)
        }
        nobody = Match("junk", reasons=("the row names no company",))
        return [(each, matches.get(each.row.position, nobody)) for each in cells]

    def _link_accounts(self, companies: Sequence[tuple[Cells, Match]], records: Sequence[int | None]) -> None:
        """A row that names a person and a company makes a contact linked to an account."""
        by_position = {company.row.position: match for company, match in companies}
        firsts: dict[int, int] = {}
        named = [
            (company, _first_of(company.row.position, by_position, firsts), record)
            for (company, _), record in zip(companies, records, strict=True)
            if record and not company.is_empty
        ]
        rows = [company for company, _, _ in named]
        accounts = self._records(Kind.ACCOUNT, rows, [match for _, match, _ in named])
        self._record(Kind.ACCOUNT, rows, accounts)
        links = {record: account for (_, _, record), account in zip(named, accounts, strict=True) if account}
        for part in _parts(sorted(links)):
            contacts = list(Contact.objects.filter(pk__in=part))
            for contact in contacts:
                contact.account_id = links[contact.pk]
            Contact.objects.bulk_update(contacts, ["account"])

    def _record(self, kind: Kind, cells: Sequence[Cells], records: Sequence[int | None]) -> None:
        """The cells as claims; rows of one record are one answer, the first of two values counts."""
        rows: dict[int, list[Cells]] = {}
        for each, record in zip(cells, records, strict=True):
            if record:
                rows.setdefault(record, []).append(each)
        now, told = bulk.clock(), list(rows)
        for start in range(0, len(told), _CHUNK):
            answers = [
                Answer(record=pk, source=self.source, at=now, outcome=Outcome.FOUND, claims=merged(rows[pk]))
                for pk in told[start : start + _CHUNK]
            ]
            claims.record(run=self.run.pk, kind=kind, answers=answers)

    def _item(
        self, kind: Kind, row: Sequence[str], cells: Cells, match: Match, record: int | None, *, is_open: bool
    ) -> RunItem:
        position = cells.row.position
        state, reason = RunItem.State.QUEUED if is_open else RunItem.State.COMPLETED, "; ".join(match.reasons)
        if match.verdict == "junk" or (match.verdict == "none" and record is None and not is_open):
            state = RunItem.State.DISCARDED
        elif match.verdict == "review":
            state = RunItem.State.REVIEW
        told = {
            "outcome": "found",
            "reason": "; ".join(f"{column}: {why}" for column, why in cells.refused.items())[:300],
            "lookup": None,
            "claims": len(cells.claims),
        }
        return RunItem(
            run=self.run, position=position, row=dict(zip(self.table.header, row, strict=True)), state=state, reason=reason[:500],
            strategy=match.strategy[:30], score=match.score, evidence=list(match.candidates),
            has_created_record=position in self.created, outcomes={SPREADSHEET: told} if record else {},
            finished_at=None if state == RunItem.State.QUEUED else timezone.now(), **{f"{kind.value}_id": record},
            subject=None if record or match.verdict == "junk" else kept(cells.claims, fields_of(cells)),
        )  # fmt: skip

    def _summary(
        self, cells: Sequence[Cells], matches: Sequence[Match], discarded: Counter[str]
    ) -> dict[str, Any]:
        return {
            "rows": len(cells),
            "matched": sum(match.record is not None for match in matches),
            "merged": sum(match.same_as is not None for match in matches),
            "created": len(self.created),
            "review": sum(match.verdict == "review" for match in matches),
            "discarded": dict(discarded.most_common(20)),
            "values": self.run.claims.count(),
            "warnings": [*self.table.warnings[:20], *unread(cells)],
        }


def _employed(cells: Cells, company: tuple[Cells, Match]) -> Cells:
    """A person's row with its company: a record, or the first row that names it."""
    told, match = company
    if match.record is not None:
        place = ("record", match.record)
    elif match.verdict in ("none", "confirmed"):
        place = ("row", told.row.position if match.same_as is None else match.same_as)
    else:
        return cells
    return replace(cells, row=replace(cells.row, company=place))


def _first_of(position: int, matches: Mapping[int, Match], firsts: dict[int, int]) -> Match:
    """The match of a row among those that are kept: the first row of its company may have been left out."""
    match = matches[position]
    root = position if match.same_as is None else match.same_as
    if matches[root].verdict != "none":
        return matches[root]
    first = firsts.setdefault(root, position)
    return Match("none") if first == position else replace(match, same_as=first)


def _ask_once(kind: Kind, items: Sequence[RunItem], seen: set[int]) -> None:
    """Rows of one record are asked about once: those after the first are done. `seen`: records of rows before."""
    for item in items:
        record = getattr(item, f"{kind.value}_id")
        if record in seen and item.state == RunItem.State.QUEUED:
            item.state, item.finished_at = RunItem.State.COMPLETED, timezone.now()
        seen |= {record} - {None}


def _parts(ids: list[int]) -> list[list[int]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
