"""What came of one question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sources.contract import Finding
from sources.errors import SourceError


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question: the findings of a kept answer, an error, or why it was not asked.

    `again_at`: the item comes back then, unless it had `most_tries` errors. `waits`: the answer of
    `lookup` is still to come. `is_open`: the lookup has an answer that is not applied yet.
    """

    lookup: int | None
    asked_at: datetime
    findings: tuple[Finding, ...] | None = None
    error: SourceError | None = None
    reason: str = ""
    again_at: datetime | None = None
    most_tries: int = 1
    waits: bool = False
    is_open: bool = True
