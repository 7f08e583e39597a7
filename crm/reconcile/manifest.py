"""What the service can do, and where."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from crm.reconcile.entities import type_of
from crm.reconcile.extending import SETTING
from crm.reconcile.queries import MOST_QUERIES
from enrichment.api.auth import HEADER
from sources.attributes import Kind

WIDTH, HEIGHT = 440, 320
"""Pixels of a preview."""


def manifest(address: str, *, has_key: bool) -> dict[str, Any]:
    """The manifest of the service at `address`; with a key in the address nothing else has to be shown."""
    spaces = f"{settings.PUBLIC_URL}/reconcile"
    told: dict[str, Any] = {
        "versions": ["0.2"],
        "name": "Footnote",
        # Every address of one installation names the same records, so these hold no key.
        "identifierSpace": f"{spaces}/view/",
        "schemaSpace": f"{spaces}/properties",
        "view": {"url": f"{spaces}/view/{{{{id}}}}"},
        "defaultTypes": [type_of(kind) for kind in Kind],
        "batchSize": MOST_QUERIES,
        "suggest": {
            what: {"service_url": address, "service_path": f"/suggest/{what}"}
            for what in ("entity", "property", "type")
        },
        "preview": {"url": f"{address}/preview?id={{{{id}}}}", "width": WIDTH, "height": HEIGHT},
        "extend": {
            "propose_properties": {"service_url": address, "service_path": "/properties"},
            "property_settings": [SETTING],
        },
    }
    if not has_key:
        told["authentication"] = {"type": "apiKey", "name": HEADER, "in": "header"}
    return told
