"""What tests of paid JSON sources share: a network that notes every request, and a loopback vendor."""

from __future__ import annotations

import json as js
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sources.attributes import BY_SLUG
from sources.cleaning import clean
from sources.contract import Call, Finding, Http, Payload, Source
from sources.http import Client
from tests.sources.servers import Answer, Server, serving

KEY = "s3cret-key"


@dataclass
class Request:
    """One request as an adapter made it."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None


class Vendor:
    """An `Http` that gives the answers in turn (the last one again and again) and keeps the requests."""

    def __init__(self, *answers: Payload | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Payload:
        return self._answer(Request("GET", url, params or {}, headers or {}))

    def post(self, url: str, *, json: Any, headers: Mapping[str, str] | None = None) -> Payload:
        js.dumps(json)
        return self._answer(Request("POST", url, {}, headers or {}, json))

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        raise AssertionError("none of these sources asks for DNS records")

    def _answer(self, request: Request) -> Payload:
        self.requests.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return replace(found, url=found.url or request.url)


@contextmanager
def loopback(answer: Answer) -> Iterator[tuple[Client, Server]]:
    """The real client with a vendor of ours behind its base URL."""
    with serving(answer) as server:
        client = Client(user_agent="Tests", allow=frozenset({server.netloc}), base_url=server.url)
        try:
            yield client, server
        finally:
            client.close()


def put(adapter: Source, call: Call, http: Http) -> list[Payload]:
    """The answers to a call, none of which is still to come or failed."""
    answers = adapter.fetch(call, http)
    assert all(isinstance(each, Payload) for each in answers)
    return [each for each in answers if isinstance(each, Payload)]


def cleaned(finding: Finding) -> dict[str, Any]:
    """What is stored of a finding's claims; one that its attribute or the kind of record refuses fails the test."""
    assert all(finding.subject.kind in BY_SLUG[claim.attribute].kinds for claim in finding.claims)
    return {claim.attribute: clean(BY_SLUG[claim.attribute], claim.value) for claim in finding.claims}


def references(findings: Sequence[Finding]) -> set[str]:
    """All references of all claims."""
    return {reference for finding in findings for claim in finding.claims for reference in claim.references}
