"""Pinning a value by hand, and releasing it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from crm.models import Record
from enrichment.admin.evidence import record_url
from enrichment.claims import pin, release
from enrichment.queries import attributes_of
from enrichment.webhooks import telling


class PinsMixin:
    """Two addresses of a record's page: pin a value, release a pin. POST only; needs the right to change."""

    def get_urls(self) -> list[URLPattern]:
        """The addresses of the pins before those of the list and form."""
        name = f"crm_{self.model._meta.model_name}"  # type: ignore[attr-defined]
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<int:pk>/pin/", view(self.pin_value), name=f"{name}_pin"),
            path("<int:pk>/release/", view(self.release_value), name=f"{name}_release"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def pin_value(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make what was typed the current value, or say in one sentence why not."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        record = self._record_to_change(request, pk)
        slug = request.POST.get("attribute", "")
        attribute = attributes_of(record.kind).get(slug)
        if attribute is None:
            messages.error(request, "Choose an attribute to pin.")
            return redirect(record_url(record))
        try:
            with telling(record, slug):
                pin(record, slug, request.POST.get("value", ""), user=request.user.get_username())
        except ValueError as error:
            messages.error(request, f"{attribute.label} was not pinned: {error}")
        else:
            messages.success(request, f"{attribute.label} is pinned; no source will change it.")
        return redirect(record_url(record))

    def release_value(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a pin off, so that the sources decide again."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        record = self._record_to_change(request, pk)
        slug = request.POST.get("attribute", "")
        with telling(record, slug):
            release(record, slug)
        messages.success(request, "The pin is released; the sources decide again.")
        return redirect(record_url(record))

    def _record_to_change(self, request: HttpRequest, pk: int) -> Record:
        model: Any = self.model  # type: ignore[attr-defined]
        record: Record = get_object_or_404(model, pk=pk)
        if not self.has_change_permission(request, record):  # type: ignore[attr-defined]
            raise PermissionDenied
        return record
