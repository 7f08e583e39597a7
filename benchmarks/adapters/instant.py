"""A source without latency: what is left to measure is the house around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Pending, Source, Subject, Wanted

HEADERS = ("industry", "headcount", "founded_year")


def ask(domain: str) -> bytes:
    """What the source answers about a domain."""
    number = sum(domain.encode())
    return json.dumps({
        "domain": domain, "industry": f"Trade {number % 97}", "headcount": 10 + number, "founded_year": 1900 + number % 120,
    }).encode()  # fmt: skip


class Instant(Source):
    """Answers three attributes of every domain at once."""

    slug = "instant"
    label = "Instant"
    provides = HEADERS
    limits: ClassVar[Limits] = Limits(in_flight=16)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending]:
        """One payload a question, without asking anybody."""
        return [
            Payload(
                status=200,
                body=ask(question.subject.domain),
                url=f"https://instant.example/{question.subject.domain}",
            )
            for question in call.questions
        ]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """Everything it said."""
        said = json.loads(payload.body)
        claims = tuple(
            Claim(attribute=slug, value=said[slug], references=(payload.url,))
            for slug in HEADERS
            if slug in wanted
        )
        return [Finding(subject=Subject(domain=said["domain"]), claims=claims)]
