"""`/v1/run`: runs listed, watched and steered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment import reviews, runs, undoing
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, found, nothing, read_body
from enrichment.api.errors import Conflict
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.api.reading import Words
from enrichment.api.run_answers import (
    RUN_STATUSES,
    UPDATED,
    RunAnswer,
    entity_ids,
    run_answer,
    run_answers,
    visible_runs,
)
from enrichment.ids import id_of
from enrichment.models import EnrichmentRun, RunItem, RunOrigin


class StatusWords(Words):
    """Statuses in a query."""

    child = serializers.ChoiceField(choices=RUN_STATUSES)


class RunQuery(PageQuery):
    """Which runs; `agent_id` is an older word for a task's id."""

    status = StatusWords(required=False)
    task_id = IdField(required=False)
    agent_id = IdField(required=False)
    task_type = serializers.CharField(required=False, max_length=60)
    agent_type = serializers.CharField(required=False, max_length=60)
    icp_id = IdField(required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    updated_after = serializers.DateTimeField(required=False)
    updated_before = serializers.DateTimeField(required=False)


class QueueQuery(serializers.Serializer[Any]):
    """Which items of a run."""

    state = serializers.ChoiceField(choices=RunItem.State.choices, required=False)
    include_history = serializers.BooleanField(default=True, help_text="Without effect: all items are kept.")
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)


class ItemAnswer(serializers.Serializer[Any]):
    """One row or record of a run: what was decided about it, and why."""

    id = serializers.CharField()
    position = serializers.IntegerField()
    row_data = serializers.DictField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=RunItem.State.choices)
    reason = serializers.CharField(allow_null=True)
    entity_id = serializers.CharField(allow_null=True)
    record_id = serializers.CharField(allow_null=True)
    strategy = serializers.CharField(help_text="How the row was matched.")
    score = serializers.FloatField(allow_null=True)
    outcomes = serializers.DictField(help_text="By source: outcome, reason, lookup.")
    candidates = serializers.ListField(
        child=serializers.DictField(), help_text="Of an item in review: whom it may be about."
    )


class DecisionBody(serializers.Serializer[Any]):
    """Whom an item is about: a candidate's id, or null for none of them."""

    candidate = serializers.CharField(max_length=100, allow_null=True)


class QueueAnswer(serializers.Serializer[Any]):
    """Items of a run, in the words of V1's guide (`items`) and of its SDK (`entities`)."""

    items = ItemAnswer(many=True)
    entities = ItemAnswer(many=True)
    total = serializers.IntegerField(help_text="Items of the state asked for, or all.")
    completed = serializers.IntegerField()
    discarded = serializers.IntegerField()
    offset = serializers.IntegerField()
    limit = serializers.IntegerField()
    stats = serializers.DictField(child=serializers.IntegerField())
    state_counts = serializers.DictField(child=serializers.IntegerField())
    include_history = serializers.BooleanField()
    queue_data_available = serializers.BooleanField()
    queue_data_message = serializers.CharField(allow_null=True)


class UndoneAnswer(serializers.Serializer[Any]):
    """What undoing touched."""

    records = serializers.IntegerField()
    claims = serializers.IntegerField()
    current_values = serializers.IntegerField()


_SORTABLE = {
    "created_at": "created_at",
    "updated_at": UPDATED,
    "status": "status",
    "name": "name",
    "agent_type": "pk",
}
_PAGE = page_serializer("RunPage", "runs", RunAnswer(many=True))
_FILTERS = {
    "status": "status__in", "created_after": "created_at__gt", "created_before": "created_at__lt",
    "updated_after": "updated_at__gt", "updated_before": "updated_at__lt", "task_id": "origin__task", "agent_id": "origin__task",
}  # fmt: skip


def listed(query: dict[str, Any]) -> QuerySet[EnrichmentRun]:
    """The runs a query asks for."""
    rows = visible_runs().filter(
        **{_FILTERS[name]: value for name, value in query.items() if name in _FILTERS}
    )
    if "icp_id" in query:
        rows = rows.filter(
            Q(origin__profile=query["icp_id"]) | Q(origin=None, sheet__profile=query["icp_id"])
        )
    if query.get("agent_type", "task") != "task":
        rows = rows.none()
    kinds = {
        "enrich": Q(origin__task=None, file_name="", asks=True), "write": Q(origin__task=None, file_name="", asks=False),
    }  # fmt: skip
    if word := query.get("task_type"):
        is_import = Q(origin__task=None) & ~Q(file_name="") if word == "ingest" else Q(pk__in=[])
        rows = rows.filter(kinds.get(word, Q(origin__task__flow=word) | is_import))
    return rows


class RunList(ApiView):
    """All runs."""

    scopes: ClassVar[dict[str, str]] = {"POST": "enrich"}

    @extend_schema(operation_id="run_list", parameters=[RunQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of runs."""
        query = read_query(RunQuery, request)
        return Response(page_of(listed(query), query, plural="runs", shape=run_answers, sortable=_SORTABLE))


class RunOne(ApiView):
    """One run."""

    scopes: ClassVar[dict[str, str]] = {"DELETE": "enrich"}

    @extend_schema(operation_id="run_get", responses=RunAnswer)
    def get(self, request: Request, run_id: int) -> Response:
        """The run."""
        return Response(run_answer(found(visible_runs(), run_id)))

    @extend_schema(operation_id="run_delete", responses={204: None})
    def delete(self, request: Request, run_id: int) -> Response:
        """List a run no more that has ended; its claims and their evidence stay, undo takes them back."""
        run = found(visible_runs(), run_id)
        if run.is_open:
            raise Conflict("The run is going: cancel it first.", "run_active")
        RunOrigin.objects.update_or_create(run=run, defaults={"hidden_at": timezone.now()})
        return nothing()


class RunQueue(ApiView):
    """The items of a run."""

    @extend_schema(operation_id="run_queue", parameters=[QueueQuery], responses=QueueAnswer)
    def get(self, request: Request, run_id: int) -> Response:
        """A part of the items, in their order."""
        run, query = found(visible_runs(), run_id), read_query(QueueQuery, request)
        counts = dict(RunItem.objects.filter(run=run).order_by().values_list("state").annotate(Count("pk")))
        rows = RunItem.objects.filter(run=run).select_related("account", "contact").order_by("position")
        if "state" in query:
            rows = rows.filter(state=query["state"])
        start = query["offset"]
        items = list(rows[start : start + query["limit"]])
        entities = entity_ids(run, items)
        told = [_item(item, getattr(item, f"{run.kind}_id"), entities) for item in items]
        return Response(
            {
                "items": told, "entities": told, "completed": counts.get("completed", 0),
                "total": counts.get(query["state"], 0) if "state" in query else sum(counts.values()),
                "discarded": counts.get("discarded", 0), "offset": start, "limit": query["limit"], "stats": counts,
                "state_counts": counts, "include_history": query["include_history"], "queue_data_available": True,
                "queue_data_message": None,
            }
        )  # fmt: skip


def _item(item: RunItem, record: int | None, entities: dict[int, str]) -> dict[str, Any]:
    owner = item.account or item.contact
    return {
        "id": id_of(item.pk), "position": item.position, "row_data": item.row or {}, "name": str(owner) if owner else "",
        "state": item.state, "reason": item.reason or None, "entity_id": entities.get(record or 0),
        "record_id": id_of(record), "strategy": item.strategy, "score": item.score, "outcomes": item.outcomes,
        "candidates": candidates_of(item),
    }  # fmt: skip


def candidates_of(item: RunItem) -> list[dict[str, Any]]:
    """Whom an item in review may be about, with ids as the API writes them."""
    if item.state != RunItem.State.REVIEW:
        return []
    return [
        each | {"id": _shown_id(each)} for each in item.evidence if isinstance(each, dict) and "id" in each
    ]


def _shown_id(candidate: dict[str, Any]) -> str:
    told = candidate["id"]
    return id_of(told) if isinstance(told, int) else str(told)


class RunItemDecide(ApiView):
    """A doubtful item decided."""

    @extend_schema(operation_id="run_decide", request=DecisionBody, responses=ItemAnswer)
    def post(self, request: Request, run_id: int, item_id: int) -> Response:
        """Say whom an item in review is about: one of its candidates, or none of them (null)."""
        run = found(visible_runs(), run_id)
        item = found(RunItem.objects.select_related("run").filter(run=run), item_id)
        told = read_body(DecisionBody, request)["candidate"]
        known = {
            _shown_id(each): each["id"] for each in item.evidence if isinstance(each, dict) and "id" in each
        }
        try:
            reviews.decide(item, known.get(told, told), user=caller_of(request).label)
        except reviews.ReviewRefused as refused:
            raise Conflict(str(refused), "review_refused") from None
        item = found(RunItem.objects.select_related("account", "contact"), item_id)
        return Response(_item(item, getattr(item, f"{run.kind}_id"), entity_ids(run, [item])))


class _Steering(ApiView, ABC):
    """A change of a run's course; refused where the run is past it."""

    scopes: ClassVar[dict[str, str]] = {"POST": "enrich"}

    @abstractmethod
    def steer(self, run: Any) -> None:
        """What is done; raises RunRefused."""

    def steered(self, run_id: int) -> EnrichmentRun:
        """The run afterwards; 409 where it does not fit."""
        run = found(visible_runs(), run_id)
        try:
            self.steer(run)
        except runs.RunRefused as refused:
            raise Conflict(str(refused), "run_refused") from None
        return found(visible_runs(), run_id)


class RunCancel(_Steering):
    """Ending a run."""

    steer = staticmethod(runs.cancel)

    @extend_schema(operation_id="run_cancel", request=None, responses={204: None})
    def post(self, request: Request, run_id: int) -> Response:
        """End a run; what was answered stays. One that has ended is left as it is."""
        if found(visible_runs(), run_id).is_open:
            self.steered(run_id)
        return nothing()


class RunPause(_Steering):
    """Holding a run."""

    steer = staticmethod(runs.pause)

    @extend_schema(operation_id="run_pause", request=None, responses=RunAnswer)
    def post(self, request: Request, run_id: int) -> Response:
        """Take no further items; those in work end within seconds."""
        return Response(run_answer(self.steered(run_id)))


class RunResume(_Steering):
    """Letting a run go on."""

    steer = staticmethod(runs.resume)

    @extend_schema(operation_id="run_resume", request=None, responses=RunAnswer)
    def post(self, request: Request, run_id: int) -> Response:
        """Go on with a run that was paused."""
        return Response(run_answer(self.steered(run_id)))


class RunUndo(ApiView):
    """Taking a run back."""

    scopes: ClassVar[dict[str, str]] = {"POST": "enrich"}

    @extend_schema(operation_id="run_undo", request=None, responses=UndoneAnswer)
    def post(self, request: Request, run_id: int) -> Response:
        """Leave values as if the run's answers had never been recorded; doing it twice changes nothing."""
        run = found(visible_runs(), run_id)
        if run.is_open:
            raise Conflict("The run is going: cancel it, or let it end.", "run_active")
        undone = undoing.undo(run)
        return Response(
            {"records": undone.records, "claims": undone.claims, "current_values": undone.current}
        )
