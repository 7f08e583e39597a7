"""The only package that reads values: current, history, as of a date, coverage, filters."""

from enrichment.queries.catalogue import attributes_of
from enrichment.queries.checked import newest_checks
from enrichment.queries.coverage import coverage
from enrichment.queries.documents import meant_by
from enrichment.queries.filters import Op, filter_by_value, ordering_of
from enrichment.queries.in_use import said_in, texts_in_use
from enrichment.queries.made import made_by
from enrichment.queries.outcomes import credits_by_source, outcomes_by_source
from enrichment.queries.past import as_of
from enrichment.queries.sampling import SURE, LiveClaims, live_claims, sample_of
from enrichment.queries.shifts import ShownShift, described
from enrichment.queries.shown import Claim, Shown, current, history

__all__ = [
    "SURE",
    "Claim",
    "LiveClaims",
    "Op",
    "Shown",
    "ShownShift",
    "as_of",
    "attributes_of",
    "coverage",
    "credits_by_source",
    "current",
    "described",
    "filter_by_value",
    "history",
    "live_claims",
    "made_by",
    "meant_by",
    "newest_checks",
    "ordering_of",
    "outcomes_by_source",
    "said_in",
    "sample_of",
    "texts_in_use",
]
