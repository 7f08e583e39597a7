"""The admin of sources, runs and the ledger."""

from enrichment.admin import (
    api_keys,
    attributes,
    evidence,
    items,
    preferences,
    runs,
    signals,
    sources,
    system,
    webhooks,
)

__all__ = [
    "api_keys",
    "attributes",
    "evidence",
    "items",
    "preferences",
    "runs",
    "signals",
    "sources",
    "system",
    "webhooks",
]
