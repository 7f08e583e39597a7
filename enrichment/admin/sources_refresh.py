"""What a source's pages say about its scheduled refreshes: the last, the next, and what is due now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from enrichment import bulk, schedule
from enrichment.admin.base import column
from enrichment.models import EnrichmentSource, ScheduleFiring
from enrichment.queries import attributes_of
from sources.attributes import Kind

SHOWN = ("last_refresh", "next_refresh", "due_now")
"""The read-only fields of a source's page, for sources that can be asked."""


class RefreshMixin:
    """Columns and fields about refreshes."""

    @column(description="Next refresh")
    def next_in_list(self, source: EnrichmentSource) -> str:
        """When it is refreshed next, as `note_next` has found."""
        return moment(source, source.next_at) if source.next_at else "–"  # type: ignore[attr-defined]

    @column(description="Last refresh")
    def last_refresh(self, source: EnrichmentSource) -> str | SafeString:
        """What the newest firing of each kind of record did."""
        newest = [
            ScheduleFiring.objects.filter(source=source, kind=kind.value).select_related("run").first()
            for kind in schedule.kinds_of(source)
        ]
        lines = [_told(source, firing) for firing in newest if firing]
        return format_html_join("", "<div>{}</div>", ((line,) for line in lines)) if lines else "none yet"

    @column(description="Next refresh")
    def next_refresh(self, source: EnrichmentSource) -> str:
        """When the schedule comes round."""
        at = schedule.next_firing(source)
        if at:
            return moment(source, at)
        return "soon" if schedule.is_scheduled(source) else "never: it is off, or its cadence is never"

    @column(description="Due now")
    def due_now(self, source: EnrichmentSource) -> str | SafeString:
        """How many records the next refresh would take, with a link to them."""
        rows = [
            (kind, schedule.due(source, kind, bulk.clock()).count()) for kind in schedule.kinds_of(source)
        ]
        return format_html_join(
            "",
            '<div><a class="fn-link" href="{}">{} {}</a></div>',
            (
                (list_url(source, kind), f"{count:,}", f"{kind.value}{'s' * (count != 1)}")
                for kind, count in rows
            ),
        )

    @column(description="Refresh now")
    def refresh_now(self, source: EnrichmentSource) -> SafeString:
        """To the ordinary preview of a run, over what is due."""
        return format_html_join(
            " ",
            '<a class="fn-button fn-slim" href="{}">Preview the refresh of {}s</a>',
            ((preview_url(source, kind), kind.value) for kind in schedule.kinds_of(source)),
        )


def note_next(sources: Iterable[EnrichmentSource]) -> None:
    """Put the next refresh on each of the sources (one query)."""
    planned = schedule.next_firings()
    for source in sources:
        source.next_at = planned.get(source.pk)  # type: ignore[attr-defined]


def shown_fields(request: HttpRequest, source: EnrichmentSource | None) -> tuple[str, ...]:
    """The read-only fields about refreshes that a user may see of a source."""
    if source is None or not schedule.kinds_of(source):
        return ()
    may_start = source.is_enabled and request.user.has_perm("enrichment.add_enrichmentrun")
    return (*SHOWN, "refresh_now") if may_start else SHOWN


def moment(source: EnrichmentSource, at: datetime) -> str:
    """A point in time as the source's own clock shows it."""
    return f"{date_format(at.astimezone(source.zone), 'DATETIME_FORMAT')} {source.time_zone}"


def list_url(source: EnrichmentSource, kind: Kind) -> str:
    """The list of the records that are due."""
    return f"{reverse(f'admin:crm_{kind.value}_changelist')}?{urlencode({'due': source.slug})}"


def preview_url(source: EnrichmentSource, kind: Kind) -> str:
    """The preview of a run that asks this source about the records that are due."""
    wishes: dict[str, Any] = {
        "select": urlencode({"due": source.slug}), "chosen": 1, "source": source.slug, "attribute": list(attributes_of(kind)),
    }  # fmt: skip
    return f"{reverse(f'admin:crm_{kind.value}_enrich')}?{urlencode(wishes, doseq=True)}"


def _told(source: EnrichmentSource, firing: ScheduleFiring) -> SafeString:
    """One firing in a line."""
    at = moment(source, firing.planned_at)
    if firing.run is None:
        return format_html("{}, {}s: {}", at, firing.kind, firing.note)
    url = reverse("admin:enrichment_enrichmentrun_change", args=[firing.run_id])
    return format_html('{}: <a class="fn-link" href="{}">{}</a> {}', at, url, firing.run, firing.note)
