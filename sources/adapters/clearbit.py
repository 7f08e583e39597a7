"""Clearbit's enrichment: companies by domain, people by e-mail. For keys of existing contracts; none are issued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Pending, Secret, Source, Wanted
from sources.errors import NotAllowed, PayloadChanged, SourceUnavailable
from sources.vendors.clearbit import COMPANY, PERSON, company_finding, is_company, is_person, person_finding
from sources.vendors.firmographics import is_miss
from sources.vendors.json_answers import complaint, mapping, raise_for_status, read_json, text

_PEOPLE = "https://person.clearbit.com/v2/people/find"
_QUEUED = 300.0  # seconds
_LOOKING = "Clearbit is still looking this up: ask again later"


class Clearbit(Source):
    """Asks `companies/find` or `people/find`; a record that is only being looked up (202) is pending."""

    slug = "clearbit"
    label = "Clearbit"
    version = 2
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
            return [Pending(token=answer.url, poll_in=_QUEUED)]
        return [answer]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company, the person, or each of an answer about several; () when Clearbit knows nobody."""
        if is_miss(payload):
            return ()
        if payload.status == 202:
            raise SourceUnavailable(_LOOKING)
        raise_for_status(payload)
        answer = read_json(payload)
        if isinstance(answer, dict) and isinstance(answer.get("body"), dict) and "status" in answer:
            return self._told_later(answer, payload, wanted)
        if isinstance(answer, dict) and "error" in answer:
            kind = text(mapping(answer["error"]).get("type"))
            if kind == "unknown_record":
                return ()
            if kind == "queued":
                raise SourceUnavailable(_LOOKING)
            raise PayloadChanged(
                f"Clearbit answered with an error: {complaint(payload) or 'it does not say which'}"
            )
        found = [_finding(part, payload, self.slug) for part in _parts(answer) if part is not None]
        return [finding for finding in found if finding]

    def _told_later(self, answer: Mapping[str, Any], payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What Clearbit posts to a webhook: the answer with the status it would have had."""
        status = answer["status"] if isinstance(answer["status"], int) else payload.status
        body = {name: value for name, value in answer["body"].items() if name != "body"}
        return self.parse(replace(payload, status=status, body=json.dumps(body).encode()), wanted)


def _parts(answer: Any) -> Sequence[Any]:
    """The companies and people of an answer: a list, the results of a search, who is behind
    an e-mail address or an IP address, or one record."""
    if isinstance(answer, dict):
        if isinstance(found := answer.get("results"), list):
            return found
        if is_person(answer) or is_company(answer):
            return [answer]
        if {"person", "company"} <= answer.keys() or {"ip", "company"} <= answer.keys():
            return [answer.get("person"), answer["company"]]
    return answer if isinstance(answer, list) else [answer]


def _finding(record: Any, payload: Payload, slug: str) -> Finding | None:
    """What a company or a person is claimed to be; raises PayloadChanged for anything else."""
    if isinstance(record, dict) and is_person(record):
        return person_finding(record, slug)
    if isinstance(record, dict) and is_company(record):
        return company_finding(record, payload, slug)
    raise PayloadChanged("Clearbit's answer is neither a company nor a person")
