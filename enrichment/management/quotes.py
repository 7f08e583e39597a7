"""What a dry run prints: the questions of a run and what they cost at most."""

from __future__ import annotations

from typing import Any

from crm.models import Account, Contact
from enrichment.models import EnrichmentRun
from enrichment.plan import Plan
from enrichment.preview import Preview, SourceQuote, preview
from enrichment.wishes import Wishes, sources_of
from sources.attributes import Kind


def quote_lines(run: EnrichmentRun, wishes: Wishes) -> list[str]:
    """The rows of an import, and what its records and their companies would be asked."""
    told = run.summary
    discarded = sum(told["discarded"].values())
    lines = [
        f"Dry run of {run.file_name}: {told['rows']:,} rows, {told['matched']:,} matched, {told['created']:,} new, "
        f"{told['merged']:,} merged, {told['review']:,} for review, {discarded:,} discarded",
    ]
    for kind, plan in wishes.plans.items():
        is_next = wishes.people is not None and kind is Kind.CONTACT
        lines += _people_lines(run, plan) if is_next else _kind_lines(run, wishes, kind)
    return [*lines, "", "Nobody was asked and nothing was stored."]


def _kind_lines(run: EnrichmentRun, wishes: Wishes, kind: Kind) -> list[str]:
    """What would be asked about the records of one kind, and who is left out."""
    records: Any = (Account if kind is Kind.ACCOUNT else Contact).objects
    path = kind.value if kind is wishes.kind else "contact__account"
    found = records.filter(pk__in=run.items.exclude(**{path: None}).values(path))
    items = run.items.exclude(row=None) if kind is wishes.kind else run.items.none()
    rows = {pk: row for pk, row in items.values_list(path, "row") if pk}
    who = sources_of(kind, wishes.kind, wishes.sources) or ()
    seen = preview(kind=kind, records=found, wanted=wishes.wanted(kind), sources=who, rows=rows)
    heading = "Source" if kind is wishes.kind else "Source, about their companies"
    lines = [
        "",
        f"{heading:30}{'questions':>10}{'fresh':>8}{'cached':>8}{'no input':>10}{'at most':>14}{'budget left':>13}",
    ]
    lines += [_quote_line(quote) for quote in seen.quotes]
    lines.append(_total_line(seen))
    lines += _later_lines(seen, wishes.plans[kind])
    if seen.left_out:
        lines += ["", "Left out", *(f"  {left.slug:28}{left.reason}" for left in seen.left_out)]
    return lines


def _people_lines(run: EnrichmentRun, plan: Plan) -> list[str]:
    """What would be asked at most about the chief executives of the companies: who they are is not known yet."""
    most = run.items.exclude(account=None).values("account").distinct().count()
    lines = ["", f"{'Source, about their chief executives':40}{'at most':>24}"]
    lines += [f"{step.source.slug:30}{most:10,}{_price(most * step.source.cost):>24}" for step in plan.steps]
    return lines


def _quote_line(quote: SourceQuote) -> str:
    left = "no limit" if quote.budget_left is None else f"{quote.budget_left:,}"
    return (
        f"{quote.slug:30}{quote.questions:10,}{quote.fresh:8,}{quote.cached:8,}{quote.missing_input:10,}"
        f"{_price(quote.credits):>14}{left:>13}"
    )


def _total_line(seen: Preview) -> str:
    questions = sum(quote.questions for quote in seen.quotes)
    price = _price(seen.credits) + (f", {seen.usd:,.2f} USD" if seen.usd else "")
    return f"In all {questions:,} questions about {seen.records:,} records, at most: {price}"


def _later_lines(seen: Preview, plan: Plan) -> list[str]:
    """Records that lack an input now, which another source may find: those questions come on top."""
    lines = []
    for quote in seen.quotes:
        step = next(step for step in plan.steps if step.source.slug == quote.slug)
        given = {slug for other in plan.steps if other is not step for slug in other.gives}
        inputs = {name for need in step.adapter.needs for name in need}
        if quote.missing_input and inputs & given:
            more = _price(quote.missing_input * step.source.cost)
            lines.append(
                f"  {quote.slug}: {quote.missing_input:,} more ({more}) where other sources find its input"
            )
    return ["", "May be asked too", *lines] if lines else []


def _price(credits: int) -> str:
    return "free" if not credits else "1 credit" if credits == 1 else f"{credits:,} credits"
