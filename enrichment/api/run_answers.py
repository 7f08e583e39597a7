"""Runs as the API tells of them: status, progress, cost, and what became of the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, DateTimeField, F, QuerySet, Sum
from django.db.models.functions import Coalesce
from rest_framework import serializers

from crm.models import SheetEntry
from crm.profiles import TYPE_OF
from enrichment.ids import id_of
from enrichment.models import EnrichmentRun, Lookup, RunItem, RunOrigin
from enrichment.queries import made_by
from sources.attributes import Kind

UPDATED = Coalesce("finished_at", "started_at", "created_at", output_field=DateTimeField())
RUN_STATUSES = EnrichmentRun.Status.values


class ProgressAnswer(serializers.Serializer[Any]):
    """How far a run is."""

    completed = serializers.IntegerField(help_text="Items in a final state, whichever.")
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    by_state = serializers.DictField(child=serializers.IntegerField())


class CreditsAnswer(serializers.Serializer[Any]):
    """What a run has cost."""

    total_credits = serializers.IntegerField()
    breakdown = serializers.DictField(child=serializers.IntegerField(), help_text="By source.")


class ResourcesAnswer(serializers.Serializer[Any]):
    """Entities the run made and changed, the first thousand of each; empty in lists."""

    entities_created = serializers.ListField(child=serializers.CharField())
    entities_updated = serializers.ListField(child=serializers.CharField())
    signals_created = serializers.ListField(child=serializers.CharField())


class OutputAnswer(serializers.Serializer[Any]):
    """What came out of a run."""

    version = serializers.CharField()
    credits = CreditsAnswer()
    resources = ResourcesAnswer()
    run_time = serializers.FloatField(allow_null=True, help_text="Seconds.")
    sources = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="Outcomes by source, once it ended.",
    )


class RunAnswer(serializers.Serializer[Any]):
    """A run."""

    id = serializers.CharField()
    name = serializers.CharField()
    task_id = serializers.CharField(allow_null=True)
    icp_id = serializers.CharField(allow_null=True)
    sheet_id = serializers.CharField(allow_null=True)
    agent_type = serializers.CharField()
    task_type = serializers.CharField()
    entity_type = serializers.ChoiceField(choices=list(TYPE_OF.values()))
    flow_run_id = serializers.CharField()
    status = serializers.ChoiceField(choices=RUN_STATUSES)
    progress = ProgressAnswer()
    input = serializers.DictField()
    output = OutputAnswer()
    error = serializers.CharField(allow_null=True)
    credit_limit = serializers.IntegerField(allow_null=True)
    follow_up_id = serializers.CharField(
        allow_null=True, help_text="The run about the people of its companies; the cap holds for both."
    )
    follows_id = serializers.CharField(allow_null=True, help_text="The run whose follow-up it is.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)


def visible_runs() -> QuerySet[EnrichmentRun]:
    """The runs that nobody deleted over the API, with what their answers need."""
    rows = EnrichmentRun.objects.exclude(origin__hidden_at__isnull=False)
    return rows.select_related("origin__task", "sheet").annotate(
        updated_at=UPDATED, follow_up_run=F("follow_up__pk")
    )


def run_answers(runs: Sequence[Any]) -> list[dict[str, Any]]:
    """Runs of a list (two queries)."""
    ids = [run.pk for run in runs]
    counts: dict[int, dict[str, int]] = {}
    items = RunItem.objects.filter(run__in=ids).order_by().values_list("run", "state").annotate(Count("pk"))
    for run, state, count in items:
        counts.setdefault(run, {})[state] = count
    costs: dict[int, dict[str, int]] = {}
    lookups = Lookup.objects.filter(run__in=ids, cost__gt=0).order_by()
    for pk, source, cost in lookups.values_list("run", "source__slug").annotate(Sum("cost")):
        costs.setdefault(pk or 0, {})[source] = cost
    return [_answer(run, counts.get(run.pk, {}), costs.get(run.pk, {})) for run in runs]


def run_answer(run: Any) -> dict[str, Any]:
    """One run, with the entities it made and changed."""
    (told,) = run_answers([run])
    told["output"]["resources"] = {name: [id_of(pk) for pk in ids] for name, ids in made_by(run).items()}
    return told


def _answer(run: Any, by_state: Mapping[str, int], costs: Mapping[str, int]) -> dict[str, Any]:
    origin: RunOrigin | None = getattr(run, "origin", None)
    total = sum(by_state.values())
    done = total - sum(by_state.get(state, 0) for state in RunItem.OPEN)
    profile = origin.profile_id if origin else (run.sheet.profile_id if run.sheet else None)
    return {
        "id": id_of(run.pk), "flow_run_id": id_of(run.pk), "name": run.name, "status": run.status,
        "task_id": id_of(origin.task_id) if origin else None, "icp_id": id_of(profile), "sheet_id": id_of(run.sheet_id),
        "agent_type": "task", "task_type": task_type(run, origin), "entity_type": TYPE_OF[Kind(run.kind)],
        "progress": {
            "completed": done, "total": total, "percent": int(100 * done / total) if total else 100 * (not run.is_open),
            "by_state": dict(by_state),
        },
        "input": _input(run, origin), "output": _output(run, costs), "error": run.error or None,
        "credit_limit": run.credit_limit, "follow_up_id": id_of(run.follow_up_run), "follows_id": id_of(run.follows_id),
        "created_at": _z(run.created_at), "updated_at": _z(run.updated_at), "started_at": _z(run.started_at),
        "finished_at": _z(run.finished_at), "undone_at": _z(run.undone_at),
    }  # fmt: skip


def task_type(run: Any, origin: RunOrigin | None) -> str:
    """What a run does: the flow of its task, else enrich, import or write."""
    if origin and origin.task:
        return origin.task.flow
    if run.file_name:
        return "ingest"
    return "enrich" if run.asks else "write"


def _input(run: Any, origin: RunOrigin | None) -> dict[str, Any]:
    told: dict[str, Any] = {"wanted": run.wanted, "sources": run.sources, "unmatched": run.unmatched}
    if run.file_name:
        told["file_name"] = run.file_name
    if origin:
        told |= {"parameters": origin.parameters, "task_config": origin.config}
    return told


def _output(run: Any, costs: Mapping[str, int]) -> dict[str, Any]:
    seconds = (
        (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    )
    return {
        "version": "1", "run_time": seconds, "sources": run.summary.get("sources", {}),
        "credits": {"total_credits": sum(costs.values()), "breakdown": dict(costs)},
        "resources": {"entities_created": [], "entities_updated": [], "signals_created": []},
    }  # fmt: skip


def entity_ids(run: Any, items: Sequence[RunItem]) -> dict[int, str]:
    """The entity of each item's record in the run's sheet, by record id."""
    records = [getattr(item, f"{run.kind}_id") for item in items]
    rows = SheetEntry.objects.filter(
        sheet=run.sheet_id, **{f"{run.kind}__in": [each for each in records if each]}
    )
    return {
        owner: id_of(pk) for owner, pk in rows.annotate(owner=F(f"{run.kind}_id")).values_list("owner", "pk")
    }


def _z(at: datetime | None) -> str | None:
    return serializers.DateTimeField().to_representation(at) if at else None
