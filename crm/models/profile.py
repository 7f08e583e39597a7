"""Ideal customer profiles."""

from __future__ import annotations

import re

from django.db import models

from sources.attributes import slug_of

_LINE = re.compile(r"^\s*[-*]\s*`?([A-Za-z][\w \-]{0,60}?)`?\s*:\s*(.+?)\s*$", re.MULTILINE)


class IdealCustomerProfile(models.Model):
    """Which kinds of records a team wants, and which attributes of them.

    `account_text` and `contact_text` hold prose with `- slug: description` lines;
    each such line asks for one attribute.
    """

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    account_text = models.TextField(
        "wanted of accounts", blank=True, help_text="One line for each attribute: - slug: description"
    )
    contact_text = models.TextField("wanted of contacts", blank=True, help_text="As above, for people.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "ideal customer profile"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def wanted(text: str) -> dict[str, str]:
        """The attributes a text asks for: slug → description, in order."""
        return {slug_of(slug): description for slug, description in _LINE.findall(text)}
