"""Signals and their rules in the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from enrichment.admin.base import FootnoteAdmin, ReadOnlyAdmin, column
from enrichment.admin.evidence import record_link
from enrichment.admin.items import RunFilter
from enrichment.admin.references import links
from enrichment.admin.signal_rows import STRENGTH_TONES
from enrichment.admin.sources_form import LinesField, in_use
from enrichment.models import AttributeValue, Signal, SignalRule
from enrichment.models.signal import When
from enrichment.names import custom_attributes
from enrichment.queries.catalogue import describe
from enrichment.signals import FITTING, SLUGS
from sources.attributes import Kind, find
from sources.display import display


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    """What changed and is worth acting on."""

    list_display = (
        "summary",
        "strength_label",
        "type_label",
        "record_name",
        "rule",
        "run_link",
        "created_at",
    )
    list_filter = (
        ("type", ChoicesDropdownFilter), ("strength", ChoicesDropdownFilter), ("rule", RelatedDropdownFilter), RunFilter,
    )  # fmt: skip
    list_select_related = ("account", "contact", "rule", "run")
    search_fields = ("summary",)
    ordering = ("-id",)
    fields = (
        "summary", "record_name", "type", "strength_label", "rule", "run_link", "created_at", "value_now", "value_before",
    )  # fmt: skip
    empty_hint = (
        "Signals appear when a refresh finds that something changed: a new funding round, a hiring surge, a new "
        "executive. Turn on sources with a cadence, and see the rules for what is looked for."
    )
    empty_links = (
        ("Rules", "admin:enrichment_signalrule_changelist", "enrichment.view_signalrule"),
        ("Sources", "admin:enrichment_enrichmentsource_changelist", "enrichment.view_enrichmentsource"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signal]:
        """Those that stand; lists leave the values of records in the database."""
        rows: QuerySet[Signal] = super().get_queryset(request).filter(run__undone_at=None)
        return rows.defer(*(f"{kind}__{name}" for kind in Kind for name in ("current_values", "comments")))

    @column(description="Strength", ordering="strength", label=STRENGTH_TONES)
    def strength_label(self, signal: Signal) -> str:
        """How much it says."""
        return signal.get_strength_display()

    @column(description="About", ordering="type")
    def type_label(self, signal: Signal) -> str:
        """What it is about."""
        return signal.get_type_display()

    @column(description="Record")
    def record_name(self, signal: Signal) -> str:
        """The account or contact."""
        return record_link(signal.record)

    @column(description="Run")
    def run_link(self, signal: Signal) -> SafeString:
        """The run that found it."""
        url = reverse("admin:enrichment_enrichmentrun_change", args=[signal.run_id])
        return format_html('<a class="fn-link" href="{}">{}</a>', url, signal.run)

    @column(description="Value now")
    def value_now(self, signal: Signal) -> SafeString | str:
        """The value that was found, with its references."""
        return _value(signal.new)

    @column(description="Value before")
    def value_before(self, signal: Signal) -> SafeString | str:
        """What was known before, with its references."""
        return _value(signal.old) if signal.old else "Nothing was known."


def _value(claim: AttributeValue) -> SafeString:
    attribute = describe({claim.attribute})[claim.attribute]
    return format_html(
        '<div><a class="fn-link" href="{}">{}: {}</a></div><div class="fn-muted">{}, {}</div>{}',
        reverse("admin:enrichment_attributevalue_change", args=[claim.pk]),
        attribute.label,
        display(claim.attribute, claim.value, attribute),
        claim.source,
        date_format(claim.first_seen_at, "DATETIME_FORMAT"),
        links(claim.references),
    )


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule with its lists one a line; attributes under any of their names."""

    attributes = LinesField(
        required=False, help_text="One a line; the first that fits makes the signal. Empty: any attribute."
    )
    words = LinesField(
        label="Only with these words", required=False,
        help_text="One a line. Only entries or texts that hold one of them, such as DevOps or SRE. Empty: all.",
    )  # fmt: skip
    segments = LinesField(label="Only these segments", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("attributes", "words", "segments"):
            if name in self.fields:
                self.fields[name].widget.attrs["rows"] = 3
        if "segments" in self.fields and (names := ", ".join(in_use("segment"))):
            self.fields["segments"].help_text = f"One a line; empty: all. In use: {names}."

    def clean(self) -> dict[str, Any] | None:
        """Attributes exist, and the rule can look at them."""
        told = super().clean() or {}
        custom = custom_attributes()
        slugs = []
        for name in told.get("attributes") or ():
            found = next((each for kind in Kind if (each := find(name, kind, custom))), None)
            if found is None:
                self.add_error("attributes", f"There is no attribute {name}.")
            elif told.get("when") and found.type not in FITTING[When(told["when"])]:
                self.add_error(
                    "attributes", f"{found.label} is of the type {found.type}; it cannot be looked at so."
                )
            else:
                slugs.append(found.slug)
        return told | {"attributes": list(dict.fromkeys(slugs))}


@admin.register(SignalRule)
class SignalRuleAdmin(FootnoteAdmin):
    """What is looked for in changes."""

    form = RuleForm
    list_display = ("name", "is_enabled", "type", "looks_at", "moves_by", "strength", "made")
    list_editable = ("is_enabled",)
    list_filter = (("type", ChoicesDropdownFilter), "is_enabled")
    list_select_related = ("profile", "sheet")
    search_fields = ("name", "slug")
    autocomplete_fields = ("profile", "sheet")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "type", "is_enabled")}),
        ("What it looks for", {"fields": ("attributes", "when", "threshold", "least", "words", "strength", "first_values")}),
        ("For which records", {"fields": ("segments", "profile", "sheet")}),
    )  # fmt: skip
    empty_hint = "No rules, so no signals. Run manage.py sync_sources for the usual ones, or add your own."

    def get_readonly_fields(self, request: HttpRequest, obj: SignalRule | None = None) -> tuple[str, ...]:
        """A slug stays."""
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """The slug follows the name while the rule is new."""
        return {} if obj else {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: SignalRule | None = None) -> bool:
        """The usual rules would come back at the next start: they are turned off instead."""
        return super().has_delete_permission(request, obj) and not (obj and obj.slug in SLUGS)

    def complete_page(self, objects: Sequence[SignalRule]) -> None:
        """How many signals each rule of the page made, in one query."""
        stands = Q(run__undone_at=None)
        rows = (
            Signal.objects.filter(stands, rule__in=objects)
            .order_by()
            .values_list("rule")
            .annotate(Count("pk"))
        )
        counts = dict(rows)
        for rule in objects:
            rule.signals_made = counts.get(rule.pk, 0)  # type: ignore[attr-defined]

    @column(description="Looks at")
    def looks_at(self, rule: SignalRule) -> str:
        """The attributes, and which change of them."""
        known = describe(rule.attributes)
        names = ", ".join(known[slug].label for slug in rule.attributes)
        return f"{names or 'any attribute'}: {rule.get_when_display()}"

    @column(description="Threshold", ordering="threshold")
    def moves_by(self, rule: SignalRule) -> str | None:
        """How far a value moves at least, or the value to reach with its unit."""
        if rule.threshold is None:
            return None
        first = describe(rule.attributes[:1]).get(rule.attributes[0]) if rule.attributes else None
        unit = (first.unit if first else "") if rule.when == When.REACHES else "%"
        return f"{rule.threshold.normalize():,f} {unit}".strip()

    @column(description="Signals")
    def made(self, rule: SignalRule) -> SafeString:
        """How many signals it made, leading to them."""
        url = f"{reverse('admin:enrichment_signal_changelist')}?rule__id__exact={rule.pk}"
        count: int = rule.signals_made  # type: ignore[attr-defined]
        return format_html('<a class="fn-link" href="{}">{}</a>', url, f"{count:,}")
