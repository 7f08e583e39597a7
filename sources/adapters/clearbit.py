"""Clearbit's enrichment: companies by domain, people by e-mail. For keys of existing contracts; none are issued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Pending, Secret, Source, Wanted
from sources.errors import NotAllowed, PayloadChanged, SourceUnavailable
from sources.vendors.clearbit import COMPANY, PERSON, company_finding, is_company, is_person, person_finding
from sources.vendors.firmographics import is_miss
from sources.vendors.json_answers import raise_for_status, read_object

_PEOPLE = "https://person.clearbit.com/v2/people/find"
_QUEUED = timedelta(minutes=5)


class Clearbit(Source):
    """Asks `companies/find` or `people/find`; a record that is only being looked up (202) is pending."""

    slug = "clearbit"
    label = "Clearbit"
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("email",))
    provides = tuple(dict.fromkeys((*COMPANY, *PERSON)))
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=600)
    secret = Secret(env="CLEARBIT_API_KEY", help_url="https://dashboard.clearbit.com/api")
    base_url = "https://company.clearbit.com/v2"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending]:
        """The company at the domain, or the person behind the e-mail; raises NotAllowed when that is unknown."""
        subject = call.subject
        key = {"Authorization": f"Bearer {call.key}"}
        if subject.kind is Kind.CONTACT:
            if not subject.email:
                raise NotAllowed("Clearbit finds people by their e-mail address only")
            answer = http.get(_PEOPLE, params={"email": subject.email}, headers=key)
        elif subject.domain:
            answer = http.get("companies/find", params={"domain": subject.domain}, headers=key)
        else:
            raise NotAllowed("Clearbit finds companies by their domain only")
        if answer.status == 202:
            return [Pending(token=answer.url, poll_at=datetime.now(UTC) + _QUEUED)]
        return [answer]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company, the person, or both of a combined answer; () when Clearbit knows nobody."""
        if is_miss(payload):
            return ()
        if payload.status == 202:
            raise SourceUnavailable("Clearbit is still looking this up: ask again later")
        raise_for_status(payload)
        answer = read_object(payload)
        if "error" in answer:
            raise PayloadChanged("Clearbit answered with an error although its status says success")
        is_combined = "person" in answer and "company" in answer
        parts = (answer["person"], answer["company"]) if is_combined else (answer,)
        found = [_finding(part, payload, self.slug) for part in parts if part is not None]
        return [finding for finding in found if finding]


def _finding(record: Any, payload: Payload, slug: str) -> Finding | None:
    """What a company or a person is claimed to be; raises PayloadChanged for anything else."""
    if isinstance(record, dict) and is_person(record):
        return person_finding(record, slug)
    if isinstance(record, dict) and is_company(record):
        return company_finding(record, payload, slug)
    raise PayloadChanged("Clearbit's answer is neither a company nor a person")
