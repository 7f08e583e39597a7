"""Hunter: a company with its people by domain; a person by e-mail, or the e-mail by name and company."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import (
    Call,
    Claim,
    Cost,
    Finding,
    Http,
    Limits,
    Payload,
    Pending,
    Secret,
    Source,
    Subject,
    Wanted,
)
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.vendors.firmographics import is_miss
from sources.vendors.hunter import ACCOUNT, CONTACT, findings, is_verification
from sources.vendors.json_answers import (
    complaint,
    mapping,
    mappings,
    raise_for_status,
    read_object,
    retry_after,
)

_VERIFYING = 60.0  # seconds
_ALLOWANCE = re.compile(r"usage limit|billing period|upgrade|your plan|credits?\b", re.IGNORECASE)
_GOES_ON = frozenset((200, 202, 404))


class Hunter(Source):
    """Asks what Hunter knows in two calls where two say more; their good answers are kept as one payload."""

    slug = "hunter"
    label = "Hunter"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("email",), ("name", "domain"))
    provides = tuple(dict.fromkeys((*ACCOUNT, *CONTACT)))
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=2)
    limits = Limits(per_minute=150)
    secret = Secret(env="HUNTER_API_KEY", help_url="https://hunter.io/api-keys")
    base_url = "https://api.hunter.io/v2"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending]:
        """The answer, or both in one JSON body `{"answers": […]}`; raises NotAllowed when nobody is named.

        An answer that came is not thrown away because the second call fails.
        """
        answers: list[Payload] = []
        for path, params in _questions(call.subject):
            try:
                answers.append(http.get(path, params=params, headers={"X-API-KEY": call.key}))
            except SourceError:
                if not answers:
                    raise
                break
            if answers[-1].status not in _GOES_ON:
                break
        joined = _join(answers)
        if joined.status == 202:
            return [Pending(token=joined.url, poll_in=_VERIFYING)]
        return [joined]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the answers claim together; () when Hunter knows nobody."""
        if is_miss(payload):
            return ()
        if payload.status in (202, 222):  # 222: the server of the address answered something unexpected
            raise SourceUnavailable("Hunter is still verifying the address: ask again later")
        if payload.status == 429 and _ALLOWANCE.search(complaint(payload)):
            raise SourceRefused("api.hunter.io has no credit left for us in this period (429)")
        if payload.status == 403:  # Hunter's word for too many requests a second; a wrong key is 401
            raise RateLimited("api.hunter.io asks for a pause (403)", retry_after=retry_after(payload))
        raise_for_status(payload)
        answer = read_object(payload)
        errors = answer.get("errors")
        code = next(iter(mappings(errors) or [mapping(errors)]), {}).get("code")
        if isinstance(code, int) and 400 <= code < 600:
            return self.parse(replace(payload, status=code), wanted)
        if "answers" not in answer:
            return findings(_data(answer), payload)
        return _read_joined(answer, payload)


def _questions(subject: Subject) -> list[tuple[str, dict[str, str]]]:
    """The calls to make: path and parameters."""
    if subject.kind is Kind.ACCOUNT and subject.domain:
        where = {"domain": subject.domain}
        return [("companies/find", where), ("domain-search", {**where, "limit": "10"})]
    if subject.kind is Kind.CONTACT and subject.email:
        who = {"email": subject.email}
        return [("people/find", who), ("email-verifier", who)]
    if subject.kind is Kind.CONTACT and subject.name and subject.domain:
        return [("email-finder", {"domain": subject.domain, "full_name": subject.name})]
    raise NotAllowed(
        "Hunter needs the domain of a company; of a person the e-mail, or the name and the domain"
    )


def _join(answers: Sequence[Payload]) -> Payload:
    """The good answers as one; the last answer when none is good."""
    good = [answer for answer in answers if answer.status == 200]
    if len(good) < 2:
        return good[0] if good else answers[-1]
    kept = [{"url": answer.url, "body": answer.body.decode("utf-8", "replace")} for answer in good]
    return replace(good[0], body=json.dumps({"answers": kept}).encode())


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer is about: under `data`, or the whole of it in Clearbit's format. Raises PayloadChanged."""
    if "errors" in answer:
        raise PayloadChanged("Hunter answered with an error although its status says success")
    data = answer.get("data", answer)
    if not isinstance(data, dict):
        raise PayloadChanged("Hunter's data is no JSON object")
    return data


def _read_joined(answer: dict[str, Any], payload: Payload) -> list[Finding]:
    """What joined answers claim together; one that cannot be read is left out unless none can."""
    read: list[tuple[bool, list[Finding]]] = []
    broken = PayloadChanged("Hunter's kept answers are not what this version writes")
    for kept in mappings(answer["answers"]):
        body = str(kept.get("body")).encode("utf-8", "replace")
        try:
            data = _data(read_object(replace(payload, body=body)))
            read.append((is_verification(data), findings(data, payload)))
        except PayloadChanged as error:
            broken = error
    if not read:
        raise broken
    return _merge(read)


def _merge(read: Sequence[tuple[bool, list[Finding]]]) -> list[Finding]:
    """One finding about the subject of the first: what it does not claim is taken from the others.

    Of each answer it is said whether it is a verdict on the address: then no other one is believed about it.
    """
    is_verified = any(is_verdict for is_verdict, _ in read)
    found = [(is_verdict, finding) for is_verdict, several in read for finding in several]
    if not found:
        return []
    first = found[0][1]
    claims: dict[str, Claim] = {}
    for is_verdict, finding in found:
        subject = finding.subject
        if subject.kind is not first.subject.kind or subject.domain not in ("", first.subject.domain):
            continue
        for claim in finding.claims:
            if claim.attribute != "email" or is_verdict or not is_verified:
                claims.setdefault(claim.attribute, claim)
    return [replace(first, claims=tuple(claims.values()))] if claims else []
