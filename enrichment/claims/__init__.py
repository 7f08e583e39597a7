"""The only package that writes values: record, supersede, pin, release, undo, rebuild, switch policy, redate."""

from enrichment.claims.answers import Answer, CleanClaim, Recorded, RunUndone
from enrichment.claims.freshness import redate
from enrichment.claims.pinning import pin, release
from enrichment.claims.recording import complete, record
from enrichment.claims.settling import Rebuilt, Undone, rebuild, refresh, switch_policy, undo

__all__ = [
    "Answer",
    "CleanClaim",
    "Rebuilt",
    "Recorded",
    "RunUndone",
    "Undone",
    "complete",
    "pin",
    "rebuild",
    "record",
    "redate",
    "refresh",
    "release",
    "switch_policy",
    "undo",
]
