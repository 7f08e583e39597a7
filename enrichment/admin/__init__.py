"""The admin of sources, runs and the ledger."""

from enrichment.admin import attributes, evidence, items, preferences, runs, sources, system

__all__ = ["attributes", "evidence", "items", "preferences", "runs", "sources", "system"]
