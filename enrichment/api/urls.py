"""Addresses below /v1."""

from __future__ import annotations

from django.urls import path, re_path, register_converter
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from crm.api import profiles
from enrichment.api.errors import no_such_address
from enrichment.api.ids import IdConverter
from enrichment.api.key import KeyView

register_converter(IdConverter, "hex24")

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("redoc", SpectacularRedocView.as_view(url_name="api-schema"), name="api-redoc"),
    path("key", KeyView.as_view(), name="api-key"),
    path("icp", profiles.IcpList.as_view()),
    path("icp/<hex24:icp_id>", profiles.IcpOne.as_view()),
    path("icp/<hex24:icp_id>/active_runs", profiles.IcpActiveRuns.as_view()),
    re_path(r"^(?P<rest>.*)$", no_such_address),
]
