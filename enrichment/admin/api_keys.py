"""Keys of the REST API: made, limited and revoked; a key itself is shown once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from rest_framework_api_key.models import APIKey
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from enrichment.admin.base import FootnoteAdmin, column
from enrichment.models import ApiKey, Scope

admin.site.unregister(APIKey)  # the package's own model, which has no scopes and is not used


class _KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Read sees everything, write changes records and sheets, enrich starts runs that may cost credits, "
        "admin may do all of it.",
    )


@admin.register(ApiKey)
class ApiKeyAdmin(FootnoteAdmin):
    """Who may call the REST API, and what for."""

    form = _KeyForm
    fields = ("name", "owner", "scopes", "expiry_date", "per_minute", "monthly_limit", "revoked")
    list_display = ("name", "prefix", "state", "may", "owner", "last_used_at", "expiry_date")
    list_select_related = ("owner",)
    list_filter = ("revoked",)
    search_fields = ("name", "prefix")
    empty_hint = "Nobody calls the REST API yet: add a key, or make one with manage.py create_api_key NAME."

    @column(description="State", label={"valid": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key: ApiKey) -> str:
        """Whether it still opens anything."""
        return "revoked" if key.revoked else "expired" if key.has_expired else "valid"

    @column(description="May")
    def may(self, key: ApiKey) -> str:
        """The scopes in words."""
        return ", ".join(key.scopes)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """A revoked key stays so."""
        return self.fields if obj and obj.revoked else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """A new key is told once, on the page that follows."""
        if change:
            obj.save()
            return
        text = ApiKey.objects.assign_key(obj)
        obj.save()
        told = f"The key of {obj.name} is {text} – keep it somewhere safe, it cannot be shown again."
        messages.warning(request, told)
