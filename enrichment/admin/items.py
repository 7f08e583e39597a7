"""The queue of a run: what was decided about each record or row, and why; doubtful ones are decided here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from enrichment import retrying, reviews
from enrichment.admin.base import ReadOnlyAdmin, column, require
from enrichment.admin.evidence import record_link
from enrichment.admin.progress import TONES
from enrichment.admin.retries import MAY_RETRY
from enrichment.models import EnrichmentRun, EnrichmentSource, RunItem
from enrichment.rows import subject_of_row
from sources.attributes import Kind

MAY_DECIDE = "enrichment.change_runitem"
NONE = "none"  # of the candidates

OUTCOME_TONES = {
    "found": "success", "not_found": "default", "rejected": "warning", "failed": "danger", "uncertain": "warning",
    "waiting": "info", "skipped": "default", "review": "warning",
}  # fmt: skip


class RunFilter(admin.SimpleListFilter):
    """By run, from a run's page; it shows itself only while it filters."""

    title = "run"
    parameter_name = "run"
    template = "footnote/run_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The run that is chosen."""
        value = str(request.GET.get("run", ""))
        runs = EnrichmentRun.objects.filter(pk=value) if value.isdecimal() else EnrichmentRun.objects.none()
        return [(str(pk), name) for pk, name in runs.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RunItem]) -> QuerySet[RunItem]:
        """The items of the run."""
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(run=int(value)) if value.isdecimal() else queryset.none()


@admin.register(RunItem)
class RunItemAdmin(ReadOnlyAdmin):
    """The items of runs."""

    list_display = ("place", "record", "state_label", "reason", "strategy", "score", "outcome_chips")
    list_display_links = ("place",)
    list_filter = (RunFilter, ("state", ChoicesDropdownFilter))
    list_select_related = ("account", "contact", "run")
    ordering = ("run", "position")
    change_form_template = "footnote/item.html"
    fields = ()
    empty_hint = "No items fit. Clear the filter, or start a run."
    empty_links = (("Runs", "admin:enrichment_enrichmentrun_changelist", "enrichment.view_enrichmentrun"),)

    def get_urls(self) -> list[URLPattern]:
        """The address of a decision before those of the list."""
        view = self.admin_site.admin_view(self.decide_view)
        return [path("<int:pk>/decide/", view, name="enrichment_runitem_decide"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RunItem]:
        """Lists leave evidence in the database."""
        rows: QuerySet[RunItem] = super().get_queryset(request)
        is_page = bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)
        return rows if is_page else rows.defer("evidence")

    def complete_page(self, objects: Sequence[RunItem]) -> None:
        """What the sources of the page are called, in one query."""
        labels = labels_of({slug for item in objects for slug in item.outcomes})
        for item in objects:
            item.labels = labels  # type: ignore[attr-defined]

    @column(description="Position", ordering="position")
    def place(self, item: RunItem) -> str:
        """Row of the file, or order in the run."""
        return f"{item.position:,}"

    @column(description="Record")
    def record(self, item: RunItem) -> str:
        """The record, or whom the row names while there is none."""
        record = item.account or item.contact
        return record_link(record) if record else named_in(item)

    @column(description="State", ordering="state", label=TONES)
    def state_label(self, item: RunItem) -> str:
        """Where the item stands."""
        return item.get_state_display().lower()

    @column(description="Sources")
    def outcome_chips(self, item: RunItem) -> SafeString:
        """What became of each source, in short."""
        return format_html_join(
            " ",
            '<span class="fn-chip fn-{}" title="{}">{} {}</span>',
            (
                (
                    OUTCOME_TONES.get(each.get("outcome", ""), "default"),
                    each.get("reason", ""),
                    item.labels.get(slug, slug),  # type: ignore[attr-defined]
                    str(each.get("outcome", "")).replace("_", " "),
                )
                for slug, each in item.outcomes.items()
            ),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The item's page."""
        context = dict(extra_context or {})
        item = self.get_object(request, object_id)
        if item is not None and self.has_view_permission(request, item):
            context |= {
                "item": item,
                "record": item.account or item.contact,
                "named": named_in(item),
                "tone": TONES[item.state],
                "outcomes": outcome_rows(item),
                "candidates": candidate_rows(item),
                "is_about_answers": any("lookup" in each for each in item.evidence),
                "none": NONE,
                "may_retry": retrying.is_retryable(item) and request.user.has_perm(MAY_RETRY),
                "may_decide": item.state == RunItem.State.REVIEW and request.user.has_perm(MAY_DECIDE),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A person says which record a doubtful row is, or that it is none of the candidates."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        require(request, MAY_DECIDE)
        item = get_object_or_404(RunItem, pk=pk)
        chosen = request.POST.get("candidate", "")
        if not chosen:
            messages.error(request, "Choose one of the candidates, or none of them.")
            return redirect("admin:enrichment_runitem_change", pk)
        try:
            reviews.decide(item, None if chosen == NONE else chosen, user=request.user)
        except ValueError as refused:
            messages.error(request, str(refused))
        else:
            is_queued = item.state == RunItem.State.QUEUED
            messages.success(request, "Decided; its sources are asked next." if is_queued else "Decided.")
        return redirect("admin:enrichment_runitem_change", pk)


def named_in(item: RunItem) -> str:
    """Whom a row names."""
    subject = subject_of_row(Kind(item.run.kind), item.subject or {})
    for name in ("name", "domain", "email", "linkedin_url"):
        if text := getattr(subject, name):
            return str(text)
    return next((str(cell) for cell in (item.row or {}).values() if cell), "–")


def outcome_rows(item: RunItem) -> list[dict[str, Any]]:
    """What became of each source, with a link to the question that was asked."""
    labels = labels_of(item.outcomes)
    return [
        {
            "source": labels.get(slug, slug),
            "outcome": str(each.get("outcome", "")).replace("_", " "),
            "tone": OUTCOME_TONES.get(each.get("outcome", ""), "default"),
            "reason": each.get("reason", ""),
            "claims": each.get("claims", 0),
            "lookup": reverse("admin:enrichment_lookup_change", args=[each["lookup"]])
            if each.get("lookup")
            else "",
        }
        for slug, each in item.outcomes.items()
    ]


def labels_of(slugs: Collection[str]) -> dict[str, str]:
    """What sources are called."""
    return dict(EnrichmentSource.objects.filter(slug__in=slugs).values_list("slug", "label"))


def candidate_rows(item: RunItem) -> list[dict[str, Any]]:
    """Whom the row may be, best first as the matcher left them."""
    kind = item.run.kind
    labels = labels_of(item.outcomes)
    rows = []
    for each in item.evidence:
        pk = each.get("id")
        is_record = isinstance(pk, int)  # else the id names a finding in a kept answer
        rows.append(
            {
                "id": pk,
                "name": each.get("name") or each.get("domain") or f"{kind} {pk}",
                "domain": each.get("domain", ""),
                "source": labels.get(each.get("source"), ""),
                "score": each.get("score"),
                "reasons": each.get("reasons", []),
                "href": reverse(f"admin:crm_{kind}_change", args=[pk]) if is_record else "",
            }
        )
    return rows
