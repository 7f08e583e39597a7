"""Kept answers read anew, and what would change: by a newer reading of them, or without a run."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import transaction

from enrichment import bulk
from enrichment.claims.answers import Answer, CleanClaim
from enrichment.claims.recording import Chunk, hold
from enrichment.claims.settling import settle, touched
from enrichment.claims.state import canonical, lock, speakers
from enrichment.claims.statements import Pair, Row, Said, Told, read
from sources.attributes import Kind

_LAST = 2**62  # the id of a check that is about to be written


@dataclass(frozen=True, slots=True)
class Shift:
    """The claim of a source that stands about an attribute of a record, and the one that would; None: none."""

    kind: Kind
    record: int
    source: int
    attribute: str
    before: Any
    after: Any


def reread(*, run: int, kind: Kind, answers: Sequence[Answer]) -> int:
    """Record what kept answers say when they are read anew; how many claim rows changed.

    Each replaces what the answer of the same lookup was read as before, and is dated as that. Repeating it changes
    nothing. Raises RunUndone.
    """
    with transaction.atomic():
        hold(run)
        owners = lock(kind, sorted({answer.record for answer in answers}))
        told, chunk = read(kind, owners), Chunk(run, kind, owners, speakers())
        for answer in answers:
            checks = told.checks.get((answer.record, answer.source), ())
            is_done = any(said.run == run and said.reread == answer.lookup for said in checks)
            if answer.record in owners and not is_done:
                new, asserted = _compared(told, answer)
                chunk.reread(answer, new, asserted)
        return settle(kind, owners, owners, chunk.speak).claims


def reread_shifts(kind: Kind, answers: Sequence[Answer]) -> Iterator[Shift]:
    """What `reread` would change of the claims that stand; all answers about a record must be among `answers`."""
    told = read(kind, {answer.record for answer in answers})
    ids = count(-1, -1)
    pairs: dict[Pair, None] = {}
    for answer in answers:
        pair, at = (answer.record, answer.source), bulk.read_moment(answer.at)
        new, asserted = _compared(told, answer)
        for claim in new:
            row = Row(next(ids), 0, canonical(claim.value), "[]", "", answer.lookup, superseded=at)
            told.rows.setdefault((pair, claim.attribute), []).append(row)
        said = Said(_LAST + len(pairs), 0, at, answer.lookup, asserted, answer.lookup or 0)
        checks = told.checks.setdefault(pair, [])
        insort(checks, said, key=lambda each: (each.at, each.id))
        pairs[pair] = None
    yield from (shift for shift in _shifts(kind, told) if (shift.record, shift.source) in pairs)


def undo_shifts(run: int, kind: Kind, *, most: int) -> Iterator[tuple[list[int], list[Shift]]]:
    """What undoing a run would change of the claims that stand: records in chunks, about `most` in all."""
    seen = 0
    for ids in touched(kind, run):
        part = ids[: most - seen]
        yield part, list(_shifts(kind, read(kind, part, without_run=run)))
        seen += len(part)
        if seen >= most:
            return


def _shifts(kind: Kind, told: Told) -> Iterator[Shift]:
    """Where the claims that stand are others than those that follow from the checks."""
    for (owner, source), attribute in sorted(told.rows):
        live = next((row.value for row in told.rows[(owner, source), attribute] if row.is_live), None)
        last = None
        for statement, _ in told.segments((owner, source), attribute):
            last = statement.value
        if live != last:
            before, after = (None if text is None else json.loads(text) for text in (live, last))
            yield Shift(kind, owner, source, attribute, before, after)


def _compared(told: Told, answer: Answer) -> tuple[list[CleanClaim], list[Any]]:
    """Of an answer that is read anew the claims that are written, and how those it said before are asserted."""
    pair = (answer.record, answer.source)
    earlier = [said for said in told.checks.get(pair, ()) if said.lookup == answer.lookup]
    new: list[CleanClaim] = []
    asserted: list[Any] = []
    for claim in {claim.attribute: claim for claim in reversed(answer.claims)}.values():
        value = canonical(claim.value)
        stated = (told.states(pair, claim.attribute, said) for said in earlier)
        same = next((each for each in stated if each and each.value == value), None)
        if same is None:
            new.append(claim)
        elif (same.references, same.original) == (canonical(claim.references), claim.original):
            asserted.append(same.row)
        else:
            asserted.append([same.row, list(claim.references), claim.original])
    return new, asserted
