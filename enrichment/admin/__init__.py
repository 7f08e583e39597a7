"""The admin of sources, runs and the ledger."""

from enrichment.admin import (
    api_files,
    api_keys,
    api_tasks,
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
    "api_files",
    "api_keys",
    "api_tasks",
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
