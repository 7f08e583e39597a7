"""`/v1/icp`: ideal customer profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import IdealCustomerProfile
from crm.profiles import KIND_OF, delete_profile, targets_of, write_profile
from enrichment.api.base import ApiView, found, nothing, read_body
from enrichment.api.errors import Unprocessable
from enrichment.api.idempotency import ONCE, made_once
from enrichment.api.ids import IdField
from enrichment.api.paging import PageQuery, page_of, page_serializer, read_query
from enrichment.models import EnrichmentRun

ENTITY_TYPES = list(KIND_OF)
_GOING = (EnrichmentRun.Status.SCHEDULED, EnrichmentRun.Status.PENDING, EnrichmentRun.Status.RUNNING)
_ONLY: dict[str, Any] = {"invalid_choice": "Footnote keeps companies and people: write company or person."}


class Target(serializers.Serializer[Any]):
    """One kind of records a profile wants; each line `- slug: description` asks for an attribute."""

    entity_type = serializers.ChoiceField(choices=ENTITY_TYPES, error_messages=_ONLY)
    description = serializers.CharField(max_length=50_000, trim_whitespace=False, allow_blank=True)
    root = serializers.BooleanField(default=False)  # type: ignore[assignment]
    desired_count = serializers.IntegerField(
        min_value=1, max_value=1_000_000, allow_null=True, required=False
    )
    filters = serializers.ListField(
        child=serializers.CharField(max_length=1000), max_length=100, required=False
    )


class IcpBody(serializers.Serializer[Any]):
    """A profile as it is written."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=50_000, allow_blank=True)
    mode = serializers.ChoiceField(choices=IdealCustomerProfile.Mode.choices, required=False)
    entity_targets = serializers.ListField(child=Target(), min_length=1, max_length=10)


class IcpChange(serializers.Serializer[Any]):
    """What is to change of a profile; null leaves a field as it is."""

    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    description = serializers.CharField(max_length=50_000, allow_blank=True, required=False, allow_null=True)
    entity_targets = serializers.ListField(
        child=Target(), min_length=1, max_length=10, required=False, allow_null=True
    )


class TargetAnswer(serializers.Serializer[Any]):
    """A target as it is answered."""

    entity_type = serializers.ChoiceField(choices=ENTITY_TYPES)
    description = serializers.CharField()
    root = serializers.BooleanField()  # type: ignore[assignment]
    desired_count = serializers.IntegerField(allow_null=True)
    filters = serializers.ListField(child=serializers.CharField())


class IcpAnswer(serializers.Serializer[Any]):
    """A profile."""

    id = IdField(source="pk")
    name = serializers.CharField()
    description = serializers.CharField()
    mode = serializers.ChoiceField(choices=IdealCustomerProfile.Mode.choices)
    entity_targets = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(TargetAnswer(many=True))
    def get_entity_targets(self, profile: IdealCustomerProfile) -> list[dict[str, Any]]:
        """The targets."""
        return targets_of(profile)


class IcpQuery(PageQuery):
    """Which profiles."""

    mode = serializers.ChoiceField(choices=IdealCustomerProfile.Mode.choices, required=False)


class ActiveRun(serializers.Serializer[Any]):
    """A run that is not done yet."""

    id = IdField(source="pk")
    agent_type = serializers.CharField()
    task_type = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class ActiveRuns(serializers.Serializer[Any]):
    """The runs of a profile that are not done yet."""

    runs = ActiveRun(many=True)


_SORTABLE = {"created_at": "created_at", "updated_at": "updated_at", "name": "name"}
_PAGE = page_serializer("IcpPage", "icps", IcpAnswer(many=True))


def _shape(rows: Sequence[IdealCustomerProfile]) -> list[Any]:
    return list(IcpAnswer(rows, many=True).data)


def _write(profile: IdealCustomerProfile, told: dict[str, Any]) -> IdealCustomerProfile:
    try:
        return write_profile(profile, told)
    except ValueError as refused:
        raise Unprocessable(str(refused), field="entity_targets") from None


class IcpList(ApiView):
    """All profiles."""

    @extend_schema(operation_id="icp_list", parameters=[IcpQuery], responses=_PAGE)
    def get(self, request: Request) -> Response:
        """A page of profiles."""
        query = read_query(IcpQuery, request)
        rows = IdealCustomerProfile.objects.all()
        if mode := query.get("mode"):
            rows = rows.filter(mode=mode)
        return Response(page_of(rows, query, plural="icps", shape=_shape, sortable=_SORTABLE))

    @extend_schema(operation_id="icp_create", request=IcpBody, responses={201: IcpAnswer}, parameters=[ONCE])
    def post(self, request: Request) -> Response:
        """Make a profile; attributes nobody knows yet are made too."""
        told = read_body(IcpBody, request)
        return made_once(
            request, lambda: Response(IcpAnswer(_write(IdealCustomerProfile(), told)).data, status=201)
        )


class IcpOne(ApiView):
    """One profile."""

    @extend_schema(operation_id="icp_get", responses=IcpAnswer)
    def get(self, request: Request, icp_id: int) -> Response:
        """The profile."""
        return Response(IcpAnswer(found(IdealCustomerProfile.objects.all(), icp_id)).data)

    @extend_schema(operation_id="icp_update", request=IcpChange, responses=IcpAnswer)
    def put(self, request: Request, icp_id: int) -> Response:
        """Change what is given."""
        profile = found(IdealCustomerProfile.objects.all(), icp_id)
        return Response(IcpAnswer(_write(profile, read_body(IcpChange, request))).data)

    @extend_schema(operation_id="icp_delete", responses={204: None})
    def delete(self, request: Request, icp_id: int) -> Response:
        """Delete the profile with its sheets, tasks and schedules; every record stays."""
        delete_profile(found(IdealCustomerProfile.objects.all(), icp_id))
        return nothing()


class IcpActiveRuns(ApiView):
    """What is going on for a profile."""

    @extend_schema(operation_id="icp_active_runs", responses=ActiveRuns)
    def get(self, request: Request, icp_id: int) -> Response:
        """The profile's runs that are scheduled, pending or running."""
        profile = found(IdealCustomerProfile.objects.all(), icp_id)
        runs = EnrichmentRun.objects.filter(
            origin__profile=profile, origin__hidden_at=None, status__in=_GOING
        ).select_related("origin__task")
        return Response({"runs": ActiveRun([_active(run) for run in runs[:1000]], many=True).data})


def _active(run: EnrichmentRun) -> dict[str, Any]:
    task = run.origin.task
    return {
        "pk": run.pk, "agent_type": "task", "task_type": task.flow if task else None, "created_at": run.created_at,
    }  # fmt: skip
