"""When a domain was registered and by whom, from the registries over RDAP (RFC 9082, 9083); names where they are public."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged
from sources.vendors.firmographics import cased, claims, land, place, site
from sources.vendors.json_answers import mappings, raise_for_status, read_json, read_object, text, texts
from sources.vendors.reference_files import ReferenceFile

SERVERS = "https://data.iana.org/rdap/dns.json"

_ACCEPT = {"Accept": "application/rdap+json, application/json;q=0.9"}
_CITY, _REGION, _COUNTRY = 3, 4, 6
"""Places of the parts of a postal address in jCard (RFC 7095, section 3.3.1.3)."""
_DOMAIN_PATH = re.compile(r"/domain/([^/?#\s]{1,253})/?$", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HIDDEN = re.compile(
    r"redact|privacy|private|proxy|protect|withheld|whoisguard|not disclosed|undisclosed|masked|anonym|gdpr"
    r"|identity shield|contact the registrar|see the registrar|non-public|statutory",
    re.IGNORECASE,
)


class DomainRegistration(Source):
    """Asks the registry of the ending, and the registrar it refers to when only that one knows the registrant."""

    slug = "domain_registration"
    label = "Domain registration (RDAP)"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    version = 3
    provides = ("domain_registered_on", "legal_name", "headquarters", "city", "country")
    cadence = Cadence.parse("quarterly")
    limits = Limits(per_minute=60, in_flight=4)

    def __init__(self) -> None:
        self._servers = ReferenceFile(SERVERS, _read_servers)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The registration; for an ending without RDAP a 404 of our own, which names that ending."""
        name = call.subject.domain
        server = _server_of(name, self._servers.content(http))
        if not server:
            error = {"errorCode": 404, "title": f".{name.rpartition('.')[2]} has no RDAP server"}
            return [Payload(status=404, body=json.dumps(error).encode(), url=SERVERS)]
        answer = http.get(f"{server.rstrip('/')}/domain/{name}", headers=_ACCEPT)
        if registrar := _registrar_link(answer):
            other = http.get(registrar, headers=_ACCEPT)
            answer = answer if other.status == 404 else other
        return [answer]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The day and, where it is public, the registrant; () when the domain is not known or nothing is told."""
        if payload.status == 404:  # as JSON, as a page, or without a body
            return ()
        if payload.status in (401, 403):
            raise NotAllowed(f"the registry does not answer this question ({payload.status})")
        raise_for_status(payload)
        answer = read_object(payload)
        code = answer.get("errorCode")
        if isinstance(code, int) and 400 <= code < 600:  # the registry's error under a status of success
            return self.parse(replace(payload, status=code), wanted)
        if isinstance(answer.get("domainSearchResults"), list):
            several = mappings(answer["domainSearchResults"])
            return [found for each in several for found in self._read(each, payload)]
        return self._read(answer, payload)

    def _read(self, answer: Mapping[str, Any], payload: Payload) -> Sequence[Finding]:
        """What one domain says."""
        given = (text(answer.get(part)) for part in ("ldhName", "unicodeName", "handle"))
        name = next((each for each in given if site(each)), "") or _asked(payload)
        if text(answer.get("objectClassName")) not in ("domain", "") or not name:
            raise PayloadChanged("the registry sent something other than a domain")
        values = _registered(answer.get("events")) | _registrant(answer.get("entities"))
        if not values:
            return ()
        subject = Subject(
            name=values.get("legal_name", ""),
            domain=site(name),
            city=values.get("city", ""),
            country=values.get("country", ""),
        )
        return [Finding(subject=subject, claims=claims(values, _reference(payload, answer, name)))]


def _asked(payload: Payload) -> str:
    """The domain that was asked about, as the address of the answer says it, or ""."""
    found = _DOMAIN_PATH.search(payload.url)
    return found[1] if found else ""


def _read_servers(payload: Payload) -> Mapping[str, str]:
    """The server for each ending (RFC 9224), one with https where there is one."""
    servers: dict[str, str] = {}
    services = read_object(payload, "services")["services"]
    for service in services if isinstance(services, list) else ():
        if isinstance(service, list) and len(service) >= 2:
            endings, addresses = texts(service[0]), texts(service[1])
            address = next(
                (each for each in addresses if each.startswith("https://")), "".join(addresses[:1])
            )
            servers.update({ending.lower(): address for ending in endings if address})
    if not servers:
        raise PayloadChanged("data.iana.org sent something other than its list of RDAP servers")
    return servers


def _server_of(name: str, servers: Mapping[str, str]) -> str:
    """The server for the longest ending of `name` that has one."""
    while name and name not in servers:
        name = name.partition(".")[2]
    return servers.get(name, "")


def _registrar_link(answer: Payload) -> str:
    """Where the registrar tells more, when the registry does not name the registrant."""
    if answer.status != 200:
        return ""
    try:
        body = read_json(answer)
    except PayloadChanged:
        return ""
    if not isinstance(body, dict) or _registrant(body.get("entities")):
        return ""
    links = [
        text(link.get("href"))
        for link in mappings(body.get("links"))
        if link.get("rel") == "related" and "rdap" in text(link.get("type"))
    ]
    return next((link for link in links if link.startswith("https://")), "")


def _registered(events: Any) -> dict[str, str]:
    """The day of the first registration (RFC 9083, section 4.5)."""
    days = [
        text(event.get("eventDate"))[:10]
        for event in mappings(events)
        if text(event.get("eventAction")).lower() == "registration"
    ]
    told = sorted(day for day in days if _DAY.fullmatch(day))
    return {"domain_registered_on": told[0]} if told else {}


def _registrant(entities: Any) -> dict[str, str]:
    """What is public of the organisation that registered the domain; {} for persons and for hidden ones."""
    for entity in mappings(entities):
        if "registrant" not in (role.lower() for role in texts(entity.get("roles"))):
            continue
        card = list(_card(entity.get("vcardArray")))
        name = _organisation(card)
        if not name:
            continue
        city, region, country = _address(card)
        seat = place(city, region, country) if city and country else ""
        values = {"legal_name": name, "headquarters": seat, "city": city, "country": country}
        return {slug: value for slug, value in values.items() if value}
    return {}


def _card(card: Any) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Name, parameters and value of the properties of a jCard (RFC 7095)."""
    properties = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else ()
    for each in properties:
        if isinstance(each, list) and len(each) >= 4 and isinstance(each[0], str):
            yield each[0].lower(), each[1] if isinstance(each[1], dict) else {}, each[3]


def _organisation(card: Sequence[tuple[str, Mapping[str, Any], Any]]) -> str:
    """The organisation's name: `org`, or `fn` when the card says that it is an organisation's."""
    values = {name: value for name, _, value in reversed(card)}
    org = values.get("org")
    name = _shown(org[0] if isinstance(org, list) and org else org)
    is_organisation = text(values.get("kind")).lower() == "org"
    return name or (_shown(values.get("fn")) if is_organisation else "")


def _address(card: Sequence[tuple[str, Mapping[str, Any], Any]]) -> tuple[str, str, str]:
    """City, region and country of the address."""
    for name, parameters, value in card:
        if name == "adr" and isinstance(value, list) and len(value) > _COUNTRY:
            country = land(parameters.get("cc")) or land(value[_COUNTRY])
            return cased(_shown(value[_CITY])), _shown(value[_REGION]), country
    return "", "", ""


def _shown(value: Any) -> str:
    """`value` as text unless it says that it is hidden."""
    found = text(value)
    return "" if _HIDDEN.search(found) else found


def _reference(payload: Payload, answer: Mapping[str, Any], name: str) -> str:
    """The address of the answer, or what it calls its own."""
    own = [text(link.get("href")) for link in mappings(answer.get("links")) if link.get("rel") == "self"]
    links = (link for link in (payload.url, *own) if link.startswith(("https://", "http://")))
    return next(links, f"rdap:{name.lower()}")
