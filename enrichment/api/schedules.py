"""`/v1/schedule`: tasks that are executed by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import IdealCustomerProfile
from crm.timetable import ScheduleRefused, write_schedule
from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView, found, named, nothing, read_body
from enrichment.api.errors import Unprocessable
from enrichment.api.idempotency import ONCE, made_once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.api.tasks import ParametersField
from enrichment.models import ApiSchedule, ApiTask

_CRON = "Five fields, in UTC, once a day at most: 0 3 * * * daily, 0 3 * * 1 weekly, 0 3 1 * * monthly."
_STATUSES = ApiSchedule.Status.values


class ScheduleBody(serializers.Serializer[Any]):
    """A schedule as it is written."""

    name = serializers.CharField(max_length=200)
    task_id = IdField()
    icp_id = IdField()
    cron_expression = serializers.CharField(max_length=100, help_text=_CRON)
    description = serializers.CharField(max_length=50_000, allow_blank=True, allow_null=True, required=False)
    parameters = ParametersField(required=False)


class ScheduleChange(serializers.Serializer[Any]):
    """What is to change of a schedule; null leaves a field as it is."""

    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    cron_expression = serializers.CharField(max_length=100, required=False, allow_null=True, help_text=_CRON)
    description = serializers.CharField(max_length=50_000, allow_blank=True, required=False, allow_null=True)
    parameters = ParametersField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=_STATUSES, required=False, allow_null=True)


class ScheduleAnswer(serializers.Serializer[Any]):
    """A schedule; `note` says why its last moment made no run."""

    id = IdField(source="pk")
    name = serializers.CharField()
    task_id = IdField()
    icp_id = IdField(source="profile_id")
    cron_expression = serializers.CharField(source="cron")
    status = serializers.ChoiceField(choices=_STATUSES)
    description = serializers.CharField()
    parameters = serializers.DictField()
    next_at = serializers.DateTimeField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ScheduleQuery(PageQuery):
    """Which schedules."""

    icp_id = IdField(required=False)
    task_id = IdField(required=False)
    status = serializers.ChoiceField(choices=_STATUSES, required=False)


_SORTABLE = {"created_at": "created_at", "updated_at": "updated_at", "name": "name", "next_at": "next_at"}
_PAGE = page_serializer("SchedulePage", "schedules", ScheduleAnswer(many=True))
_COLUMNS = {"cron_expression": "cron"}
_FILTERS = {"icp_id": "profile", "task_id": "task", "status": "status"}


def _shape(rows: Sequence[ApiSchedule]) -> list[Any]:
    return list(ScheduleAnswer(rows, many=True).data)


def _write(schedule: ApiSchedule, told: dict[str, Any]) -> dict[str, Any]:
    columns = {_COLUMNS.get(name, name): value for name, value in told.items() if value is not None}
    try:
        return dict(ScheduleAnswer(write_schedule(schedule, columns)).data)
    except ScheduleRefused as refused:
        raise Unprocessable(str(refused), "cron_refused", "cron_expression") from None


class ScheduleList(ApiView):
    """All schedules."""

    scopes: ClassVar[dict[str, str]] = {"POST": "enrich"}

    @extend_schema(operation_id="schedule_list", parameters=[ScheduleQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of schedules."""
        query = read_query(ScheduleQuery, request)
        rows = ApiSchedule.objects.filter(
            **{column: query[name] for name, column in _FILTERS.items() if name in query}
        )
        return Response(page_of(rows, query, plural="schedules", shape=_shape, sortable=_SORTABLE))

    @extend_schema(
        operation_id="schedule_create",
        request=ScheduleBody,
        responses={201: ScheduleAnswer},
        parameters=[ONCE],
    )
    def post(self, request: Request) -> Response:
        """Execute a task by itself from now on, with the limits of the key that says so."""
        told = read_body(ScheduleBody, request)
        told["task"] = named(ApiTask.objects.all(), told.pop("task_id"), "task_id")
        told["profile"] = named(IdealCustomerProfile.objects.all(), told.pop("icp_id"), "icp_id")
        schedule = ApiSchedule(key=caller_of(request).key)
        return made_once(request, lambda: Response(_write(schedule, told), status=201))


class ScheduleOne(ApiView):
    """One schedule."""

    scopes: ClassVar[dict[str, str]] = {"PATCH": "enrich", "DELETE": "enrich"}

    @extend_schema(operation_id="schedule_get", responses=ScheduleAnswer)
    def get(self, request: Request, schedule_id: int) -> Response:
        """The schedule."""
        return Response(ScheduleAnswer(found(ApiSchedule.objects.all(), schedule_id)).data)

    @extend_schema(operation_id="schedule_update", request=ScheduleChange, responses=ScheduleAnswer)
    def patch(self, request: Request, schedule_id: int) -> Response:
        """Change what is given."""
        schedule = found(ApiSchedule.objects.all(), schedule_id)
        return Response(_write(schedule, read_body(ScheduleChange, request)))

    @extend_schema(operation_id="schedule_delete", responses={204: None})
    def delete(self, request: Request, schedule_id: int) -> Response:
        """Delete the schedule; its runs stay."""
        found(ApiSchedule.objects.all(), schedule_id).delete()
        return nothing()
