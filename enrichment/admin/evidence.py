"""The evidence, to look at only: claims, lookups, checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from crm.models import Record
from enrichment.admin.base import ReadOnlyAdmin, column
from enrichment.admin.references import links
from enrichment.models import AttributeValue, Check, Lookup
from enrichment.queries.catalogue import describe
from sources.display import display as display_value

BODY_SHOWN = 20_000
"""Characters of a payload that its page shows."""


def record_link(record: Record | None) -> str:
    """A record's name, leading to its page."""
    if record is None:
        return "–"
    return format_html('<a class="fn-link" href="{}">{}</a>', record_url(record), record)


def record_url(record: Record) -> str:
    """The address of a record's page."""
    return reverse(f"admin:crm_{record.kind.value}_change", args=[record.pk])


def row_link(model: str, pk: Any, text: Any) -> SafeString:
    """A link to the page of a row of our tables; `model` in small letters."""
    url = reverse(f"admin:enrichment_{model}_change", args=[pk])
    return format_html('<a class="fn-link" href="{}">{}</a>', url, text)


def count_link(model: str, query: dict[str, Any], count: int) -> SafeString | str:
    """A count that leads to the list of what it counts."""
    if not count:
        return "0"
    url = reverse(f"admin:enrichment_{model}_changelist")
    return format_html('<a class="fn-link" href="{}?{}">{}</a>', url, urlencode(query), f"{count:,}")


class _OfRecordAdmin(ReadOnlyAdmin):
    """Rows about an account or a contact."""

    list_select_related = ("account", "contact", "source", "run")

    @column(description="Record")
    def record(self, row: Any) -> str:
        """The account or contact."""
        return record_link(row.account or row.contact)


@admin.register(AttributeValue)
class ClaimAdmin(_OfRecordAdmin):
    """Every claim ever made."""

    list_display = ("attribute_label", "shown", "record", "source", "state", "first_seen_at")
    list_filter = (("source", RelatedDropdownFilter),)
    search_fields = ("=attribute",)
    search_help_text = "The slug of an attribute, e.g. headcount"
    ordering = ("-id",)
    fields = (
        "record", "attribute", "shown", "original", "reference_links", "source", "run", "lookup", "state",
        "first_seen_at", "superseded_at", "retracted_at",
    )  # fmt: skip
    empty_hint = (
        "No source has claimed anything yet. Import a spreadsheet, or select accounts and enrich them."
    )
    empty_links = (("Accounts", "admin:crm_account_changelist", "crm.view_account"),)

    def complete_page(self, objects: Sequence[AttributeValue]) -> None:
        """The names of the attributes, in one query."""
        known = describe({claim.attribute for claim in objects})
        for claim in objects:
            claim.label = known[claim.attribute].label  # type: ignore[attr-defined]

    @column(description="Attribute", ordering="attribute", header=True)
    def attribute_label(self, claim: AttributeValue) -> list[str]:
        """The attribute's name, and its slug below it."""
        return [claim.label, claim.attribute]  # type: ignore[attr-defined]

    @column(description="Value")
    def shown(self, claim: AttributeValue) -> str:
        """The value as text."""
        return display_value(claim.attribute, claim.value)

    @column(description="References")
    def reference_links(self, claim: AttributeValue) -> SafeString:
        """The references, web addresses as links."""
        return links(claim.references)

    @column(description="State", label={"live": "success", "superseded": "default", "retracted": "warning"})
    def state(self, claim: AttributeValue) -> str:
        """live, superseded or retracted."""
        if claim.retracted_at:
            return "retracted"
        return "superseded" if claim.superseded_at else "live"


@admin.register(Lookup)
class LookupAdmin(ReadOnlyAdmin):
    """Every question asked, what it cost and what came back."""

    list_display = (
        "id",
        "source",
        "asked_about",
        "state_label",
        "http_status",
        "credits",
        "sent_at",
        "answered_at",
    )
    list_filter = (("source", RelatedDropdownFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("source", "run")
    fields = (
        "source", "run", "asked_about", "state", "url", "http_status", "credits", "reserved", "period", "version", "key",
        "sent_at", "answered_at", "error", "question_text", "headers_text", "payload",
    )  # fmt: skip
    empty_hint = "No source has been asked yet. Select accounts and choose Enrich selected."
    empty_links = (("Accounts", "admin:crm_account_changelist", "crm.view_account"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lookup]:
        """Lists leave the payloads in the database."""
        rows: QuerySet[Lookup] = super().get_queryset(request)
        is_page = bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)
        return rows if is_page else rows.defer("body", "headers")

    @column(description="Asked about")
    def asked_about(self, lookup: Lookup) -> str:
        """Whom the question names."""
        question = lookup.question
        return str(question.get("name") or question.get("domain") or question.get("email") or lookup.pk)

    @column(
        description="State",
        ordering="state",
        label={
            "applied": "success", "answered": "success", "failed": "danger", "uncertain": "warning",
            "late": "warning", "waiting": "info", "sent": "info",
        },
    )  # fmt: skip
    def state_label(self, lookup: Lookup) -> str:
        """Where the question stands."""
        return lookup.state

    @column(description="HTTP status", ordering="status")
    def http_status(self, lookup: Lookup) -> int | None:
        """What the answer came with."""
        return lookup.status

    @column(description="Credits", ordering="cost")
    def credits(self, lookup: Lookup) -> int | None:
        """What it cost."""
        return lookup.cost

    @column(description="Question")
    def question_text(self, lookup: Lookup) -> SafeString:
        """The question as JSON."""
        return json_block(lookup.question)

    @column(description="Headers")
    def headers_text(self, lookup: Lookup) -> SafeString:
        """The kept headers of the answer."""
        return json_block(lookup.headers)

    @column(description="Payload")
    def payload(self, lookup: Lookup) -> SafeString | str:
        """What came back, as text; cut where it is long."""
        if not lookup.body:
            return "Nothing was received."
        body = bytes(lookup.body)
        text = body[: BODY_SHOWN * 4].decode("utf-8", errors="replace")[:BODY_SHOWN]
        left = f"\n… {len(body):,} bytes in all" if len(body) > len(text.encode()) else ""
        return _preformatted(text + left)


@admin.register(Check)
class CheckAdmin(_OfRecordAdmin):
    """What each run learned by asking."""

    list_display = ("at", "record", "source", "outcome_label", "run")
    list_filter = (("source", RelatedDropdownFilter), ("outcome", ChoicesDropdownFilter))
    fields = ("at", "record", "source", "outcome", "run", "lookup", "asserted")
    ordering = ("-id",)
    empty_hint = "No source has answered yet. Select accounts and choose Enrich selected."
    empty_links = (("Accounts", "admin:crm_account_changelist", "crm.view_account"),)

    @column(
        description="Outcome",
        ordering="outcome",
        label={"found": "success", "not found": "default", "rejected: about somebody else": "warning"},
    )
    def outcome_label(self, check: Check) -> str:
        """Found, not found or rejected."""
        return check.get_outcome_display()


def json_block(data: Any) -> SafeString:
    """Data as indented JSON."""
    return _preformatted(json.dumps(data, indent=2, ensure_ascii=False))


def _preformatted(text: str) -> SafeString:
    return format_html('<pre class="fn-pre">{}</pre>', text)
