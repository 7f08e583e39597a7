"""Is the answer about whom was asked? Names, and what the source itself thinks."""

from __future__ import annotations

import pytest

from enrichment.models.check import Outcome
from enrichment.verifying import judge_findings
from sources.contract import Finding, Subject

ASKED = Subject(name="Autodesk", domain="autodesk.com", city="San Rafael")


def about(confidence: float | None, **facts: str) -> Finding:
    return Finding(subject=Subject(**facts), claims=(), confidence=confidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [
        (about(None, name="Autodesk, Inc."), Outcome.FOUND),
        (about(0.95, name="Autodesk, Inc."), Outcome.FOUND),
        (about(0.5, name="Autodesk, Inc."), Outcome.WAITING),
        (about(0.5, name="Autodesk, Inc.", domain="autodesk.com"), Outcome.FOUND),
        (about(0.95, name="Autodesk", city="Boise"), Outcome.FOUND),
        (about(None, name="Autodesk", city="Boise"), Outcome.WAITING),
        (about(0.95, name="Globex"), Outcome.WAITING),
        (about(None, name="Globex"), Outcome.REJECTED),
        (about(0.5, name="Globex"), Outcome.REJECTED),
    ],
)
def test_an_answer_is_believed_as_far_as_names_and_source_agree(finding: Finding, outcome: Outcome) -> None:
    assert judge_findings(ASKED, [finding]).outcome is outcome


def test_two_answers_that_may_both_be_it_go_to_a_person() -> None:
    judged = judge_findings(ASKED, [about(None, name="Autodesk"), about(None, name="Autodesk Ltd")])
    assert judged.outcome is Outcome.WAITING
    assert len(judged.doubts) == 2
