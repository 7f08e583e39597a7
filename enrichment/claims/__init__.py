"""The only package that writes values: record, supersede, pin, release, undo, reread, rebuild, switch policy, redate."""

from enrichment.claims.answers import Answer, CleanClaim, Recorded, RunUndone
from enrichment.claims.freshness import redate
from enrichment.claims.pinning import pin, release
from enrichment.claims.recording import complete, record
from enrichment.claims.replaying import Shift, reread, reread_shifts, undo_shifts
from enrichment.claims.settling import Rebuilt, Undone, rebuild, refresh, switch_policy, undo

__all__ = [
    "Answer",
    "CleanClaim",
    "Rebuilt",
    "Recorded",
    "RunUndone",
    "Shift",
    "Undone",
    "complete",
    "pin",
    "rebuild",
    "record",
    "redate",
    "refresh",
    "release",
    "reread",
    "reread_shifts",
    "switch_policy",
    "undo",
    "undo_shifts",
]
