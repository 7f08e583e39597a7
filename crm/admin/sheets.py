"""Sheets in the admin."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from crm.models import Sheet, SheetEntry
from enrichment.admin.base import FootnoteAdmin, button, column


@admin.register(Sheet)
class SheetAdmin(FootnoteAdmin):
    """Named lists of records."""

    list_display = ("name", "kind", "records", "profile", "created_at")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_select_related = ("profile",)
    search_fields = ("name",)
    autocomplete_fields = ("profile",)
    fields = ("name", "description", "kind", "profile")
    actions_detail = ("open_records", "enrich_sheet", "export_sheet")
    empty_hint = "Each imported spreadsheet becomes one."
    empty_links = (("Import a spreadsheet", "admin:crm_account_import_file", "enrichment.add_enrichmentrun"),)

    def complete_page(self, objects: Sequence[Sheet]) -> None:
        """How many records each sheet of the page lists, in one query."""
        rows = SheetEntry.objects.filter(sheet__in=objects).order_by()
        counts = dict(rows.values_list("sheet").annotate(Count("pk")))
        for sheet in objects:
            sheet.records = counts.get(sheet.pk, 0)  # type: ignore[attr-defined]

    @column(description="Records")
    def records(self, sheet: Sheet) -> str:
        """How many records it lists, leading to them."""
        count: int = sheet.records  # type: ignore[attr-defined]
        return format_html('<a class="fn-link" href="{}">{}</a>', list_url(sheet), f"{count:,}")

    def get_readonly_fields(self, request: HttpRequest, obj: Sheet | None = None) -> tuple[str, ...]:
        """What a sheet lists is decided when it is made."""
        return ("kind",) if obj else ()

    def has_enrich_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Whether this user may start runs."""
        return request.user.has_perm("enrichment.add_enrichmentrun")

    @button(description="Records", url_path="records", icon="list")
    def open_records(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the list of its records."""
        return redirect(list_url(get_object_or_404(Sheet, pk=object_id)))

    @button(description="Enrich this sheet", url_path="enrich", permissions=["enrich"], icon="bolt")
    def enrich_sheet(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that shows what would be asked."""
        sheet = get_object_or_404(Sheet, pk=object_id)
        query = urlencode({"select": f"sheet={sheet.pk}"})
        return redirect(f"{reverse(f'admin:crm_{sheet.kind}_enrich')}?{query}")

    @button(description="Export", url_path="export", icon="download")
    def export_sheet(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the export of its records."""
        sheet = get_object_or_404(Sheet, pk=object_id)
        return redirect(f"{reverse(f'admin:crm_{sheet.kind}_export')}?sheet={sheet.pk}")


def list_url(sheet: Sheet) -> str:
    """The address of the list of a sheet's records."""
    return f"{reverse(f'admin:crm_{sheet.kind}_changelist')}?sheet={sheet.pk}"
