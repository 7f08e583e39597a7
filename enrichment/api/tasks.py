"""`/v1/task`: what to do with a file, and doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm import monitoring, researching
from crm.ingesting import Order, execute
from crm.models import IdealCustomerProfile, Sheet
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, found, named, nothing, read_body
from enrichment.api.errors import Conflict, Unprocessable
from enrichment.api.idempotency import ONCE, is_retry, made_once, once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.api.task_configs import DISCOVERY, ConfigField
from enrichment.ids import id_of
from enrichment.models import ApiTask, EnrichmentRun
from enrichment.names import UnknownName
from enrichment.runs import RunRefused

_MOST_CREDITS = 2_000_000_000


class TaskBody(serializers.Serializer[Any]):
    """A task as it is written; any `deployment_name` is taken."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=50_000, allow_blank=True, default="")
    flow_name = serializers.CharField(max_length=60, help_text="ingest, profile or signal")
    deployment_name = serializers.CharField(max_length=200, default="main")
    icp_id = IdField(required=False, allow_null=True)
    sheet_id = IdField(
        required=False, allow_null=True, help_text="Where the rows go; else the profile's sheet."
    )
    prompt = serializers.CharField(max_length=50_000, required=False, allow_null=True, allow_blank=True)
    task_config = ConfigField(
        required=False, allow_null=True, help_text="What is done; a profile task can say its prompt alone."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A task says what is done."""
        if attrs.get("task_config"):
            return attrs
        if attrs["flow_name"] != researching.TYPE or not attrs.get("prompt"):
            raise ValidationError({"task_config": ["Say what is done: an object with a type."]})
        return attrs | {"task_config": ConfigField().run_validation({"prompt": attrs["prompt"]})}


class TaskChange(serializers.Serializer[Any]):
    """What is to change of a task; null leaves a field as it is, and the flow stays."""

    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    description = serializers.CharField(max_length=50_000, allow_blank=True, required=False, allow_null=True)
    deployment_name = serializers.CharField(max_length=200, required=False, allow_null=True)
    icp_id = IdField(required=False, allow_null=True)
    sheet_id = IdField(required=False, allow_null=True)
    prompt = serializers.CharField(max_length=50_000, required=False, allow_null=True, allow_blank=True)
    task_config = ConfigField(required=False, allow_null=True)


class TaskAnswer(serializers.Serializer[Any]):
    """A task."""

    id = IdField(source="pk")
    name = serializers.CharField()
    description = serializers.CharField()
    flow_name = serializers.CharField(source="flow")
    deployment_name = serializers.CharField(source="deployment")
    icp_id = IdField(source="profile_id", allow_null=True)
    sheet_id = IdField(allow_null=True)
    prompt = serializers.CharField(allow_null=True)
    task_config = serializers.DictField(source="config")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TaskQuery(PageQuery):
    """Which tasks."""

    flow_name = serializers.CharField(required=False, max_length=60)


class Parameters(serializers.Serializer[Any]):
    """How a task is to be carried out this time; further names are kept, without effect."""

    credit_limit = serializers.IntegerField(
        min_value=0, max_value=_MOST_CREDITS, required=False, allow_null=True
    )
    sources = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=200, required=False
    )
    unmatched = serializers.ChoiceField(choices=EnrichmentRun.Unmatched.choices, required=False)
    input_entities = serializers.ListField(
        child=IdField(), max_length=10_000, required=False,
        help_text="The entities that a profile or signal task is about this time; empty: all.",
    )  # fmt: skip


class ParametersField(serializers.DictField):
    """Parameters; those that are known are checked."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """All of them, the known ones in their types."""
        value: dict[str, Any] = super().to_internal_value(data)
        reader = Parameters(data=value)
        reader.is_valid(raise_exception=True)
        return value | dict(reader.data)


class ExecuteBody(serializers.Serializer[Any]):
    """For which profile, and how."""

    icp_id = IdField(required=False, allow_null=True)
    parameters = ParametersField(required=False)


class ExecuteAnswer(serializers.Serializer[Any]):
    """The run that was made; ask for it at /v1/run."""

    run_id = serializers.CharField()
    flow_run_id = serializers.CharField()
    status = serializers.CharField()


_SORTABLE = {"created_at": "created_at", "updated_at": "updated_at", "name": "name"}
_PAGE = page_serializer("TaskPage", "tasks", TaskAnswer(many=True))


def _shape(rows: Sequence[ApiTask]) -> list[Any]:
    return list(TaskAnswer(rows, many=True).data)


def _set(task: ApiTask, told: dict[str, Any]) -> ApiTask:
    """Set what is told; ids that lead nowhere are refused."""
    task.profile = named(IdealCustomerProfile.objects.all(), told.get("icp_id"), "icp_id") or task.profile
    config = told.get("task_config") or task.config
    is_same_list = config.get("type") != monitoring.CSV or config.get("file_id") == task.config.get("file_id")
    sheet = named(Sheet.objects.all(), told.get("sheet_id"), "sheet_id")
    task.sheet = sheet or (task.sheet if is_same_list else None)  # another file is watched in another sheet
    columns = {
        "name": "name", "description": "description", "flow_name": "flow", "deployment_name": "deployment", "prompt": "prompt",
        "task_config": "config",
    }  # fmt: skip
    for name, column in columns.items():
        if told.get(name) is not None:
            setattr(task, column, told[name])
    with transaction.atomic():
        task.save()
        monitoring.set_rules(task)
    return task


class TaskList(ApiView):
    """All tasks."""

    @extend_schema(operation_id="task_list", parameters=[TaskQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of tasks."""
        query = read_query(TaskQuery, request)
        rows = ApiTask.objects.all()
        if "flow_name" in query:
            rows = rows.filter(flow=query["flow_name"])
        return Response(page_of(rows, query, plural="tasks", shape=_shape, sortable=_SORTABLE))

    @extend_schema(
        operation_id="task_create", request=TaskBody, responses={201: TaskAnswer}, parameters=[ONCE]
    )
    def post(self, request: Request) -> Response:
        """Make a task; one that could not be carried out is refused now."""
        if isinstance(request.data, dict) and request.data.get("flow_name") == "search":
            raise Unprocessable(DISCOVERY, "discovery", "flow_name")
        told = read_body(TaskBody, request)
        return made_once(request, lambda: Response(TaskAnswer(_set(ApiTask(), told)).data, status=201))


class TaskOne(ApiView):
    """One task."""

    @extend_schema(operation_id="task_get", responses=TaskAnswer)
    def get(self, request: Request, task_id: int) -> Response:
        """The task."""
        return Response(TaskAnswer(found(ApiTask.objects.all(), task_id)).data)

    @extend_schema(operation_id="task_update", request=TaskChange, responses={204: None})
    def put(self, request: Request, task_id: int) -> Response:
        """Change what is given."""
        _set(found(ApiTask.objects.all(), task_id), read_body(TaskChange, request))
        return nothing()

    @extend_schema(operation_id="task_delete", responses={204: None})
    def delete(self, request: Request, task_id: int) -> Response:
        """Delete a task that no run is going of; its runs stay."""
        with transaction.atomic():
            task = found(ApiTask.objects.select_for_update(), task_id)
            if EnrichmentRun.objects.filter(origin__task=task, status__in=EnrichmentRun.OPEN).exists():
                raise Conflict("A run of this task is going: cancel it, or let it end.", "run_active")
            task.delete()
        return nothing()


class TaskExecute(ApiView):
    """Carrying out a task."""

    scopes: ClassVar[dict[str, str]] = {"POST": "enrich"}

    @extend_schema(
        operation_id="task_execute", request=ExecuteBody, responses=ExecuteAnswer, parameters=[ONCE]
    )
    def post(self, request: Request, task_id: int) -> Response:
        """Start a run. The same request within ten seconds, or one that says it is a retry, gets the same run."""
        task = found(ApiTask.objects.all(), task_id)
        told = read_body(ExecuteBody, request)
        return once(
            request,
            lambda: Response(start_of(request, task, told.get("icp_id"), told.get("parameters") or {})),
        )


def start_of(
    request: Request, task: ApiTask, icp_id: int | None, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Execute a task for whoever calls; the answer. Raises Unprocessable."""
    caller = caller_of(request)
    order = Order(
        profile=named(IdealCustomerProfile.objects.all(), icp_id, "icp_id"), parameters=parameters, key=caller.key,
        user=caller.owner, is_retry=is_retry(request),
    )  # fmt: skip
    try:
        run = execute(task, order)
    except (RunRefused, UnknownName) as refused:
        raise Unprocessable(str(refused), "run_refused") from None
    return {"run_id": id_of(run.pk), "flow_run_id": id_of(run.pk), "status": run.status}
