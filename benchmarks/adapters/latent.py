"""A source behind a loopback server that takes its time: what is left to measure is how well waiting is used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Pending, Source, Subject, Wanted

HEADERS = ("industry", "headcount", "founded_year")


class Latent(Source):
    """Answers three attributes of every domain; `LATENT_BASE_URL` says where."""

    slug = "latent"
    label = "Latent"
    provides = HEADERS
    limits: ClassVar[Limits] = Limits(in_flight=64)
    base_url = "https://latent.example"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending]:
        """One call a question."""
        return [http.get(f"/{question.subject.domain}") for question in call.questions]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """Everything it said."""
        said = json.loads(payload.body)
        claims = tuple(
            Claim(attribute=slug, value=said[slug], references=(payload.url,))
            for slug in HEADERS
            if slug in wanted
        )
        return [Finding(subject=Subject(domain=said["domain"]), claims=claims)]
