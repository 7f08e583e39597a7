"""Named lists of records."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from crm.models.account import Account
from crm.models.contact import Contact
from crm.models.profile import IdealCustomerProfile


class Sheet(models.Model):
    """A named list of accounts or of contacts, usually one imported file."""

    class Kind(models.TextChoices):
        """What the sheet lists."""

        ACCOUNT = "account"
        CONTACT = "contact"

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ACCOUNT)
    profile = models.ForeignKey(
        IdealCustomerProfile, null=True, blank=True, on_delete=models.SET_NULL, related_name="sheets"
    )
    fields = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="Attributes wanted beside the profile's, as V1 fields.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class SheetEntry(models.Model):
    """One record's place in one sheet; deleting it never deletes the record."""

    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, db_index=False, related_name="entries")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="entries"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="entries"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "sheet entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="sheetentry_has_one_record",
            ),
            models.UniqueConstraint(fields=["sheet", "account"], name="sheetentry_account_once"),
            models.UniqueConstraint(fields=["sheet", "contact"], name="sheetentry_contact_once"),
        ]
        indexes = [models.Index(fields=["sheet", "id"], name="sheetentry_page")]

    def __str__(self) -> str:
        return f"{self.sheet}: {self.account or self.contact}"
