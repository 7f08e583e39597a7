"""Recording answers: what is new is written, what is known is confirmed, nothing is edited."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from enrichment import bulk
from enrichment.claims.adopting import adopt
from enrichment.claims.answers import Answer, CleanClaim, Recorded, RunUndone
from enrichment.claims.current import current_of, write_current
from enrichment.claims.freshness import note_fresh
from enrichment.claims.settling import settle
from enrichment.claims.state import (
    CHECKS,
    NEW,
    VALUE_COLUMNS,
    VALUES,
    Live,
    Owner,
    Speakers,
    canonical,
    is_same,
    live_claims,
    lock,
    owner_column,
    speakers,
)
from enrichment.claims.statements import read
from enrichment.models import EnrichmentRun
from sources.attributes import Kind

_Pair = tuple[int, int]  # owner, source
_Ledger = dict[tuple[int, int, str], Live]  # by owner, source, attribute


def record(*, run: int, kind: Kind, answers: Sequence[Answer]) -> Recorded:
    """Write a chunk of answers about records of one kind, in one transaction.

    An answer that the run has recorded before is skipped, so recording again changes nothing.
    An answer older than what stands becomes history. Raises RunUndone.
    """
    with transaction.atomic():
        hold(run)
        owners = lock(kind, sorted({answer.record for answer in answers}))
        fresh, late, skipped = _sort(run, kind, answers, owners)
        ledger = Chunk(run, kind, owners, speakers())
        ledger.apply(fresh)
        if late:
            ledger.file(late)
            settle(kind, {answer.record for answer in late}, owners, ledger.speak)
    return Recorded(ledger.written, ledger.confirmed, ledger.records_changed, skipped)


def complete(*, run: int, kind: Kind, answers: Sequence[Answer]) -> int:
    """Add what the run's own answers left out: rows of one record are one answer, the first of two values counts.

    Of a record and source that the run has not recorded nothing is added. Returns how many claims were. Raises RunUndone.
    """
    with transaction.atomic():
        hold(run)
        owners = lock(kind, sorted({answer.record for answer in answers}))
        told, ledger = read(kind, owners), Chunk(run, kind, owners, speakers())
        for answer in answers:
            pair = (answer.record, answer.source)
            said = next((said for said in told.checks.get(pair, ()) if said.run == run), None)
            if said is not None:
                claims = [claim for claim in answer.claims if not told.states(pair, claim.attribute, said)]
                ledger.add(replace(answer, at=said.at, lookup=said.lookup, claims=tuple(claims)))
        if ledger.written:
            settle(kind, owners, owners, ledger.speak)
    return ledger.written


def hold(run: int) -> None:
    """Keep the run from being undone while this transaction lasts."""
    row = EnrichmentRun.objects.filter(pk=run)
    if bulk.is_postgres():
        found = bulk.select("SELECT undone_at FROM enrichment_enrichmentrun WHERE id = %s FOR SHARE", [run])
    else:
        found = list(row.values_list("undone_at"))
    if not found or found[0][0] is not None:
        raise RunUndone(f"Run {run} was undone; nothing more is recorded for it.")


def _sort(
    run: int, kind: Kind, answers: Sequence[Answer], owners: dict[int, Owner]
) -> tuple[list[Answer], list[Answer], int]:
    """Answers in three: to apply, to file as history (older than what stands), and how many to skip."""
    newest, done = _known_checks(run, kind, owners, {answer.source for answer in answers})
    fresh: list[Answer] = []
    late: list[Answer] = []
    skipped = 0
    for answer in answers:
        pair = (answer.record, answer.source)
        if pair in done or answer.record not in owners:
            skipped += 1
            continue
        done.add(pair)
        (late if pair in newest and newest[pair] > answer.at else fresh).append(answer)
    return fresh, late, skipped


def _known_checks(
    run: int, kind: Kind, owners: Iterable[int], sources: Iterable[int]
) -> tuple[dict[_Pair, datetime], set[_Pair]]:
    """Of each record and source: when the newest check that stands was made, and which the run made."""
    column = owner_column(kind)
    of_owners, owner_param = bulk.any_of(f"c.{column}", owners)
    of_sources, source_param = bulk.any_of("c.source_id", sources)
    # Runs are asked in a subquery: joined, they tempt PostgreSQL to read all checks of a run on a fresh table.
    found = bulk.select(
        f"SELECT c.{column}, c.source_id, MAX(CASE WHEN c.run_id = %s THEN 1 ELSE 0 END), "
        "MAX(CASE WHEN c.run_id IN (SELECT id FROM enrichment_enrichmentrun WHERE undone_at IS NOT NULL) "
        f"THEN NULL ELSE c.at END) FROM {CHECKS} c WHERE {of_owners} AND {of_sources} "
        f"GROUP BY c.{column}, c.source_id",
        [run, owner_param, source_param],
    )
    newest = {(owner, source): bulk.read_moment(at) for owner, source, _, at in found if at}
    return newest, {(owner, source) for owner, source, is_done, _ in found if is_done}


class Chunk:
    """The changes that a chunk of answers makes to the ledger."""

    def __init__(self, run: int, kind: Kind, owners: dict[int, Owner], speak: Speakers) -> None:
        self.run, self.kind, self.owners, self.speak = run, kind, owners, speak
        self.written = self.confirmed = self.records_changed = 0
        self._rows: list[tuple[Any, ...]] = []
        self._checks: list[tuple[Any, ...]] = []
        self._ended: list[tuple[str | None, int]] = []

    def apply(self, answers: Sequence[Answer]) -> None:
        """Supersede, write, confirm; then bring the records' current values in line."""
        live: _Ledger = {(c.owner, c.source, c.attribute): c for c in live_claims(self.kind, self.owners)}
        for answer in answers:
            self._compare(answer, live)
        bulk.update(VALUES, [("superseded_at", "timestamptz")], self._ended)
        self._flush()
        note_fresh(self.kind, answers, self.speak)
        standing = _standing(live.values())
        adopt(self.kind, self.owners, standing, self.speak)
        with bulk.checking_keys():
            shown = current_of(self.kind, self.owners, standing, self.speak)
        self.records_changed += write_current(self.kind, shown)

    def add(self, answer: Answer) -> None:
        """Write claims for a check that is there; settling decides which of them stand."""
        at = bulk.moment(answer.at)
        for claim in answer.claims:
            self._write(answer, claim, canonical(claim.value), at, superseded=at)
        self._flush()

    def reread(self, answer: Answer, new: Sequence[CleanClaim], asserted: list[Any]) -> None:
        """Write the check of an answer that was read anew, and its new claims; settling decides which of them stand."""
        at = bulk.moment(answer.at)
        for claim in new:
            self._write(answer, claim, canonical(claim.value), at, superseded=at)
        self._check(answer, asserted, reread=answer.lookup or 0)
        self._flush()

    def file(self, answers: Sequence[Answer]) -> None:
        """Keep late answers as history; settling decides what of them stands."""
        for answer in answers:
            at = bulk.moment(answer.at)
            for claim in {claim.attribute: claim for claim in reversed(answer.claims)}.values():
                self._write(answer, claim, canonical(claim.value), at, superseded=at)
            self._check(answer, [])
        self._flush()

    def _compare(self, answer: Answer, live: _Ledger) -> None:
        """Confirm what stands already, end what the answer replaces, write what is new."""
        asserted: list[Any] = []
        at = bulk.moment(answer.at)
        for claim in answer.claims:
            key = (answer.record, answer.source, claim.attribute)
            value = canonical(claim.value)
            stands = live.get(key)
            if stands is not None:
                if stands.id == NEW:
                    continue  # the answer names an attribute twice: its first claim counts
                if is_same(stands.value, value):
                    asserted.append(_assertion(stands, claim))
                    continue
                self._ended.append((at, stands.id))
            live[key] = self._write(answer, claim, value, at)
        self._check(answer, asserted)

    def _write(
        self, answer: Answer, claim: CleanClaim, value: str, at: str | None, superseded: str | None = None
    ) -> Live:
        references = canonical(claim.references)
        self._rows.append(
            (answer.record, claim.attribute, answer.source, value, claim.original, references, self.run,
             answer.lookup, at, superseded)
        )  # fmt: skip
        return Live(
            NEW, answer.record, claim.attribute, answer.source, value, references, claim.original, answer.at
        )

    def _check(self, answer: Answer, asserted: list[Any], *, reread: int = 0) -> None:
        self.confirmed += len(asserted)
        self._checks.append(
            (self.run, answer.record, answer.source, bulk.moment(answer.at), answer.outcome.value, answer.lookup,
             canonical(asserted), reread)
        )  # fmt: skip

    def _flush(self) -> None:
        column = owner_column(self.kind)
        bulk.insert(VALUES, (column, *VALUE_COLUMNS), self._rows)
        bulk.insert(
            CHECKS,
            ("run_id", column, "source_id", "at", "outcome", "lookup_id", "asserted", "reread"),
            self._checks,
        )
        self.written += len(self._rows)
        self._rows, self._checks = [], []


def _assertion(stands: Live, claim: CleanClaim) -> Any:
    """How a check names a claim it confirms: by id, with what it words differently."""
    if stands.original == claim.original and is_same(stands.references, canonical(claim.references)):
        return stands.id
    return [stands.id, list(claim.references), claim.original]


def _standing(live: Collection[Live]) -> dict[int, dict[str, list[Live]]]:
    """The live claims of the attributes that have a new one."""
    standing: dict[int, dict[str, list[Live]]] = {}
    for claim in live:
        if claim.id == NEW:
            standing.setdefault(claim.owner, {})[claim.attribute] = []
    for claim in live:
        attributes = standing.get(claim.owner)
        if attributes is not None and claim.attribute in attributes:
            attributes[claim.attribute].append(claim)
    return standing
