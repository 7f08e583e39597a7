"""The one row of preferences."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.widgets import UnfoldAdminRadioSelectWidget

from enrichment.admin.base import FootnoteAdmin, require
from enrichment.claims import switch_policy
from enrichment.models import Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """The money limit, and which claim is believed."""

    belief = forms.ChoiceField(
        label="If sources disagree, believe",
        choices=Preferences.Policy.choices,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="A value pinned by a person wins either way. Switching recomputes every current value.",
    )

    class Meta:
        model = Preferences
        fields = ("monthly_limit_usd", "hold_paid")
        labels: ClassVar = {"monthly_limit_usd": "Monthly limit, USD"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["belief"] = self.instance.policy


@admin.register(Preferences)
class PreferencesAdmin(FootnoteAdmin):
    """What the whole installation prefers."""

    form = PreferencesForm
    fields = ("belief", "monthly_limit_usd", "hold_paid")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is always one row."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Straight to the one row."""
        require(request, "enrichment.view_preferences")
        Preferences.objects.get_or_create(pk=1)
        return redirect("admin:enrichment_preferences_change", 1)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Viewers see the columns only."""
        return self.fields if self.has_change_permission(request, obj) else ("monthly_limit_usd", "hold_paid")

    def save_model(self, request: HttpRequest, obj: Preferences, form: Any, change: bool) -> None:
        """Save the limit; a new policy recomputes all current values."""
        super().save_model(request, obj, form, change)
        policy = form.cleaned_data["belief"]
        if policy != obj.policy:
            changed = switch_policy(policy)
            messages.success(request, f"{changed:,} records show other values now.")
