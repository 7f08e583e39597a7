"""Tools for runs: what one would cost, starting it under a cap, watching, canceling and undoing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db.models import Count

from enrichment import runs, undoing
from enrichment.agents.selecting import SELECTION, WISHES, selection
from enrichment.agents.tools import PAGED, Agent, Tool, ToolRefused, page, takes
from enrichment.models import EnrichmentRun, RunItem, Scope
from enrichment.operations import health
from enrichment.preview import Preview, SourceQuote, preview
from enrichment.queries import credits_by_source, outcomes_by_source
from enrichment.repeats import start_once
from enrichment.spending import capped, note_origin

_MOST_ATTRIBUTES = 12
_MOST_LEFT_OUT = 10


def plan_run(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a run would ask and cost at most; nobody is asked."""
    chosen = selection(told)
    try:
        seen = preview(
            kind=chosen.kind, records=chosen.records, wanted=chosen.wanted, sources=chosen.sources, asks_next=chosen.next
        )  # fmt: skip
    except runs.RunRefused as refused:
        raise ToolRefused(f"{refused} list_sources shows them.") from None
    return _planned(seen)


def _planned(seen: Preview) -> dict[str, Any]:
    questions = sum(quote.questions for quote in seen.quotes)
    answer: dict[str, Any] = {
        "records": seen.records, "questions": questions, "credits_at_most": seen.credits, "usd_at_most": f"{seen.usd:.2f}",
        "sources": [_quoted(quote) for quote in seen.quotes],
        "left_out": {quote.slug: quote.reason for quote in seen.left_out[:_MOST_LEFT_OUT]},
    }  # fmt: skip
    if more := len(seen.left_out) - _MOST_LEFT_OUT:
        answer |= {"left_out_more": more} if more > 0 else {}
    if not seen.records:
        return answer | {"next": "No record is selected: look with find_records."}
    if not questions:
        return answer | {
            "next": "Everything that can be asked is fresh or lacks an input: a run would ask nobody."
        }
    return answer | {
        "next": f"start_run with the same arguments and max_credits {seen.credits} asks all of this."
    }


def _quoted(quote: SourceQuote) -> dict[str, Any]:
    told = {
        name: value for name, value in asdict(quote).items() if value and name not in ("slug", "label", "usd")
    }
    return {"source": quote.slug} | told


def start_run(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Start a run that costs at most `max_credits`; the same call within seconds gets the same run."""
    caller = f"key:{agent.key.prefix}" if agent.key else agent.name
    try:
        run, is_again = start_once(caller, ["start_run", dict(told)], lambda: _start(agent, told))
    except runs.RunRefused as refused:
        raise ToolRefused(
            f"{refused} plan_run shows who would be asked, and why others are left out."
        ) from None
    answer = {
        "run": run.pk, "status": run.status, "records": run.items.count(), "max_credits": run.credit_limit,
        "next": _waiting(run.pk),
    }  # fmt: skip
    if is_again:
        return answer | {"note": "You started this run a moment ago; nothing was started now."}
    most = run.credit_limit
    return answer | (
        {"note": f"The key has {most} credits left this month."} if most != told["max_credits"] else {}
    )


def _start(agent: Agent, told: Mapping[str, Any]) -> EnrichmentRun:
    """A run in the name of an agent. Raises RunRefused."""
    chosen = selection(told)
    run = runs.start(
        kind=chosen.kind, records=chosen.records, wanted=chosen.wanted, sources=chosen.sources,
        credit_limit=capped(agent.key, int(told["max_credits"])), name=told.get("name") or "", user=agent.owner,
        asks_next=chosen.next,
    )  # fmt: skip
    kept = {name: told[name] for name in ("attributes", "sources", "filters") if told.get(name)}
    note_origin(run, agent.key, parameters=kept | {"agent": agent.name})
    if chosen.sheet:
        EnrichmentRun.objects.filter(pk=run.pk).update(sheet=chosen.sheet)
    return run


def get_run(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """How far a run is, what came of it and what it cost; without a number the newest runs."""
    if told.get("run") is None:
        return _newest(told)
    run = _run(told["run"])
    at = runs.progress(run)
    answer: dict[str, Any] = {
        "run": run.pk, "name": run.name, "status": at.status, "done": at.done, "of": at.total, "percent": at.percent,
        "items": at.by_state, "by_source": outcomes_by_source(run), "credits": credits_by_source(run),
        "max_credits": run.credit_limit, "values_written": run.claims.filter(retracted_at=None).count(),
        "error": at.error,
    }  # fmt: skip
    if follower := EnrichmentRun.objects.filter(follows=run).values_list("pk", flat=True).first():
        answer |= {"follow_up": follower}
    if run.follows_id:
        answer |= {"follows": run.follows_id}
    if run.undone_at:
        return answer | {"undone": f"{run.undone_at:%Y-%m-%d %H:%M} UTC"}
    if run.is_open:
        return answer | {"next": _waiting(run.pk, at.seconds_left)}
    return answer | {
        "next": f"export_records with run {run.pk} gives its rows; undo_run takes its values back."
    }


def _waiting(run: int, seconds: float | None = None) -> str:
    """What to do while a run is going."""
    if not health.look().has_workers:
        return (
            f"No worker is there to carry it out: ask the person to start `manage.py up`, then get_run {run}."
        )
    return f"get_run {run} shows how far it is: ask in about {10 if seconds is None else max(2, round(seconds))} seconds."


def _newest(told: Mapping[str, Any]) -> dict[str, Any]:
    start, end = page(told)
    rows = EnrichmentRun.objects.order_by("-pk")
    total = rows.count()
    shown = [
        {
            "run": run.pk,
            "name": run.name,
            "status": run.status,
            "created": f"{run.created_at:%Y-%m-%d %H:%M} UTC",
        }
        | ({"undone": True} if run.undone_at else {})
        for run in rows[start:end]
    ]
    return {"total": total, "runs": shown} | ({"next_cursor": end} if end < total else {})


def cancel_run(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """End a run that is going; what was answered stays."""
    run = _run(told["run"])
    try:
        runs.cancel(run)
    except runs.RunRefused as refused:
        raise ToolRefused(f"{refused} undo_run takes its values back.") from None
    return {"run": run.pk, "status": "CANCELED", "next": "What was answered stays; undo_run takes it back."}


def undo_run(agent: Agent, told: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of a run back; without `confirm` only say what would go."""
    run = _run(told["run"])
    if run.is_open:
        raise ToolRefused(f"Run {run.pk} is {run.get_status_display()}: cancel_run first, or let it end.")
    if told.get("confirm"):
        undone = undoing.undo(run)
        return {
            "run": run.pk,
            "undone": True,
            "records": undone.records,
            "current_values_changed": undone.current,
        }
    standing = run.claims.filter(retracted_at=None).order_by()
    counts = dict(standing.values_list("attribute").annotate(n=Count("pk")).order_by("-n", "attribute"))
    return {
        "run": run.pk, "name": run.name, "values_that_go": sum(counts.values()),
        "by_attribute": dict(list(counts.items())[:_MOST_ATTRIBUTES]),
        "records_it_made_stay": RunItem.objects.filter(run=run, has_created_record=True).count(),
        "next": "Nothing was changed yet. Ask the person you work for, then call undo_run with confirm true.",
    }  # fmt: skip


def _run(number: int) -> EnrichmentRun:
    run = EnrichmentRun.objects.filter(pk=number).first()
    if run is None:
        raise ToolRefused(f"There is no run {number}. get_run without a number lists the newest.")
    return run


_RUN = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "description": "The number of a run."}
_NAME = {"type": "string", "maxLength": 200, "description": "What people see it called."}
_CAP = {
    "type": "integer", "minimum": 0, "maximum": 2_000_000_000,
    "description": "Credits the run may cost at most; 0 asks only free sources. plan_run says how many all of it costs.",
}  # fmt: skip

TOOLS = (
    Tool(
        "plan_run",
        "Say what enriching records would ask and cost at most. Free, asks nobody. Call it before start_run.",
        takes(**SELECTION, **WISHES),
        plan_run,
    ),
    Tool(
        "start_run",
        "Enrich records: ask sources about them. Spends credits up to max_credits, so plan_run first.",
        takes("max_credits", **SELECTION, **WISHES, max_credits=_CAP, name=_NAME),
        start_run, Scope.ENRICH.value, changes=True,
    ),
    Tool(
        "get_run",
        "Watch a run: progress, outcomes by source, credits spent. Without a number: the newest runs.",
        takes(run=_RUN, **PAGED),
        get_run,
    ),
    Tool(
        "cancel_run",
        "End a run that is going; what was answered stays.",
        takes("run", run=_RUN),
        cancel_run, Scope.ENRICH.value, changes=True,
    ),
    Tool(
        "undo_run",
        "Take back every value that a run wrote. Without confirm it only says what would go.",
        takes("run", run=_RUN, confirm={"type": "boolean"}),
        undo_run, Scope.ENRICH.value, changes=True, undoes=True,
    ),
)  # fmt: skip
