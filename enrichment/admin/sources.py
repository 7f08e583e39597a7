"""Sources in the admin: on or off, rank, cadence, money, keys; and "Register a table"."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from enrichment import http_apis, limits, schedule
from enrichment.admin.base import FootnoteAdmin, button, column
from enrichment.admin.http_apis import http_api_page, setup_link
from enrichment.admin.paging import RoundCount
from enrichment.admin.replays import ReplayMixin
from enrichment.admin.sources_form import RankForm, SourceForm
from enrichment.admin.sources_refresh import SHOWN, RefreshMixin, note_next, shown_fields
from enrichment.admin.tables import register_table
from enrichment.key_tests import try_key
from enrichment.keys import key_of, key_variable
from enrichment.models import Budget, EnrichmentSource
from enrichment.queries import LiveClaims, live_claims
from enrichment.registration import adapter_of

CONNECTION = ("key", "settings", "paused_until", "paused_reason")
LIFT_PAUSE = (
    "settings", "is_enabled", "per_minute", "in_flight", "cost", "charges_miss", "credit_price", "monthly_limit",
)  # fmt: skip
"""What may be why a source works again."""
KEY_TONES = {"present": "success", "missing": "danger", "not needed": "default"}
WHEN = ("cadence", "priority_cadences", "segments", "asks_new", "time_zone")


@admin.register(EnrichmentSource)
class EnrichmentSourceAdmin(RefreshMixin, ReplayMixin, FootnoteAdmin):
    """Where facts come from."""

    form = SourceForm
    list_display = (
        "name", "is_enabled", "rank", "cadence", "next_in_list", "price", "used", "key_in_list", "values_live",
    )  # fmt: skip
    list_display_links = ("name",)
    list_editable = ("is_enabled", "rank")
    search_fields = ("slug", "label")
    actions_list = ("register_table_action", "http_api_action")
    actions_detail = ("test_key_action", "replay_action")
    readonly_fields = (
        "slug",
        "adapter",
        "setup",
        "key",
        "paused_until",
        "paused_reason",
        *SHOWN,
        "refresh_now",
    )
    fieldsets = (
        (None, {"fields": ("label", "slug", "adapter", "is_enabled")}),
        ("Its place in the waterfall", {"fields": ("rank", "only_when_missing", "min_age", "by_attribute")}),
        ("When it is refreshed", {"fields": WHEN}),
        ("How fast it is asked", {"fields": ("per_minute", "in_flight")}),
        ("What it costs", {"fields": ("cost", "charges_miss", "credit_price", "monthly_limit")}),
        ("Connection", {"fields": CONNECTION}),
    )
    empty_hint = "No sources are known. Run manage.py sync_sources, or register a table of your own."

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The list checks ranks too."""
        return super().get_changelist_form(request, **{"form": RankForm, **kwargs})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Below the cadences what they lead to; who is never asked has a rank, and no more."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and not obj.adapter:
            return [(None, {"fields": ("label", "slug", "is_enabled", "rank")})]
        more: dict[Any, tuple[str, ...]] = {WHEN: tuple(shown_fields(request, obj))}
        if obj is not None and is_paused(obj) and self.has_change_permission(request, obj):
            more[CONNECTION] = ("lift_pause",)
        if obj is not None and obj.adapter == http_apis.ADAPTER:
            more[CONNECTION] = ("setup", *more.get(CONNECTION, ()))
        return [
            (title, {**options, "fields": (*options["fields"], *more.get(options["fields"], ()))})
            for title, options in fieldsets
        ]

    def save_model(self, request: HttpRequest, obj: EnrichmentSource, form: Any, change: bool) -> None:
        """Save; due dates and the schedule follow, and what paused it may be mended."""
        before = EnrichmentSource.objects.filter(pk=obj.pk).values(*LIFT_PAUSE).first()
        is_mended = before != {name: getattr(obj, name) for name in LIFT_PAUSE}
        super().save_model(request, obj, form, change)
        if is_mended or form.cleaned_data.get("lift_pause"):
            limits.lift_pause(obj)
        transaction.on_commit(lambda: schedule.source_saved(obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Sources come from adapters and registered tables, not from an empty form."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Claims need their source for ever; turn it off instead."""
        return False

    def has_test_key_permission(self, request: HttpRequest, object_id: int | str) -> bool:
        """Only a source with a key can be tried."""
        source = self.get_object(request, str(object_id))
        return (
            self.has_change_permission(request, source)
            and source is not None
            and key_state(source)[0] != "not needed"
        )

    def has_register_permission(self, request: HttpRequest) -> bool:
        """Whether this user may register tables."""
        return request.user.has_perm("enrichment.add_enrichmentsource")

    def get_urls(self) -> list[URLPattern]:
        """The address of "Register a table" before those of the list."""
        view = self.admin_site.admin_view(self.register_view)
        api = self.admin_site.admin_view(self.http_api_view)
        return [
            path("register-table/", view, name="enrichment_enrichmentsource_register"),
            path("http-api/", api, name="enrichment_enrichmentsource_http_api"),
            path("http-api/<int:pk>/", api, name="enrichment_enrichmentsource_http_api_change"),
            *super().get_urls(),
        ]

    @button(description="Register a table", url_path="register", permissions=["register"], icon="table")
    def register_table_action(self, request: HttpRequest) -> HttpResponse:
        """To the page where a file becomes a source."""
        return register_table(self, request)

    def register_view(self, request: HttpRequest) -> HttpResponse:
        """The pages where a file becomes a source."""
        return register_table(self, request)

    @button(description="Set up an HTTP API", url_path="new-http-api", permissions=["register"], icon="api")
    def http_api_action(self, request: HttpRequest) -> HttpResponse:
        """To the page where an API becomes a source."""
        return redirect("admin:enrichment_enrichmentsource_http_api")

    @button(description="Test the key", url_path="test-key", permissions=["test_key"], icon="key")
    def test_key_action(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say whether the source's key works and what is left, where asking costs nothing."""
        verdict = try_key(get_object_or_404(EnrichmentSource, pk=object_id))
        level = {True: messages.SUCCESS, False: messages.ERROR, None: messages.WARNING}[verdict.works]
        messages.add_message(request, level, verdict.text)
        return redirect("admin:enrichment_enrichmentsource_change", object_id)

    def http_api_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """The page where an API is set up, changed and tried."""
        return http_api_page(self, request, pk)

    def complete_page(self, objects: Sequence[EnrichmentSource]) -> None:
        """Credits used this month, live values and next refresh of each source, in a few queries."""
        note_next(objects)
        scopes = {budget_scope(source): source for source in objects}
        budgets = {row.scope: row for row in Budget.objects.filter(scope__in=scopes)}
        live = live_claims()
        for scope, source in scopes.items():
            budget = budgets.get(scope)
            source.used_credits = budget.spent + budget.reserved if budget else 0  # type: ignore[attr-defined]
            source.live_values = _live(live, source)  # type: ignore[attr-defined]

    @column(description="Set up")
    def setup(self, source: EnrichmentSource) -> SafeString:
        """Where an API is changed and tried."""
        return setup_link(source)

    @column(description="Source", ordering="label", header=True)
    def name(self, source: EnrichmentSource) -> list[str]:
        """The label, and the slug below it."""
        return [source.label, source.slug]

    @column(description="A question", ordering="cost")
    def price(self, source: EnrichmentSource) -> str:
        """What one question costs at most."""
        return _credits(source.cost) if source.adapter else "–"

    @column(description="This month")
    def used(self, source: EnrichmentSource) -> str:
        """Spent or set aside, of how many."""
        if not source.adapter:
            return "–"
        used: int = source.used_credits  # type: ignore[attr-defined]
        limit = source.monthly_limit
        return _credits(used) if limit is None else f"{used:,} of {_credits(limit)}"

    @column(description="Values live")
    def values_live(self, source: EnrichmentSource) -> str:
        """How many claims of it stand."""
        return source.live_values  # type: ignore[attr-defined, no-any-return]

    @column(description="Key")
    def key_in_list(self, source: EnrichmentSource) -> SafeString:
        """Whether the source's key is set, and below it in which variable."""
        state, variable = key_state(source)
        chip = (
            '<div><span class="fn-chip fn-{}">{}</span><div class="fn-muted fn-small fn-wrap">{}</div></div>'
        )
        return format_html(chip, KEY_TONES[state], state, variable)

    @column(description="Key", label=KEY_TONES)
    def key(self, source: EnrichmentSource) -> str | tuple[str, str]:
        """Whether the source's key is set, and in which variable."""
        state, variable = key_state(source)
        return (state, f"{state}: {variable}") if variable else state


def _live(live: LiveClaims, source: EnrichmentSource) -> str:
    """How many claims of a source stand, in words where they are not counted."""
    count = live.by_source.get(source.pk, 0)
    if live.is_exact:
        return f"{count:,}"
    return str(RoundCount(count, "about") if count else RoundCount(live.unseen, "fewer than"))


def _credits(count: int) -> str:
    return f"{count:,} credit{'' if count == 1 else 's'}"


def is_paused(source: EnrichmentSource) -> bool:
    """Whether the source is not asked for a while."""
    return source.paused_until is not None and source.paused_until > timezone.now()


def budget_scope(source: EnrichmentSource) -> str:
    """The name of a source's budget of the month that runs in its time zone."""
    return f"source:{source.pk}:{timezone.now().astimezone(zoneinfo.ZoneInfo(source.time_zone)):%Y-%m}"


def key_state(source: EnrichmentSource) -> tuple[str, str]:
    """Whether a source's key is present, missing or not needed, and the variable that holds it."""
    adapter = adapter_of(source)
    if adapter is None or adapter.secret is None:
        return "not needed", ""
    state = "present" if key_of(source.slug, adapter) else "missing"
    return state, key_variable(source.slug, adapter)
