"""Who runs a company's mail and which services it uses, from its public DNS records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.mail_hosts import mail_provider, services


class EmailProvider(Source):
    """Asks the name servers for the MX and TXT records of a domain: free, and no request reaches the company."""

    slug = "email_provider"
    label = "E-mail and DNS records"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = ("email_provider", "tech_stack")
    cadence = Cadence.parse("monthly")
    limits = Limits(deadline=10.0)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The records as one JSON body `{"domain": …, "MX": […], "TXT": […]}`."""
        name = call.subject.domain
        answer = {"domain": name, "MX": http.records(name, "MX"), "TXT": http.records(name, "TXT")}
        return [Payload(status=200, body=json.dumps(answer).encode(), url=f"dns:{name}")]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The provider behind the MX records and the services named in TXT records; () when none is known."""
        name, mail, text = _records(payload.body)
        claims = []
        if provider := mail_provider(mail):
            claims.append(_claim("email_provider", provider, f"dns:{name}/MX"))
        if stack := services(text):
            claims.append(_claim("tech_stack", stack, f"dns:{name}/TXT"))
        return [Finding(subject=Subject(domain=name), claims=tuple(claims))] if claims else ()


def _claim(attribute: str, value: Any, reference: str) -> Claim:
    return Claim(attribute=attribute, value=value, references=(reference,))


def _records(body: bytes) -> tuple[str, list[str], list[str]]:
    """Domain, MX and TXT records of a payload; raises PayloadChanged for any other body."""
    try:
        answer = json.loads(body)
        name, mail, text = answer["domain"], answer["MX"], answer["TXT"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PayloadChanged("the kept DNS records are not the JSON that this version writes") from error
    if not (isinstance(name, str) and name and _are_texts(mail) and _are_texts(text)):
        raise PayloadChanged("the kept DNS records are not lists of texts for a domain")
    return name, mail, text


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
