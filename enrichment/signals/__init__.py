"""Buying triggers: changes of values that are worth acting on, found when a run has ended."""

from enrichment.signals.defaults import SLUGS, sync_rules
from enrichment.signals.scanning import scan, sweep

__all__ = ["SLUGS", "scan", "sweep", "sync_rules"]
