"""Contacts in the admin."""

from __future__ import annotations

from django.contrib import admin

from crm.admin.records import RecordAdmin, initials
from crm.models import Contact
from crm.resources import ContactResource
from enrichment.admin.base import column
from enrichment.admin.evidence import record_link


@admin.register(Contact)
class ContactAdmin(RecordAdmin):
    """The people."""

    resource_classes = (ContactResource,)
    shown = ("job_title", "headline", "location", "phone")
    list_select_related = ("account",)
    autocomplete_fields = ("account",)
    empty_hint = "Import a spreadsheet of people, or add one by hand."
    empty_links = (("Import a spreadsheet", "admin:crm_contact_import_file", "enrichment.add_enrichmentrun"),)

    def identity_columns(self) -> list[str]:
        """The person and the company."""
        return ["who", "company"]

    def written_fields(self) -> list[str | tuple[str, ...]]:
        """The account, then what people write."""
        return ["account", *super().written_fields()]

    @column(description="Contact", ordering="name", header=True)
    def who(self, contact: Contact) -> list[str]:
        """The name, and the e-mail address below it."""
        return [str(contact), contact.email, initials(str(contact))]

    @column(description="Account", ordering="account__name")
    def company(self, contact: Contact) -> str:
        """The account, leading to its page."""
        return record_link(contact.account)
