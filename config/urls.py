"""Addresses of the site: the admin is its face, /v1 its REST API."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from enrichment.agents.web import McpView
from enrichment.api import callbacks
from enrichment.operations import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.figures, name="metrics"),
    path("v1/", include("enrichment.api.urls")),
    path("mcp", McpView.as_view(), name="mcp"),
    path("reconcile", include("crm.reconcile.urls")),
    path("callbacks/<int:lookup>/<str:token>", callbacks.receive, name="callback"),
]
