"""What is handed to the ledger, and what it says back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enrichment.models.check import Outcome


class RunUndone(Exception):
    """The run was undone: nothing more may be recorded for it."""


@dataclass(frozen=True, slots=True)
class CleanClaim:
    """A claim that fits its attribute's type; `original` is the source's own text where it differs."""

    attribute: str
    value: Any
    references: tuple[str, ...]
    original: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one source answered about one record: ids of both, when it was asked, what it claims.

    `outcome` is found, not found or rejected; `lookup` and `key` name the question, where one was asked.
    `is_special`: asked with settings of its run alone, which tells nothing of when the source is due again.
    """

    record: int
    source: int
    at: datetime
    outcome: Outcome
    claims: tuple[CleanClaim, ...] = ()
    lookup: int | None = None
    key: str = ""
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many claims were written and confirmed, and which answers were known to the run already."""

    written: int = 0
    confirmed: int = 0
    records_changed: int = 0
    skipped: int = 0
