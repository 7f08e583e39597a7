"""Accounts in the admin."""

from __future__ import annotations

from django.contrib import admin

from crm.admin.records import RecordAdmin, initials
from crm.models import Account
from crm.resources import AccountResource
from enrichment.admin.base import column


@admin.register(Account)
class AccountAdmin(RecordAdmin):
    """The companies."""

    resource_classes = (AccountResource,)
    shown = ("industry", "headcount", "funding_stage", "headquarters", "tech_stack")
    empty_hint = "Import a spreadsheet of companies, or add one by hand."
    empty_links = (("Import a spreadsheet", "admin:crm_account_import_file", "enrichment.add_enrichmentrun"),)

    @column(description="Account", ordering="name", header=True)
    def who(self, account: Account) -> list[str]:
        """The name, and the domain below it."""
        return [str(account), account.domain, initials(str(account))]
