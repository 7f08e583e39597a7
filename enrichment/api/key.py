"""`/v1/key`: what the caller may do."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.auth import caller_of
from enrichment.api.base import ApiView
from enrichment.spending import left_of_key


class KeyAnswer(serializers.Serializer[Any]):
    """What the caller may do."""

    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    requests_per_minute = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)
    credits_left = serializers.IntegerField(
        allow_null=True, help_text="What runs of this month may still cost; null: no limit of the key."
    )


class KeyView(ApiView):
    """The caller's own key."""

    scopes: ClassVar[dict[str, str]] = {"GET": ""}

    @extend_schema(operation_id="key_get", responses=KeyAnswer)
    def get(self, request: Request) -> Response:
        """What the caller may do."""
        caller = caller_of(request)
        told = {
            "name": caller.label, "scopes": caller.scopes, "requests_per_minute": caller.per_minute,
            "expires_at": caller.key.expiry_date if caller.key else None,
            "credits_left": left_of_key(caller.key) if caller.key else None,
        }  # fmt: skip
        return Response(KeyAnswer(told).data)
