"""What a run would ask and cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from enrichment import budget, bulk, ledger
from enrichment.claims.state import owner_column
from enrichment.models import Freshness
from enrichment.plan import Step
from enrichment.runs import plan_for
from enrichment.subjects import has_inputs, subject_of
from sources.attributes import Kind

_CHUNK = 2000

Rows = Mapping[int, Mapping[str, str]]
"""The cells of spreadsheet rows by the id of the record that they are about."""


@dataclass(frozen=True, slots=True)
class SourceQuote:
    """What a source would be asked: questions, what is known already, worst-case credits and USD.

    `about`: "" for the records of the run, else whom its follow-up asks about.
    """

    slug: str
    label: str
    about: str = ""
    questions: int = 0
    fresh: int = 0
    cached: int = 0
    missing_input: int = 0
    credits: int = 0
    usd: Decimal = Decimal(0)
    budget_left: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The quotes of a run over `records` records, and the sources left out with their reasons."""

    records: int
    quotes: tuple[SourceQuote, ...]
    left_out: tuple[SourceQuote, ...]
    credits: int
    usd: Decimal


class _Tally:
    """Counts for one step over all records."""

    def __init__(self, step: Step, kind: Kind, rows: Rows) -> None:
        self.step, self.kind, self.column, self.rows = step, kind, owner_column(kind), rows
        self.fresh = self.cached = self.missing = 0
        self.asked: set[str] = set()

    def add(self, records: Iterable[Any]) -> None:
        source, adapter = self.step.source, self.step.adapter
        asked: dict[int, dict[str, Any]] = {}
        priorities: dict[int, str] = {}
        for record in records:
            subject = subject_of(record, row=self.rows.get(record.pk))
            priorities[record.pk] = record.priority
            if self.step.is_needless(subject):
                continue
            if has_inputs(subject, adapter.needs):
                asked[record.pk] = ledger.question(adapter, subject)
            else:
                self.missing += 1
        keys = {pk: ledger.key_of(source, question) for pk, question in asked.items()}
        answered = self._answered(asked, keys)
        self.fresh += len(answered)
        todo = {pk: key for pk, key in keys.items() if pk not in answered}
        asking: dict[str, set[str]] = {}
        for pk, key in todo.items():
            asking.setdefault(key, set()).add(priorities[pk])
        known = ledger.fresh_keys(source, asking)
        self.cached += sum(key in known for key in todo.values())
        self.asked |= {key for key in todo.values() if key not in known}

    def _answered(self, asked: dict[int, dict[str, Any]], keys: dict[int, str]) -> set[int]:
        """The records whose answer needs no new question, as the engine sees it."""
        now = bulk.clock()
        rows = Freshness.objects.filter(source=self.step.source, **{f"{self.column}__in": list(asked)})
        known = {
            owner: key
            for owner, key, due in rows.values_list(self.column, "key", "due_at")
            if due is None or due > now
        }
        same = {owner for owner, key in known.items() if keys[owner] == key}
        grown = {owner: asked[owner] for owner in known if owner not in same}
        return same | ledger.still_answered(self.kind, self.step.source, grown)

    def quote(self) -> SourceQuote:
        source, questions = self.step.source, len(self.asked)
        credits = questions * source.cost
        return SourceQuote(
            slug=source.slug, label=source.label, questions=questions, fresh=self.fresh, cached=self.cached,
            missing_input=self.missing, credits=credits, usd=credits * source.credit_price,
            budget_left=budget.left(source, bulk.clock()),
        )  # fmt: skip


def _at_most(step: Step, people: int) -> SourceQuote:
    source, credits = step.source, people * step.source.cost
    return SourceQuote(
        slug=source.slug, label=source.label, about="chief executive", questions=people, credits=credits,
        usd=credits * source.credit_price, budget_left=budget.left(source, bulk.clock()),
    )  # fmt: skip


def preview(
    *,
    kind: Kind,
    records: QuerySet[Any],
    wanted: Sequence[str] = (),
    sources: Sequence[str] = (),
    rows: Rows | None = None,
    asks_next: Mapping[str, Sequence[str]] | None = None,
) -> Preview:
    """Count what a run over `records` would ask; reads in chunks, asks nobody. Raises RunRefused.

    `rows`: what the spreadsheet says of them, for sources that read its cells. `asks_next`: what is asked next of the
    people whom companies name; who they are is not known yet, so each is counted.
    """
    plan = plan_for(kind, wanted=wanted, sources=sources)
    tallies = [_Tally(step, kind, rows or {}) for step in plan.steps]
    total = 0
    in_order = (
        records.order_by("pk") if kind is Kind.ACCOUNT else records.select_related("account").order_by("pk")
    )
    stream = in_order.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(stream, _CHUNK)):
        total += len(chunk)
        for tally in tallies:
            tally.add(chunk)
    quotes = tuple(tally.quote() for tally in tallies)
    if asks_next:
        people = plan_for(Kind.CONTACT, wanted=asks_next["wanted"], sources=asks_next["sources"])
        quotes += tuple(_at_most(step, total) for step in people.steps)
    left_out = tuple(
        SourceQuote(left.source.slug, left.source.label, reason=left.reason) for left in plan.left_out
    )
    return Preview(
        total, quotes, left_out, sum(q.credits for q in quotes), sum((q.usd for q in quotes), Decimal(0))
    )
