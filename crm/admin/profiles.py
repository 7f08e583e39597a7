"""Ideal customer profiles in the admin."""

from __future__ import annotations

from django.contrib import admin

from crm.models import IdealCustomerProfile
from enrichment.admin.base import FootnoteAdmin, column


@admin.register(IdealCustomerProfile)
class IdealCustomerProfileAdmin(FootnoteAdmin):
    """Which kinds of records a team wants."""

    list_display = ("name", "description", "attributes", "updated_at")
    search_fields = ("name",)
    fields = ("name", "description", "account_text", "contact_text")
    empty_hint = (
        "Say whom you want to sell to, and which facts decide that: one line for each, - slug: description."
    )

    @column(description="Attributes asked for")
    def attributes(self, profile: IdealCustomerProfile) -> str:
        """The slugs that its lines name."""
        wanted = [*profile.wanted(profile.account_text), *profile.wanted(profile.contact_text)]
        return ", ".join(wanted) or "–"
