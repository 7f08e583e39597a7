"""Attributes that users add."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from enrichment.admin.base import FootnoteAdmin
from enrichment.models import CustomAttribute
from sources.attributes import CATALOGUE


@admin.register(CustomAttribute)
class CustomAttributeAdmin(FootnoteAdmin):
    """The team's own attributes, with the built-in catalogue below the list."""

    list_display = ("label", "slug", "kind", "type", "unit", "description")
    search_fields = ("slug", "label")
    list_after_template = "footnote/catalogue.html"
    prepopulated_fields = {"slug": ("label",)}
    empty_hint = "You have no attributes of your own; the built-in ones are listed below."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What claims were made under stays as it is."""
        return ("slug", "kind", "type") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """The slug follows the label while the attribute is new."""
        return {} if obj else {"slug": ("label",)}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, and the catalogue."""
        context = {**(extra_context or {}), "catalogue": CATALOGUE}
        return super().changelist_view(request, context)  # type: ignore[no-any-return]
