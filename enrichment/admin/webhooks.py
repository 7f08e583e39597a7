"""Webhook endpoints and the log of what they were sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from enrichment import webhooks
from enrichment.admin.base import FootnoteAdmin, ReadOnlyAdmin, column, require
from enrichment.admin.sources_form import LinesField
from enrichment.models import WebhookDelivery, WebhookEndpoint
from enrichment.models.webhook import Event
from enrichment.names import custom_attributes
from sources.attributes import Kind, find

MAY_STEER = "enrichment.change_webhookendpoint"
STATE_TONES = {"pending": "info", "delivered": "success", "failed": "danger", "dropped": "default"}


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where to, and what of."""

    events = forms.MultipleChoiceField(
        label="Tell it when", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=[(event.value, event.label) for event in WebhookEndpoint.CHOOSABLE],
    )  # fmt: skip
    attributes = LinesField(
        label="Values of these attributes", required=False,
        help_text="One a line, where changed values are told. Empty: all of them, which may be many.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "attributes" in self.fields:
            self.fields["attributes"].widget.attrs["rows"] = 3

    def clean_url(self) -> str:
        """A public address over https, or one that EGRESS_ALLOW names."""
        try:
            return webhooks.check_target(self.cleaned_data["url"])
        except webhooks.TargetRefused as refused:
            raise forms.ValidationError(str(refused)) from None

    def clean_attributes(self) -> list[str]:
        """The slugs of what was named."""
        custom, slugs = custom_attributes(), []
        for name in self.cleaned_data["attributes"]:
            found = next((each for kind in Kind if (each := find(name, kind, custom))), None)
            if found is None:
                raise forms.ValidationError(f"There is no attribute {name}.")
            slugs.append(found.slug)
        return list(dict.fromkeys(slugs))


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(FootnoteAdmin):
    """Who is told of what."""

    form = EndpointForm
    list_display = ("name", "is_enabled", "url", "told_of", "health", "waiting")
    list_editable = ("is_enabled",)
    list_filter = ("is_enabled", "is_of_tasks")
    search_fields = ("name", "url")
    change_form_outer_after_template = "footnote/webhook_endpoint.html"
    empty_hint = (
        "Nobody is told of anything yet. Add an address, and it hears when a run ends, a signal appears or a value "
        "changes; each message is signed, and sent again for three days until it is taken."
    )

    def get_urls(self) -> list[URLPattern]:
        """The address of what can be done to an endpoint before those of the list."""
        view = self.admin_site.admin_view(self.act_view)
        return [
            path("<int:pk>/<slug:act>-now/", view, name="enrichment_webhookendpoint_act"),
            *super().get_urls(),
        ]

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> tuple[str, ...]:
        """An endpoint of tasks hears of their runs only."""
        if obj and obj.is_of_tasks:
            return ("name", "url", "is_enabled", "condition")
        told = ("name", "url", "events", "attributes", "first_values", "is_enabled")
        return (*told, "condition") if obj else told

    def get_readonly_fields(
        self, request: HttpRequest, obj: WebhookEndpoint | None = None
    ) -> tuple[str, ...]:
        """The address of tasks comes from the tasks."""
        return ("url", "condition") if obj and obj.is_of_tasks else ("condition",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Of what is not shown nothing is asked."""
        if obj and obj.is_of_tasks:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        """A new endpoint's secret is told once; one that is turned on again begins afresh."""
        if not change:
            _tell_secret(request, obj, webhooks.new_secret(obj))
        elif obj.is_enabled and "is_enabled" in form.changed_data:
            obj.failures, obj.paused_until, obj.disabled_reason = 0, None, ""
        super().save_model(request, obj, form, change)

    def act_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """Rotate the secret, or send a test message."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        require(request, MAY_STEER)
        endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
        if act == "rotate":
            _tell_secret(request, endpoint, webhooks.rotate(endpoint))
        elif act == "test":
            delivery = webhooks.test_message(endpoint)
            return redirect("admin:enrichment_webhookdelivery_change", delivery.pk)
        return redirect("admin:enrichment_webhookendpoint_change", pk)

    def complete_page(self, objects: Sequence[WebhookEndpoint]) -> None:
        """How many messages wait for each endpoint of the page, in one query."""
        rows = WebhookDelivery.objects.filter(
            endpoint__in=objects, state=WebhookDelivery.State.PENDING
        ).order_by()
        counts = dict(rows.values_list("endpoint").annotate(Count("pk")))
        for endpoint in objects:
            endpoint.messages_waiting = counts.get(endpoint.pk, 0)  # type: ignore[attr-defined]

    @column(description="Told of")
    def told_of(self, endpoint: WebhookEndpoint) -> str:
        """The events in words."""
        if endpoint.is_of_tasks:
            return "runs of its tasks"
        return ", ".join(Event(each).label for each in endpoint.events) or "nothing"

    @column(
        description="Health",
        label={"well": "success", "resting": "warning", "off": "default", "failing": "warning"},
    )
    def health(self, endpoint: WebhookEndpoint) -> str:
        """Whether it takes what it is sent, in a word."""
        if not endpoint.is_enabled:
            return "off"
        return "resting" if endpoint.paused_until else "failing" if endpoint.failures else "well"

    @column(description="Health")
    def condition(self, endpoint: WebhookEndpoint) -> str:
        """The same with its reason."""
        if not endpoint.is_enabled:
            return f"off. {endpoint.disabled_reason}"
        word = self.health(endpoint)
        return f"{word}: {endpoint.failures} failures in a row" if endpoint.failures else word

    @column(description="Waiting")
    def waiting(self, endpoint: WebhookEndpoint) -> SafeString:
        """How many messages wait for it, leading to all it was sent."""
        url = f"{reverse('admin:enrichment_webhookdelivery_changelist')}?endpoint__id__exact={endpoint.pk}"
        count: int = endpoint.messages_waiting  # type: ignore[attr-defined]
        return format_html('<a class="fn-link" href="{}">{}</a>', url, f"{count:,}")


def _tell_secret(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> None:
    messages.warning(
        request,
        f"The secret of {endpoint.name} is {secret} – keep it somewhere safe, it cannot be shown again.",
    )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Every message, what it said, and what was answered."""

    list_display = (
        "created_at",
        "event",
        "endpoint",
        "state_label",
        "status",
        "attempts",
        "error",
        "next_try",
    )
    list_filter = (
        ("state", ChoicesDropdownFilter), ("event", ChoicesDropdownFilter), ("endpoint", RelatedDropdownFilter),
    )  # fmt: skip
    list_select_related = ("endpoint", "run")
    search_fields = ("event_id",)
    search_help_text = "The id of a message"
    ordering = ("-id",)
    fields = (
        "event", "event_id", "endpoint", "state_label", "attempts", "next_try", "created_at", "ended_at", "run", "signal",
        "tries_told", "body_text",
    )  # fmt: skip
    change_form_outer_before_template = "footnote/webhook_delivery.html"
    actions = ("send_again",)
    empty_hint = "Nothing was told to anybody yet. Add an endpoint, and start a run."
    empty_links = (
        ("Endpoints", "admin:enrichment_webhookendpoint_changelist", "enrichment.view_webhookendpoint"),
    )

    def get_urls(self) -> list[URLPattern]:
        """The address of the replay button before those of the list."""
        view = self.admin_site.admin_view(self.replay_view)
        return [path("<int:pk>/replay/", view, name="enrichment_webhookdelivery_replay"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """Lists leave the bodies in the database."""
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        is_page = bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)
        return rows if is_page else rows.defer("body", "tries")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Whether this user may have messages sent again."""
        return request.user.has_perm(MAY_STEER)

    @admin.action(description="Send again", permissions=["replay"])
    def send_again(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """Send the chosen messages again, under their ids."""
        messages.success(request, f"{webhooks.replay(rows):,} messages are sent again.")

    def replay_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send one message again."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        require(request, MAY_STEER)
        get_object_or_404(WebhookDelivery, pk=pk)
        webhooks.replay(WebhookDelivery.objects.filter(pk=pk))
        messages.success(request, "The message is sent again.")
        return redirect("admin:enrichment_webhookdelivery_change", pk)

    @column(description="State", ordering="state", label=STATE_TONES)
    def state_label(self, delivery: WebhookDelivery) -> str:
        """Where the message stands."""
        return delivery.state

    @column(description="Next try", ordering="next_at")
    def next_try(self, delivery: WebhookDelivery) -> str:
        """When it is sent next, while it waits."""
        is_waiting = delivery.state == WebhookDelivery.State.PENDING
        return date_format(delivery.next_at, "DATETIME_FORMAT") if is_waiting else "–"

    @column(description="Tries")
    def tries_told(self, delivery: WebhookDelivery) -> SafeString | str:
        """The latest tries: when, what was answered, how long it took."""
        rows = [
            (
                each["at"][:19].replace("T", " "),
                each["error"] or f"it answered {each['status']}",
                each["milliseconds"],
            )
            for each in delivery.tries
        ]
        return format_html_join("", "<div>{} UTC: {}, {} ms</div>", rows) if rows else "It was not sent yet."

    @column(description="Body")
    def body_text(self, delivery: WebhookDelivery) -> SafeString:
        """What it says."""
        text = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
        return format_html('<pre class="fn-pre">{}</pre>', text)
