"""Who runs a company's mail and which services it uses, from its public DNS records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceUnavailable
from sources.vendors.firmographics import site
from sources.vendors.json_answers import mappings, raise_for_status, text
from sources.vendors.mail_hosts import mail_provider, services

_NO_ERROR, _NO_SUCH_NAME = 0, 3
_MX, _TXT = 15, 16
_PARTED = re.compile(r'"\s*"')
"""Between the parts of a long TXT record."""


class EmailProvider(Source):
    """Asks the name servers for the MX and TXT records of a domain: free, and no request reaches the company."""

    slug = "email_provider"
    label = "E-mail and DNS records"
    version = 2
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
        raise_for_status(payload)
        name, mail, words = _records(payload)
        claims = []
        if provider := mail_provider(mail):
            claims.append(_claim("email_provider", provider, f"dns:{name}/MX"))
        if stack := services(words):
            claims.append(_claim("tech_stack", stack, f"dns:{name}/TXT"))
        return [Finding(subject=Subject(domain=name), claims=tuple(claims))] if claims else ()


def _claim(attribute: str, value: Any, reference: str) -> Claim:
    return Claim(attribute=attribute, value=value, references=(reference,))


def _records(payload: Payload) -> tuple[str, list[str], list[str]]:
    """Domain, MX and TXT records of a payload; raises PayloadChanged for any other body."""
    try:
        answer = json.loads(payload.body)
        if isinstance(answer, dict) and "Status" in answer:
            return _over_https(answer)
        name, mail, words = answer["domain"], answer["MX"], answer["TXT"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PayloadChanged("the kept DNS records are not the JSON that this version writes") from error
    if not (isinstance(name, str) and name and _are_texts(mail) and _are_texts(words)):
        raise PayloadChanged("the kept DNS records are not lists of texts for a domain")
    return name, mail, words


def _over_https(answer: Mapping[str, Any]) -> tuple[str, list[str], list[str]]:
    """The records of an answer of DNS over HTTPS in JSON, as dns.google and cloudflare-dns.com give it."""
    status, asked = answer["Status"], next(iter(mappings(answer.get("Question"))), {})
    name = site(asked.get("name"))
    if status not in (_NO_ERROR, _NO_SUCH_NAME):
        raise SourceUnavailable(f"the name servers could not answer ({status}): ask again later")
    if not name:
        raise PayloadChanged("the DNS answer does not say about which domain it is")
    records = [(each.get("type"), text(each.get("data"))) for each in mappings(answer.get("Answer"))]
    told = [_PARTED.sub("", data).strip('"') for kind, data in records if kind == _TXT]
    return name, [data for kind, data in records if kind == _MX], told


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
