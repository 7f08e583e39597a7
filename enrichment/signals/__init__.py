"""Buying triggers: changes of values that are worth acting on, found when a run has ended."""

from enrichment.signals.defaults import SLUGS, sync_rules
from enrichment.signals.scanning import is_waiting, scan, sweep

__all__ = ["SLUGS", "is_waiting", "scan", "sweep", "sync_rules"]
