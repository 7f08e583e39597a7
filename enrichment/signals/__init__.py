"""Buying triggers: changes of values that are worth acting on, found when a run has ended."""

from enrichment.signals.defaults import SLUGS, sync_rules
from enrichment.signals.rules import FITTING
from enrichment.signals.scanning import is_waiting, scan, sweep

__all__ = ["FITTING", "SLUGS", "is_waiting", "scan", "sweep", "sync_rules"]
