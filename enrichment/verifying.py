"""Is the answer about whom we asked? What a payload says, checked, cleaned and ready to record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enrichment.claims import CleanClaim
from enrichment.models.check import Outcome
from sources.attributes import Attribute, Kind
from sources.cleaning import Refused, clean
from sources.contract import Claim, Finding, Subject
from sources.identity import AUTOMATIC, BY_KEY, Verdict, compare


@dataclass(frozen=True, slots=True)
class Judged:
    """What findings mean for one subject: the outcome, the believed finding, whom a doubtful one names."""

    outcome: Outcome
    finding: Finding | None = None
    doubts: tuple[dict[str, Any], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Claims that fit their attributes, and one sentence for each that did not."""

    claims: tuple[CleanClaim, ...]
    refused: tuple[str, ...]


def judge_findings(asked: Subject, findings: Sequence[Finding]) -> Judged:
    """Believe the one finding that is about the asked subject; doubt goes to a person.

    A source that says it is not sure itself is believed only when a key (domain, LinkedIn page, e-mail) is the same;
    one that never says whom it speaks about answers about the asked subject.
    """
    if not any(finding.subject.kind is asked.kind for finding in findings):
        return Judged(Outcome.NOT_FOUND)
    confirmed: list[tuple[int, Finding]] = []
    doubtful: list[dict[str, Any]] = []
    reasons: list[str] = []
    for number, finding in enumerate(findings):
        if finding.subject.kind is not asked.kind:
            continue
        if finding.names_nobody:
            confirmed.append((number, finding))
            continue
        similarity = compare(asked, finding.subject)
        is_sure = (finding.confidence or 0.0) >= AUTOMATIC
        is_doubted = finding.confidence is not None and not is_sure and similarity.score < BY_KEY
        is_alike = similarity.verdict is not Verdict.NONE
        if is_alike and (is_sure or (similarity.verdict is Verdict.CONFIRMED and not is_doubted)):
            confirmed.append((number, finding))
        elif is_alike or is_sure:
            doubtful.append(_doubt(number, finding, similarity.score, similarity.reasons))
        reasons += similarity.reasons
    if len(confirmed) == 1 and not doubtful:
        return Judged(Outcome.FOUND, confirmed[0][1])
    if confirmed or doubtful:
        doubts = [_doubt(number, finding, 1.0, ()) for number, finding in confirmed] + doubtful
        names = ", ".join(doubt["name"] or doubt["domain"] for doubt in doubts[:3])
        return Judged(Outcome.WAITING, doubts=tuple(doubts), reason=f"may be about {names}")
    return Judged(Outcome.REJECTED, reason="; ".join(reasons[:2]) or "about somebody else")


def _doubt(number: int, finding: Finding, score: float, reasons: Sequence[str]) -> dict[str, Any]:
    subject = finding.subject
    return {
        "id": number,
        "finding": number,
        "name": subject.name,
        "domain": subject.domain,
        "score": round(finding.confidence or score, 3),
        "reasons": list(reasons),
    }


def clean_claims(finding: Finding, catalogue: Mapping[str, Attribute]) -> Cleaned:
    """The finding's claims by catalogue; one without a reference or of a wrong type is refused."""
    claims: dict[str, CleanClaim] = {}
    refused: list[str] = []
    for claim in finding.claims:
        try:
            cleaned = clean_claim(claim, finding.subject.kind, catalogue)
        except Refused as error:
            refused.append(f"{claim.attribute}: {error}")
            continue
        if cleaned is not None:
            claims.setdefault(claim.attribute, cleaned)
    return Cleaned(tuple(claims.values()), tuple(refused))


def clean_claim(claim: Claim, kind: Kind, catalogue: Mapping[str, Attribute]) -> CleanClaim | None:
    """One claim by catalogue; None when it says nothing. Raises Refused."""
    attribute = catalogue.get(claim.attribute)
    if attribute is None or kind not in attribute.kinds:
        raise Refused("no such attribute")
    if not claim.references:
        raise Refused("no reference")
    value = clean(attribute, claim.value)
    if value is None:
        return None
    original = claim.value if isinstance(claim.value, str) and claim.value != value else ""
    return CleanClaim(claim.attribute, value, claim.references, original[:10_000])
