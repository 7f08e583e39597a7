"""The admin of sources, runs and the ledger."""

from enrichment.admin import api_keys, attributes, evidence, items, preferences, runs, sources, system

__all__ = ["api_keys", "attributes", "evidence", "items", "preferences", "runs", "sources", "system"]
