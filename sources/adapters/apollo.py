"""Apollo: organizations by domain; people by e-mail, LinkedIn page, or name and company. Up to ten at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import PayloadChanged, RateLimited, SourceError, SourceUnavailable
from sources.vendors.apollo import ORGANIZATION, PERSON, assign, findings, people
from sources.vendors.firmographics import ask_those, cut, is_miss, refuse_unasked
from sources.vendors.json_answers import complaint, raise_for_status, read_object, retry_after

_WINDOWS = (
    ("x-24-hour-requests-left", 86_400.0),
    ("x-hourly-requests-left", 3_600.0),
    ("x-minute-requests-left", 60.0),
)
"""Rate headers with the seconds of their windows, the longest first."""


class Apollo(Source):
    """Asks the enrichment endpoints, for several subjects their bulk forms."""

    slug = "apollo"
    label = "Apollo"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("email",), ("linkedin_url",), ("name", "domain"))
    provides = tuple(dict.fromkeys((*ORGANIZATION, *PERSON)))
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1)
    limits = Limits(per_minute=50, deadline=60.0, batch=10)
    secret = Secret(env="APOLLO_API_KEY", help_url="https://app.apollo.io/#/settings/integrations/api")
    base_url = "https://api.apollo.io/api/v1"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | SourceError]:
        """One answer for each question; raises NotAllowed when none says enough to find anybody."""
        key = {"x-api-key": call.key}

        def organizations(asked: Sequence[Mapping[str, str]]) -> Sequence[Payload]:
            if len(asked) == 1:
                return [http.get("organizations/enrich", params=asked[0], headers=key)]
            domains = [one["domain"] for one in asked]
            query = urlencode([("domains[]", domain) for domain in domains])
            answer = http.post(f"organizations/bulk_enrich?{query}", json={}, headers=key)
            return cut(answer, asked, lambda body: assign(body, domains))

        def persons(asked: Sequence[Mapping[str, str]]) -> Sequence[Payload]:
            if len(asked) == 1:
                return [http.post("people/match", json=asked[0], headers=key)]
            answer = http.post("people/bulk_match", json={"details": list(asked)}, headers=key)
            return cut(answer, asked, lambda body: people(body, len(asked)))

        if call.questions[0].subject.kind is Kind.ACCOUNT:
            return ask_those(call, _company, organizations, "Apollo finds companies by their domain only")
        return ask_those(
            call,
            _person,
            persons,
            "Apollo needs an e-mail address, a LinkedIn page, or a name with a company",
        )

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """Each organization and person; () for the empty answer that Apollo gives about those it does not know."""
        refuse_unasked(payload)
        _raise_for_limits(payload)
        if payload.status == 404 and b"result_pending" in payload.body:
            raise SourceUnavailable("Apollo is still looking this up: ask again later")
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_object(payload)
        if complaint(payload) and answer.keys() <= {
            "error",
            "error_code",
            "error_message",
            "status",
            "message",
        }:
            raise PayloadChanged(f"Apollo answered with an error: {complaint(payload)}")
        return findings(answer, self.slug)


def _company(subject: Subject) -> dict[str, str]:
    return {"domain": subject.domain} if subject.domain else {}


def _person(subject: Subject) -> dict[str, str]:
    known = {
        "email": subject.email,
        "linkedin_url": subject.linkedin_url,
        "name": subject.name,
        "domain": subject.domain,
    }
    found: dict[str, Any] = {name: value for name, value in known.items() if value}
    is_enough = bool(found.keys() & {"email", "linkedin_url"}) or {"name", "domain"} <= found.keys()
    return found if is_enough else {}


def _raise_for_limits(payload: Payload) -> None:
    """Raise RateLimited when only Apollo's own headers say which window is used up."""
    if payload.status != 429 or retry_after(payload) is not None:
        return
    for header, seconds in _WINDOWS:
        if payload.headers.get(header, "").strip() == "0":
            raise RateLimited("api.apollo.io asks for a pause (429)", retry_after=seconds)
