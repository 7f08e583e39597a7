"""One item on its way through a plan: what is known of it, what each source said, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crm.models import Record
from enrichment.models import EnrichmentSource, RunItem
from enrichment.models.check import Outcome
from enrichment.reply import Reply
from enrichment.verifying import Cleaned, Judged
from enrichment.winner import WRITERS
from sources.attributes import identity_slug
from sources.contract import Subject

ANSWERS = frozenset({Outcome.FOUND, Outcome.NOT_FOUND, Outcome.REJECTED})
SKIPPED, PARKED, REVIEW = "skipped", "parked", "review"
_COMES_AGAIN = frozenset({SKIPPED, PARKED, Outcome.WAITING.value})


@dataclass(slots=True)
class Work:
    """An item on its way: its record (None until a source knows the row), what is known, what each source said.

    `given_by`: of each value the rank of its source, and how long ago it was checked (None: in this run).
    """

    item: RunItem
    record: Record | None
    subject: Subject
    given_by: dict[str, tuple[int, timedelta | None]]
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubts: list[dict[str, Any]] = field(default_factory=list)
    parked_until: datetime | None = None
    waits_for: int | None = None
    retried: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Take up what an item that was put off knows already."""
        self.outcomes = dict(self.item.outcomes)
        self.retried = frozenset(slug for slug, entry in self.outcomes.items() if entry.get("again"))
        if self.item.not_before:
            self.doubts = [entry for entry in self.item.evidence if "lookup" in entry]

    def is_done_with(self, slug: str) -> bool:
        """Whether the source was done with this item before it was put off, or before others are tried again."""
        if self.retried and slug not in self.retried:
            return True
        prior = self.outcomes.get(slug)
        return bool(self.item.not_before and prior and prior["outcome"] not in _COMES_AGAIN)

    def awaits(self, slug: str) -> bool:
        """Whether a late answer of the source is due to this item."""
        return bool(self.outcomes.get(slug, {}).get("outcome") == Outcome.WAITING)

    def note(
        self, slug: str, outcome: str, reason: str = "", *, lookup: int | None = None, claims: int = 0
    ) -> None:
        """Keep what a source said or why it was not asked."""
        self.outcomes[slug] = {"outcome": outcome, "reason": reason[:300], "lookup": lookup, "claims": claims}
        if slug in self.retried and outcome in _COMES_AGAIN and outcome != SKIPPED:
            self.outcomes[slug]["again"] = True

    def note_checked(self, slug: str, outcome: str) -> None:
        """Keep what this run recorded of a source before a restart."""
        if self.outcomes.get(slug, {}).get("outcome") != outcome:
            self.note(slug, outcome, "answered before a restart")

    def note_unanswered(self, slug: str, reply: Reply) -> None:
        """Put the item off, or note why the source gave no answer."""
        tries = int(self.outcomes.get(slug, {}).get("tries", 0)) + bool(reply.error)
        if reply.waits:
            self.note(slug, Outcome.WAITING, reply.reason, lookup=reply.lookup)
            self.waits_for = reply.lookup
        elif reply.again_at and (not reply.error or tries < reply.most_tries):
            # What is in flight elsewhere has not failed yet: should it fail, this item is to learn of it.
            self.note(slug, PARKED, reply.reason, lookup=reply.lookup if reply.error else None)
            self.outcomes[slug]["tries"] = tries
            self.parked_until = min(self.parked_until or reply.again_at, reply.again_at)
        else:
            self.note(slug, Outcome.FAILED if reply.error else SKIPPED, reply.reason, lookup=reply.lookup)

    def needs_no(self, source: EnrichmentSource, attribute: str) -> bool:
        """Whether what better ranked sources said of an attribute will do."""
        known = self.given_by.get(attribute)
        return known is not None and source.rule(attribute).is_needless(*known)

    def doubt(self, slug: str, judged: Judged, lookup: int | None) -> None:
        """Keep whom a doubtful answer may be about, for a person to decide."""
        self.doubts += [
            each | {"id": f"{lookup}:{each['finding']}", "source": slug, "lookup": lookup}
            for each in judged.doubts
        ]
        self.note(slug, REVIEW, judged.reason, lookup=lookup)

    def learn(self, cleaned: Cleaned, source: EnrichmentSource) -> None:
        """Let later steps know what this one found."""
        new = {
            claim.attribute: claim.value
            for claim in cleaned.claims
            if claim.attribute not in self.subject.known
        }
        for claim in cleaned.claims:
            rank = source.rule(claim.attribute).rank
            known = self.given_by.get(claim.attribute)
            if known is None or rank <= known[0]:
                self.given_by[claim.attribute] = (rank, None)
        if not new:
            return
        identity: dict[str, Any] = {
            name: str(new[slug])
            for name in ("domain", "city", "country", "email", "linkedin_url")
            if (slug := identity_slug(self.subject.kind, name)) in new and not getattr(self.subject, name)
        }
        self.subject = replace(self.subject, known={**self.subject.known, **new}, **identity)

    def end(self) -> tuple[str, str]:
        """The item's state and its reason, after the last step (design §3)."""
        by_kind: dict[str, list[str]] = {}
        told = {slug: entry for slug, entry in self.outcomes.items() if slug not in WRITERS}
        for entry in told.values():
            by_kind.setdefault(str(entry["outcome"]), []).append(str(entry["reason"]))
        if self.waits_for:
            return "waiting", by_kind[Outcome.WAITING][0][:500]
        if self.parked_until:
            return "queued", by_kind[PARKED][0][:500]
        if self.doubts:
            return "review", by_kind[REVIEW][0][:500]
        failed, skipped = by_kind.get(Outcome.FAILED, []), by_kind.get(SKIPPED, [])
        settled = [reason for reason in skipped if reason.startswith(("fresh", "not needed"))]
        if answered := sum(len(by_kind.get(outcome, ())) for outcome in ANSWERS):
            return self._answered(answered, len(failed), sum(int(entry["claims"]) for entry in told.values()))
        if failed:
            return "failed", failed[0][:500]
        if settled:
            return "completed", settled[0][:500]
        return "skipped", (skipped[0] if skipped else "no source could be asked")[:500]

    def _answered(self, answered: int, failed: int, claims: int) -> tuple[str, str]:
        if not self.record:
            return "discarded", "matches no record, and no source knows it"
        tail = f", {failed} failed" if failed else ""
        return "completed", f"{answered} sources answered{tail}; {claims} claims"
