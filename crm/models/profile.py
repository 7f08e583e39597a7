"""Ideal customer profiles."""

from __future__ import annotations

import re

from django.db import models

from sources.attributes import slug_of

_LINE = re.compile(r"^\s*[-*]\s*`?([A-Za-z][\w \-]{0,60}?)`?\s*:\s*(.+?)\s*$", re.MULTILINE)


class IdealCustomerProfile(models.Model):
    """Which kinds of records a team wants, and which attributes of them.

    `account_text` and `contact_text` hold prose with `- slug: description` lines;
    each such line asks for one attribute. `targets` keeps what else the V1 API says of each kind,
    in its order: `{entity_type, root, desired_count, filters}`.
    """

    class Mode(models.TextChoices):
        """A word of the V1 API, by which its lists can be filtered."""

        DISCOVERY = "discovery"
        MONITORING = "monitoring"

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    account_text = models.TextField(
        "wanted of accounts", blank=True, help_text="One line for each attribute: - slug: description"
    )
    contact_text = models.TextField("wanted of contacts", blank=True, help_text="As above, for people.")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.DISCOVERY, editable=False)
    targets = models.JSONField(default=list, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "ideal customer profile"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def wanted(text: str) -> dict[str, str]:
        """The attributes a text asks for: slug → description, in order."""
        return {slug_of(slug): description for slug, description in _LINE.findall(text)}

    @staticmethod
    def names(text: str) -> dict[str, str]:
        """The attributes a text asks for: the name as it is written there → slug."""
        return {name: slug_of(name) for name, _ in _LINE.findall(text)}
