"""Trying again in the admin: what would be asked and what it may cost, then the button."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from enrichment import retrying, runs
from enrichment.admin.base import FootnoteAdmin, require
from enrichment.models import EnrichmentRun

MAY_RETRY = "enrichment.change_enrichmentrun"


class RetryMixin(FootnoteAdmin):
    """The page that tries failed items of a run again."""

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what would be asked (GET), or queue it (POST). `source`, `state` and `item` choose."""
        require(request, MAY_RETRY)
        run = get_object_or_404(EnrichmentRun, pk=pk)
        wish = _wish(request)
        if request.method == "POST":
            with_doubts = bool(request.POST.get("in_doubt"))
            try:
                count = retrying.retry(run, wish, with_doubts=with_doubts)
            except runs.RunRefused as refused:
                messages.error(request, str(refused))
            else:
                messages.success(
                    request, f"{count:,} {'item is' if count == 1 else 'items are'} tried again."
                )
            return redirect("admin:enrichment_enrichmentrun_change", pk)
        return self.render_page(
            request, "footnote/retry.html", "Try again", original=run, run=run, wish=wish,
            preview=retrying.preview(run, wish), back=reverse("admin:enrichment_enrichmentrun_change", args=[pk]),
        )  # fmt: skip


def _wish(request: HttpRequest) -> retrying.Wish:
    """What the address or the form chooses; what makes no sense chooses nothing."""
    told = request.POST if request.method == "POST" else request.GET
    state, item = str(told.get("state", "")), str(told.get("item", ""))
    return retrying.Wish(
        source=str(told.get("source", ""))[:60],
        state=state if state in retrying.STATES else "",
        position=int(item) if item.isdecimal() and len(item) < 10 else None,
    )
