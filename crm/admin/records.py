"""What the admin of accounts and of contacts share: the list with current values, and the page of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.admin.utils import flatten
from django.db.models import QuerySet, TextField
from django.http import HttpRequest, HttpResponse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from crm.admin.columns import value_column
from crm.admin.due import DueFilter
from crm.admin.enrich import EnrichMixin
from crm.admin.exports import TransferMixin
from crm.admin.filters import PriorityFilter, SegmentFilter, SheetFilter, ValueFilter
from crm.admin.forms import new_record_form
from crm.admin.imports import ImportMixin
from crm.admin.page import free_attributes, surroundings, value_rows
from crm.admin.pins import PinsMixin
from crm.admin.search import SEARCHED, search
from crm.models import Record
from enrichment import schedule
from enrichment.admin.base import FootnoteAdmin, column
from enrichment.admin.signal_rows import signals_of_record
from enrichment.claims import pin
from enrichment.queries import attributes_of
from sources.attributes import BY_SLUG, IDENTITY

PEOPLE_WRITE = (("status", "priority", "segment"), ("external_source", "external_id"), "comments")
"""The columns that people fill in, as the form groups them."""


class RecordAdmin(PinsMixin, EnrichMixin, ImportMixin, TransferMixin, FootnoteAdmin):
    """Accounts or contacts. A subclass names the attributes its list shows, in `shown`."""

    compressed_fields = False
    formfield_overrides = {TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}
    shown: ClassVar[tuple[str, ...]]
    columns: ClassVar[dict[str, Callable[[Record], str]]]

    search_fields = SEARCHED
    search_help_text = "Name, domain, e-mail or external id"
    list_filter = (
        ValueFilter,
        ("status", ChoicesDropdownFilter),
        PriorityFilter,
        SegmentFilter,
        SheetFilter,
        DueFilter,
    )
    list_before_template = "footnote/conditions.html"
    change_form_template = "footnote/record.html"
    show_facets = None

    def __init_subclass__(cls) -> None:
        cls.columns = {slug: value_column(BY_SLUG[slug]) for slug in cls.shown}

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """Whom the row is about, the useful attributes, and those the list is filtered by."""
        columns = dict(self.columns)
        wanted = [slug for slug in request.GET.getlist("attribute") if slug not in columns]
        if wanted:
            known = attributes_of(self.model.kind)
            columns |= {slug: value_column(known[slug]) for slug in wanted if slug in known}
        return [*self.identity_columns(), *columns.values(), "status_label"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Record], search_term: str
    ) -> tuple[QuerySet[Record], bool]:
        """By an index where there is one."""
        return search(queryset, search_term), False

    def identity_columns(self) -> list[str]:
        """The columns that say whom a row is about."""
        return ["who"]

    @column(description="Status", ordering="status", label={"Contacted": "success", "Passed": "default", "New": "info", "Reviewed": "primary"})  # fmt: skip
    def status_label(self, record: Record) -> str:
        """How far the team is with it."""
        return record.get_status_display()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whom it is about (only when new), then what people write."""
        written = ("Notes of your team", {"fields": self.written_fields()})
        who = ("Who is it?", {"fields": [IDENTITY[:2], IDENTITY[2:4], IDENTITY[4:]]})
        return [written] if obj else [who, written]

    def written_fields(self) -> list[str | tuple[str, ...]]:
        """The columns that people fill in, in rows."""
        return list(PEOPLE_WRITE)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new record's identity is typed; later it is changed by pinning values."""
        if not change:
            kwargs["form"] = new_record_form(self.model)
            kwargs["fields"] = flatten([*self.written_fields()])
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Record, form: Any, change: bool) -> None:
        """Save what people write; what a new record is about becomes pinned values."""
        super().save_model(request, obj, form, change)
        if change and "priority" in form.changed_data:
            schedule.priority_saved(obj.kind, [obj.pk])
        if not change:
            for slug, text in form.typed_identity().items():
                pin(obj, slug, text, user=request.user.get_username())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, with the values and their history above and the surroundings below."""
        record = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if record is not None and self.has_view_or_change_permission(request, record):
            rows = value_rows(record)
            may_change = self.has_change_permission(request, record)
            context |= {
                "rows": rows,
                "may_pin": may_change,
                "may_enrich": self.has_enrich_permission(request),
                "free_attributes": free_attributes(record, rows) if may_change else [],
                **surroundings(record),
                **signals_of_record(request, record),
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def get_deleted_objects(self, objs: Sequence[Any], request: HttpRequest) -> Any:
        """Deleting a record takes its claims along; the page names the record, not each of them."""
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(obj) for obj in objs], {str(self.opts.verbose_name_plural): len(objs)}, lacking, []

    def get_actions(self, request: HttpRequest) -> Any:
        """Without deletion of whole selections: records are deleted one by one."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def initials(name: str) -> str:
    """Two letters for the round badge beside a name."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper()
