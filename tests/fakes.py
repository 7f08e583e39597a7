"""Sources that answer from a table in memory and count what they are asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from sources.contract import Call, Claim, Cost, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import SourceError


class FakeSource(Source):
    """Answers by domain; an error in place of an answer is raised."""

    slug = "fake"
    label = "Fake"
    provides: ClassVar[tuple[str, ...]] = ("headcount", "industry")
    limits = Limits(in_flight=4)
    cost = Cost()

    def __init__(self, slug: str = "fake", /, **answers: dict[str, Any] | SourceError) -> None:
        self.slug = slug  # type: ignore[misc]
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        return [self.answer(call.subject.domain)]

    def answer(self, domain: str) -> Payload:
        """What it says about a domain; raises where that is an error."""
        self.asked.append(domain)
        answer = self.answers.get(domain)
        if isinstance(answer, SourceError):
            raise answer
        body = {"domain": domain} | answer if answer else None
        return Payload(
            status=200 if answer else 404, body=json.dumps(body).encode(), url=f"https://fake/{domain}"
        )

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        if payload.status == 404:
            return ()
        facts = json.loads(payload.body)
        subject = Subject(domain=facts.pop("domain"), name=facts.pop("name", ""))
        return [
            Finding(
                subject=subject,
                claims=tuple(
                    Claim(attribute=slug, value=value, references=(payload.url,))
                    for slug, value in facts.items()
                ),
            )
        ]
