"""The filter of the record lists by what a source is to be asked about again."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from crm.models import Record
from enrichment import bulk, schedule
from enrichment.models import EnrichmentSource


class DueFilter(DropdownFilter):  # type: ignore[misc]
    """By the source whose next scheduled refresh would take a record."""

    title = "source with a refresh due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The sources that are on."""
        rows = EnrichmentSource.objects.filter(is_enabled=True).exclude(adapter="")
        return list(rows.values_list("slug", "label"))

    def has_output(self) -> bool:
        """Shown while a source is on, and while one is chosen."""
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The records that are due; none for a source that cannot be asked about them."""
        if not self.value():
            return queryset
        source = EnrichmentSource.objects.filter(slug=self.value()).first()
        model: type[Record] = queryset.model
        if source is None or model.kind not in schedule.kinds_of(source):
            return queryset.none()
        return queryset.filter(pk__in=schedule.due(source, model.kind, bulk.clock()).values("pk"))
