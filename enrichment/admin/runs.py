"""Runs in the admin: the list, a run's page with its moving bar, and what can be done to a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from enrichment import runs, undoing
from enrichment.admin.base import ReadOnlyAdmin, column, require
from enrichment.admin.items import MAY_DECIDE, OUTCOME_TONES, labels_of
from enrichment.admin.progress import BUTTONS, as_json, state_links
from enrichment.admin.retries import RetryMixin
from enrichment.admin.signal_rows import signals_of_run
from enrichment.models import EnrichmentRun, RunItem
from enrichment.queries import described
from enrichment.queries.catalogue import describe

MAY_STEER = "enrichment.change_enrichmentrun"

STATUS_TONES = {
    "scheduled": "info", "pending": "info", "running": "primary", "paused": "warning", "completed": "success",
    "failed": "danger", "canceled": "default", "crashed": "danger",
}  # fmt: skip

_FROM_LISTS = ("origin__task", "origin__file")

_BY_SOURCE = ("sources", "credits")  # parts of the summary that make a table of their own
_SUMMARY = {
    "rows": "Rows in the file", "matched": "Rows of records known before", "merged": "Rows of a record of another row",
    "created": "Records created", "review": "Rows in doubt when they were read", "discarded": "Rows left out, and why",
    "values": "Values written",
}  # fmt: skip
_SHOWN_APART = (*_BY_SOURCE, "warnings")


@admin.register(EnrichmentRun)
class EnrichmentRunAdmin(RetryMixin, ReadOnlyAdmin):
    """All runs, imports among them."""

    list_display = ("name", "status_label", "bar", "kind", "created_at", "created_by")
    list_filter = (("status", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_select_related = ("created_by",)
    search_fields = ("name", "file_name")
    change_form_template = "footnote/run.html"
    fields = ()
    empty_hint = "Nothing has run yet. Import a spreadsheet, or select accounts and choose Enrich selected."
    empty_links = (("Accounts", "admin:crm_account_changelist", "crm.view_account"),)

    def get_urls(self) -> list[URLPattern]:
        """A run's own addresses before those of the list."""
        view = self.admin_site.admin_view
        name = "enrichment_enrichmentrun"
        return [
            path("<int:pk>/progress/", view(self.progress_view), name=f"{name}_progress"),
            path("<int:pk>/undo/", view(self.undo_view), name=f"{name}_undo"),
            path("<int:pk>/retry/", view(self.retry_view), name=f"{name}_retry"),
            path("<int:pk>/<slug:act>-run/", view(self.steer_view), name=f"{name}_steer"),
            *super().get_urls(),
        ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The lists of tasks and files lead to the runs of each."""
        return lookup in _FROM_LISTS or super().lookup_allowed(lookup, value, request)

    def complete_page(self, objects: Sequence[EnrichmentRun]) -> None:
        """Items in all and done of each run of the page, in one query."""
        rows = (
            RunItem.objects.filter(run__in=objects)
            .order_by()
            .values_list("run")
            .annotate(total=Count("pk"), done=Count("pk", filter=~Q(state__in=RunItem.OPEN)))
        )
        counts = {run: (total, done) for run, total, done in rows}
        for run in objects:
            run.counts = counts.get(run.pk, (0, 0))  # type: ignore[attr-defined]

    @column(description="Status", ordering="status", label=STATUS_TONES)
    def status_label(self, run: EnrichmentRun) -> str:
        """Where the run stands."""
        return run.get_status_display()

    @column(description="Items done")
    def bar(self, run: EnrichmentRun) -> str:
        """Done of all, with a small bar."""
        total, done = run.counts  # type: ignore[attr-defined]
        percent = 100 * done // total if total else 0
        return format_html(
            '<span class="fn-mini"><span class="fn-mini-bar"><span style="width: {}%"></span></span>{} of {}</span>',
            percent,
            f"{done:,}",
            f"{total:,}",
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The run's page."""
        context = dict(extra_context or {})
        run = self.get_object(request, object_id)
        if run is not None and self.has_view_permission(request, run):
            context |= self._page_context(request, run)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def _page_context(self, request: HttpRequest, run: EnrichmentRun) -> dict[str, Any]:
        now = as_json(run)
        may_steer = request.user.has_perm(MAY_STEER)
        labels = labels_of(run.sources)
        return {
            "run": run,
            "progress": now,
            "progress_url": reverse("admin:enrichment_enrichmentrun_progress", args=[run.pk]),
            "states": state_links(run, now["states"]),
            "buttons": BUTTONS if may_steer else (),
            "may_steer": may_steer,
            "may_start": request.user.has_perm("enrichment.add_enrichmentrun"),
            "summary": readable_summary({k: v for k, v in run.summary.items() if k not in _SHOWN_APART}),
            "asked": [labels.get(slug, slug) for slug in run.sources],
            "wanted": [each.label for each in describe(run.wanted).values()],
            "may_decide": request.user.has_perm(MAY_DECIDE),
            "warnings": run.summary.get("warnings", ()),
            "sources": source_rows(run),
            "queue": f"{reverse('admin:enrichment_runitem_changelist')}?run={run.pk}",
            **signals_of_run(request, run.pk),
        }

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The run's progress as JSON."""
        run = get_object_or_404(EnrichmentRun, pk=pk)
        require(request, "enrichment.view_enrichmentrun")
        return JsonResponse(as_json(run))

    def steer_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """Pause, resume or cancel."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        require(request, MAY_STEER)
        run = get_object_or_404(EnrichmentRun, pk=pk)
        steps = {"pause": runs.pause, "resume": runs.resume, "cancel": runs.cancel}
        try:
            if act in steps:
                steps[act](run)
        except runs.RunRefused as refused:
            messages.error(request, str(refused))
        return redirect("admin:enrichment_enrichmentrun_change", pk)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what undoing would touch (GET), or undo (POST)."""
        require(request, MAY_STEER)
        run = get_object_or_404(EnrichmentRun, pk=pk)
        if request.method == "POST":
            undone = undoing.undo(run, remove_created=bool(request.POST.get("remove_created")))
            removed = f" {undone.removed:,} records are removed." if undone.removed else ""
            messages.success(
                request,
                f"{run} is undone: {undone.claims:,} claims changed, {undone.current:,} records show other values.{removed}",
            )
            return redirect("admin:enrichment_enrichmentrun_change", pk)
        seen = undoing.preview(run)
        return self.render_page(
            request, "footnote/undo.html", "Undo this run", original=run, run=run, preview=seen,
            shifts=described(seen.first),
        )  # fmt: skip


def source_rows(run: EnrichmentRun) -> list[dict[str, Any]]:
    """Of each source of a run that ended what it said, with links to those items, and what it cost."""
    outcomes, credits = (run.summary.get(name, {}) for name in _BY_SOURCE)
    labels = labels_of(outcomes)
    return [
        {
            "slug": slug,
            "label": labels.get(slug, slug),
            "failed": counts.get("failed", 0),
            "outcomes": [
                (name.replace("_", " "), OUTCOME_TONES.get(name, "default"), n) for name, n in counts.items()
            ],
            "credits": credits.get(slug, 0),
        }
        for slug, counts in outcomes.items()
    ]


def readable_summary(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The summary as label and text; nested parts in one line each."""
    rows = []
    for name, value in summary.items():
        if isinstance(value, dict):
            text = ", ".join(f"{key}: {part}" for key, part in value.items())
        elif isinstance(value, list):
            text = ", ".join(map(str, value))
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        if text:
            rows.append((_SUMMARY.get(name) or name.replace("_", " ").capitalize(), text))
    return rows
