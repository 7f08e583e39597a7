"""Replay in the admin: what a newer version of a source reads in kept answers, then the button."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django_q.tasks import async_task

from enrichment import replay, runs
from enrichment.admin.base import FootnoteAdmin, button, require
from enrichment.models import EnrichmentSource
from enrichment.queries import described

PREVIEWED = 1000  # records that the page looks at; the terminal looks at all
TASK = "enrichment.tasks.replay_answers"


class ReplayMixin(FootnoteAdmin):
    """The page of a source that reads its kept answers anew."""

    def get_urls(self) -> list[URLPattern]:
        """Its address before those of the list."""
        view = self.admin_site.admin_view(self.replay_view)
        return [
            path("<int:pk>/replay/", view, name="enrichment_enrichmentsource_replay"),
            *super().get_urls(),
        ]

    @button(
        description="Read kept answers anew",
        url_path="replay-answers",
        permissions=["change"],
        icon="history",
    )
    def replay_action(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that shows the differences."""
        return redirect("admin:enrichment_enrichmentsource_replay", object_id)

    def replay_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The differences first (GET), then a worker records them (POST)."""
        require(request, "enrichment.change_enrichmentsource", "enrichment.add_enrichmentrun")
        source = get_object_or_404(EnrichmentSource, pk=pk)
        try:
            waiting = replay.waiting(source)
            if request.method == "POST" and waiting:
                run = replay.begin(source, user=request.user)
                transaction.on_commit(lambda: async_task(TASK, run.pk))
                messages.success(request, "A worker reads the kept answers anew; nobody is asked.")
                return redirect("admin:enrichment_enrichmentrun_change", run.pk)
            seen = replay.preview(source, most=PREVIEWED)
        except runs.RunRefused as refused:
            messages.error(request, str(refused))
            return redirect("admin:enrichment_enrichmentsource_change", pk)
        return self.render_page(
            request, "footnote/replay.html", "Read kept answers anew", original=source, source=source, waiting=waiting,
            preview=seen, shifts=described(seen.first),
        )  # fmt: skip
