"""The register of legal entity identifiers (GLEIF): registered name, seat and former names; free data (CC0)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.firmographics import cased, claims, is_miss, land, place
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_object, text, texts

_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}", re.ASCII)
_WITHDRAWN = frozenset(("DUPLICATE", "ANNULLED", "CANCELLED"))
"""Registrations that were never of use; a lapsed one is only not paid for, its facts were checked once."""
_SPELT_REGIONS = frozenset(("US", "CA", "AU"))
"""Where addresses are written with the code of the state: US-CA is Cupertino, CA."""
_CANDIDATES = "10"
_RECORDS = "https://search.gleif.org/#/record/"


class Gleif(Source):
    """Asks by LEI when it is known, else for active entities whose legal name has the words of the name."""

    slug = "gleif"
    label = "GLEIF (legal entity identifiers)"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("lei",), ("name",))
    provides = ("legal_name", "lei", "headquarters", "city", "country", "former_names")
    cadence = Cadence.parse("quarterly")
    limits = Limits(per_minute=60, in_flight=4)
    base_url = "https://api.gleif.org/api/v1"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """One record by its LEI, or the page of records found by name."""
        lei = text(call.subject.known.get("lei")).upper()
        accept = {"Accept": "application/vnd.api+json"}
        if _LEI.fullmatch(lei):
            return [http.get(f"lei-records/{lei}", headers=accept)]
        search = {
            "filter[entity.legalName]": call.subject.name,
            "filter[entity.status]": "ACTIVE",
            "page[size]": _CANDIDATES,
        }
        return [http.get("lei-records", params=search, headers=accept)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """A finding for each record of the answer; () when there is none."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        data = read_object(payload, "data")["data"]
        records = mappings(data if isinstance(data, list) else [data])
        if named := [finding for record in records if (finding := _completed(record))]:
            return named
        found = [record for record in records if "attributes" in record and _is_record(record)]
        if not found and data not in ([], None):
            raise PayloadChanged("GLEIF sent something other than records of legal entities")
        return [finding for record in found if (finding := _finding(mapping(record["attributes"])))]


def _is_record(record: Mapping[str, Any]) -> bool:
    return text(record.get("type", "lei-records")) == "lei-records"


def _completed(record: Mapping[str, Any]) -> Finding | None:
    """What a completion of a name says: which record has that name; None for anything else."""
    name = text(mapping(record.get("attributes")).get("value"))
    related = mapping(mapping(mapping(record.get("relationships")).get("lei-records")).get("data"))
    lei = text(related.get("id"))
    if not name or not _LEI.fullmatch(lei):
        return None
    return Finding(subject=Subject(name=name), claims=claims({"lei": lei}, f"{_RECORDS}{lei}"))


def _finding(attributes: Mapping[str, Any]) -> Finding | None:
    """What one record says, or None when it names no entity."""
    entity, lei = mapping(attributes.get("entity")), text(attributes.get("lei"))
    name = text(mapping(entity.get("legalName")).get("name"))
    is_withdrawn = text(mapping(attributes.get("registration")).get("status")) in _WITHDRAWN
    if not name or not _LEI.fullmatch(lei) or is_withdrawn:
        return None
    seat = mapping(entity.get("headquartersAddress")) or mapping(entity.get("legalAddress"))
    city, country = cased(seat.get("city")), land(seat.get("country"))
    others = mappings(entity.get("otherNames")) + mappings(entity.get("transliteratedOtherNames"))
    former = [other.get("name") for other in others if other.get("type") == "PREVIOUS_LEGAL_NAME"]
    values = {
        "legal_name": name,
        "lei": lei,
        "headquarters": place(city, _state(seat.get("region")), country) if city and country else "",
        "city": city,
        "country": country,
        "former_names": texts(former),
    }
    aliases = tuple(texts([other.get("name") for other in others]))
    return Finding(
        subject=Subject(name=name, city=city, country=country, aliases=aliases),
        claims=claims(values, f"{_RECORDS}{lei}"),
    )


def _state(region: Any) -> str:
    """The state in a code of ISO 3166-2 where people write it: "CA" of US-CA; "" elsewhere."""
    country, _, state = text(region).partition("-")
    return state if country in _SPELT_REGIONS else ""
