"""`POST /v1/run` and `/v1/plan`: enriching records that are there, and what that would cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.sheets import EntityTypeField
from crm.models import IdealCustomerProfile, Sheet
from crm.profiles import TYPE_OF
from crm.selections import Selection, SelectionRefused, select
from enrichment import runs
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, found, named, read_body
from enrichment.api.errors import Unprocessable
from enrichment.api.idempotency import ONCE, once, started_once
from enrichment.api.ids import IdField
from enrichment.api.run_answers import RunAnswer, run_answer, visible_runs
from enrichment.api.runs import RunList
from enrichment.api.tasks import ExecuteBody, start_of
from enrichment.ids import id_of
from enrichment.models import ApiTask, EnrichmentRun
from enrichment.preview import Preview, SourceQuote, preview
from enrichment.queries import Op
from enrichment.spending import capped, note_origin

_MOST_IDS = 10_000


class Condition(serializers.Serializer[Any]):
    """A condition on a value, as the admin's filters have it."""

    attribute = serializers.CharField(max_length=60)
    op = serializers.ChoiceField(choices=Op.choices)
    value = serializers.CharField(max_length=500, required=False, allow_blank=True)


class SelectionBody(serializers.Serializer[Any]):
    """Which records (ids, a sheet, a profile, or conditions), and what is wanted of them.

    Without `attributes` what the sheet or profile asks for is wanted, else everything; without `sources` all that are on
    are asked.
    """

    entity_ids = serializers.ListField(child=IdField(), max_length=_MOST_IDS, required=False)
    account_ids = serializers.ListField(child=IdField(), max_length=_MOST_IDS, required=False)
    contact_ids = serializers.ListField(child=IdField(), max_length=_MOST_IDS, required=False)
    sheet_id = IdField(required=False, allow_null=True)
    icp_id = IdField(required=False, allow_null=True)
    entity_type = EntityTypeField(required=False)
    filters = serializers.ListField(child=Condition(), max_length=20, required=False)
    attributes = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=200, required=False
    )
    sources = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=200, required=False
    )


class RunBody(SelectionBody):
    """A run over records."""

    name = serializers.CharField(max_length=200, required=False)
    credit_limit = serializers.IntegerField(
        min_value=0,
        max_value=2_000_000_000,
        required=False,
        allow_null=True,
        help_text="Credits the run may cost.",
    )


class AgentBody(ExecuteBody):
    """The older way to execute a task: its id is `agent_id`."""

    agent_id = IdField()


class QuoteAnswer(serializers.Serializer[Any]):
    """What a source would be asked."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    about = serializers.CharField(help_text="Whom it is asked about, when not the records themselves.")
    questions = serializers.IntegerField()
    fresh = serializers.IntegerField(help_text="Records whose answer is still fresh.")
    cached = serializers.IntegerField(help_text="Records whose question was answered for another one.")
    missing_input = serializers.IntegerField()
    credits = serializers.IntegerField(help_text="At most.")
    usd = serializers.DecimalField(max_digits=20, decimal_places=6)
    budget_left = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(help_text="Why it is left out.")


class PlanAnswer(serializers.Serializer[Any]):
    """What a run would ask, and cost at most."""

    entity_type = serializers.ChoiceField(choices=list(TYPE_OF.values()))
    records = serializers.IntegerField()
    attributes = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    sources = QuoteAnswer(many=True)
    left_out = QuoteAnswer(many=True)
    credits = serializers.IntegerField()
    usd = serializers.DecimalField(max_digits=20, decimal_places=6)


class Plan(ApiView):
    """A dry run."""

    scopes: ClassVar[dict[str, str]] = {"POST": "read"}

    @extend_schema(operation_id="plan", request=SelectionBody, responses=PlanAnswer)
    def post(self, request: Request) -> Response:
        """How many questions a run would put to whom, how many are free, and the worst-case cost; asks nobody."""
        chosen = _selection(read_body(SelectionBody, request))
        seen = preview(
            kind=chosen.kind, records=chosen.records, wanted=chosen.wanted, sources=chosen.sources, asks_next=chosen.next
        )  # fmt: skip
        return Response(PlanAnswer(_told(chosen, seen)).data)


class RunStart(RunList):
    """Runs listed, and started."""

    _FORMS = PolymorphicProxySerializer(
        component_name="RunStartBody",
        serializers=[RunBody, AgentBody],
        resource_type_field_name=None,
        many=False,
    )

    @extend_schema(operation_id="run_create", request=_FORMS, responses={201: RunAnswer}, parameters=[ONCE])
    def post(self, request: Request) -> Response:
        """Enrich records; with `agent_id` execute a task."""
        if isinstance(request.data, dict) and "agent_id" in request.data:
            told = read_body(AgentBody, request)
            task = named(ApiTask.objects.all(), told["agent_id"], "agent_id")
            if task is None:
                raise Unprocessable("Name the task.", "unknown_id", "agent_id")
            return once(request, lambda: self._executed(request, task, told))
        body = read_body(RunBody, request)
        return started_once(request, lambda: _started(request, body), _told_of)

    def _executed(self, request: Request, task: ApiTask, told: dict[str, Any]) -> Response:
        started = start_of(request, task, told.get("icp_id"), told.get("parameters") or {})
        run = found(visible_runs(), int(started["run_id"], 16))
        return Response(run_answer(run) | started, status=201)


def _selection(told: dict[str, Any]) -> Selection:
    told["sheet"] = named(Sheet.objects.select_related("profile"), told.pop("sheet_id", None), "sheet_id")
    told["profile"] = named(IdealCustomerProfile.objects.all(), told.pop("icp_id", None), "icp_id")
    told["kind"] = told.pop("entity_type", None)
    try:
        return select(told)
    except SelectionRefused as refused:
        raise Unprocessable(str(refused), "selection_refused", refused.field) from None


def _started(request: Request, told: dict[str, Any]) -> EnrichmentRun:
    """Start a run for whoever calls."""
    caller, chosen = caller_of(request), _selection(dict(told))
    try:
        run = runs.start(
            kind=chosen.kind, records=chosen.records, wanted=chosen.wanted, sources=chosen.sources, name=told.get("name", ""),
            credit_limit=capped(caller.key, told.get("credit_limit")), user=caller.owner, asks_next=chosen.next,
        )  # fmt: skip
    except runs.RunRefused as refused:
        raise Unprocessable(str(refused), "run_refused") from None
    if chosen.sheet:
        EnrichmentRun.objects.filter(pk=run.pk).update(sheet=chosen.sheet)
    profile = chosen.profile or (chosen.sheet.profile if chosen.sheet else None)
    note_origin(run, caller.key, profile=profile, parameters=_kept(told))
    return run


def _told_of(run: EnrichmentRun) -> dict[str, Any]:
    return run_answer(found(visible_runs(), run.pk)) | {"run_id": id_of(run.pk)}


def _kept(told: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, without lists of ids, which the items of the run hold."""
    return {
        name: told[name] for name in ("attributes", "sources", "credit_limit", "filters") if told.get(name)
    }


def _told(chosen: Selection, seen: Preview) -> dict[str, Any]:
    return {
        "entity_type": TYPE_OF[chosen.kind], "records": seen.records, "attributes": list(chosen.wanted),
        "sources": list(map(_quote, seen.quotes)), "left_out": list(map(_quote, seen.left_out)),
        "credits": seen.credits, "usd": seen.usd,
    }  # fmt: skip


def _quote(quote: SourceQuote) -> dict[str, Any]:
    return asdict(quote)
