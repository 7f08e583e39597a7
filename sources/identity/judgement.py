"""From candidates to a verdict: confirmed, for a person to review, or none.

The thresholds belong to the probabilities of `match_model.json`, fitted to 6,822 labelled rows (a third of them LinkedIn
or Crunchbase slugs, 440 about absent companies) among 200,000 accounts. Cross-fitted, by trees that never saw the
company: F1 .91, 63 % of the rows confirmed and 99.2 % of those right, 25 % for review, 7 of 440 absent ones confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sources.attributes import Kind
from sources.contract import Subject
from sources.identity.candidates import Candidate, clean_domain
from sources.identity.evidence import Facts, fold_place, stem_of
from sources.identity.names import name_key
from sources.identity.people import compare_people
from sources.identity.similarity import UNRELATED, Finding, are_related, describe, probabilities

AUTOMATIC = 0.88
"""From this probability on a candidate is accepted without a person, when nothing speaks against it."""
REVIEW = 0.25
"""From this probability on a candidate is shown to a person; below it there is none."""
BY_KEY = 0.99
"""The score of two that have a key in common: a domain, a LinkedIn page, an e-mail address."""

_RIVAL = 0.5
_SAME_NAME = 0.9
_ALIKE = 0.5  # names less alike need to be probable: of few companies, any is the most similar
_IN_DOUBT = 0.5


class Verdict(StrEnum):
    """What a match may be used for."""

    CONFIRMED = "confirmed"
    REVIEW = "review"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a search: the candidate it speaks of (None when there is none), all of them, and why."""

    verdict: Verdict
    candidate: Candidate | None
    candidates: tuple[Candidate, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Whether a found company or person is the asked one: probability 0 to 1, verdict, and why."""

    score: float
    verdict: Verdict
    reasons: tuple[str, ...]


def judge(candidates: Sequence[Candidate]) -> Judgement:
    """Decide on the candidates of one search.

    Confirmed: one has the domain, or is probable enough, and none rivals it. Review: several are as near, the name
    is one company's and the domain another's or the domain of one with a name that has nothing in common, the
    best is only likely, or it has the name in another place.
    """
    found = tuple(candidates)
    best = max(found, key=lambda c: (c.strategy == "domain", c.score), default=None)
    if best is None or (
        best.strategy == "fuzzy" and best.score < (REVIEW if best.likeness >= _ALIKE else _RIVAL)
    ):
        return Judgement(Verdict.NONE, None, found, ("no known company is like it",))
    doubt = _doubt(best, [c for c in found if c is not best])
    verdict = Verdict.REVIEW if doubt else Verdict.CONFIRMED
    return Judgement(verdict, best, found, (doubt, *best.reasons) if doubt else best.reasons)


def _doubt(best: Candidate, others: Sequence[Candidate]) -> str:
    """Why a person has to look at the best candidate, or ""."""
    if best.strategy == "domain":
        if any(c.strategy == "domain" and c.score >= _RIVAL * best.score for c in others):
            return "several companies have this domain"
        namesake = next((c for c in others if c.likeness >= _SAME_NAME or c.score >= AUTOMATIC), None)
        if namesake and best.likeness < _SAME_NAME:
            return f"the domain is one company's, the name another's ({namesake.reasons[0]})"
        return best.caution
    if any(c.score >= max(REVIEW, _RIVAL * best.score) for c in others):
        return "several companies are as near"
    if best.score < AUTOMATIC:
        return best.caution or "not sure enough"
    return best.caution


def compare(asked: Subject, found: Subject) -> Similarity:
    """Whether `found`, whom a source answered about, is `asked`, whom it was asked about.

    A key that is the same decides (domain for companies, LinkedIn page, e-mail), unless it is a domain and the
    names have nothing in common; one that differs leaves at most a review; otherwise names and former names are compared, with the places.
    """
    same = _same_key(asked, found)
    if same and _is_only_domain(asked, found):
        return Similarity(_IN_DOUBT, Verdict.REVIEW, (*same, UNRELATED))
    if same:
        return Similarity(BY_KEY, Verdict.CONFIRMED, same)
    if asked.kind is Kind.CONTACT:
        score, reasons, caution = _compare_people(asked, found)
    else:
        score, reasons, caution = _compare_companies(asked, found)
    if not reasons:
        return Similarity(_IN_DOUBT, Verdict.REVIEW, ("the source does not say whom it answers about",))
    if asked.linkedin_url and found.linkedin_url:
        caution = f"other LinkedIn page: {found.linkedin_url}"
    if score < REVIEW:
        return Similarity(score, Verdict.NONE, reasons)
    if caution or score < AUTOMATIC:
        return Similarity(
            min(score, _IN_DOUBT) if caution else score,
            Verdict.REVIEW,
            (*reasons, caution or "not sure enough"),
        )
    return Similarity(score, Verdict.CONFIRMED, reasons)


def _same_key(asked: Subject, found: Subject) -> tuple[str, ...]:
    """The keys that both have in common, in words."""
    keys = [("LinkedIn page", asked.linkedin_url, found.linkedin_url), ("e-mail", asked.email, found.email)]
    if asked.kind is Kind.ACCOUNT:
        keys.insert(0, ("domain", clean_domain(asked.domain), clean_domain(found.domain)))
    same = tuple(
        f"same {label} {mine}" for label, mine, theirs in keys if mine and mine.lower() == theirs.lower()
    )
    if same and asked.name and found.name and name_key(asked.name) != name_key(found.name):
        return (*same, f"name differs: {asked.name} / {found.name}")
    return same


def _is_only_domain(asked: Subject, found: Subject) -> bool:
    """Whether two companies share a domain, no other key, and nothing in any of their names."""
    if asked.kind is not Kind.ACCOUNT or not asked.name or not found.name:
        return False
    if any(
        mine and mine.lower() == theirs.lower()
        for mine, theirs in ((asked.linkedin_url, found.linkedin_url), (asked.email, found.email))
    ):
        return False
    return not any(are_related(a, f) for _, a in _names_of(asked) for _, f in _names_of(found))


def _compare_companies(asked: Subject, found: Subject) -> tuple[float, tuple[str, ...], str]:
    """Probability, reasons and caution of the two names that are most alike."""
    best: tuple[float, Finding] | None = None
    for mine, a in _names_of(asked):
        for theirs, f in _names_of(found):
            score = probabilities(a, [f])[0]
            if best is None or score > best[0]:
                best = score, describe(a, f, mine, theirs)
    if not best:
        return 0.0, (), ""
    score, finding = best
    # The same name in another place may be a branch: the source is not disbelieved without a person.
    return max(score, REVIEW) if finding.likeness == 1.0 else score, finding.reasons, finding.caution


def _names_of(subject: Subject) -> list[tuple[str, Facts]]:
    """The names of a company with its facts; one without names is called by its domain."""
    domain = clean_domain(subject.domain)
    names = [name for name in (subject.name, *subject.aliases) if name_key(name)] or [stem_of(domain)]
    places = fold_place(subject.city), fold_place(subject.country)
    return [(name, Facts(name_key(name), domain, *places)) for name in names if name]


def _compare_people(asked: Subject, found: Subject) -> tuple[float, tuple[str, ...], str]:
    mine, theirs = ([name for name in (s.name, *s.aliases) if name] for s in (asked, found))
    if not mine or not theirs:
        return 0.0, (), ""
    score, reason = max(compare_people(a, b) for a in mine for b in theirs)
    domains = clean_domain(asked.domain), clean_domain(found.domain)
    caution = (
        f"other company: {domains[1]}, not {domains[0]}" if all(domains) and domains[0] != domains[1] else ""
    )
    return score, (reason,), caution
