"""Companies as Wikidata tells of them, found by the address of their website; free data (CC0)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceUnavailable
from sources.vendors.firmographics import company_page, is_miss, land, place, profile_page, site
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_object, text
from sources.vendors.wikidata import Entity, Statement, read_entities, read_rows
from sources.vendors.wikidata_forms import read_columns, read_item

_PROPERTIES = (
    *("P17", "P159", "P169", "P249", "P414", "P452", "P571", "P856", "P1128"),
    *("P1278", "P2002", "P2013", "P2139", "P4264", "P5531"),
)
_US_DOLLAR = "Q4917"
_WHOLE = re.compile(r"\+?([1-9]\d{0,17})(?:\.0+)?", re.ASCII)
_YEAR = re.compile(r"\+?([12]\d{3})-", re.ASCII)
_BUSY = frozenset(("maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"))

# One row for each statement, so that several values of several properties do not multiply. The written order is
# kept (no optimizer): the addresses are built first and looked up, never all websites scanned. The path asks for
# organisations, because products and persons have websites too.
_QUERY = """
SELECT ?domain ?item ?itemLabel ?itemDescription ?property ?value ?valueLabel ?rank ?since ?at ?end ?unit ?precision
       ?ticker ?landLabel ?profile WHERE {
  hint:Query hint:optimizer "None" .
  VALUES ?domain { DOMAINS }
  VALUES ?start { "https://www." "https://" "http://www." "http://" }
  VALUES ?slash { "/" "" }
  BIND(IRI(CONCAT(?start, ?domain, ?slash)) AS ?site)
  ?item wdt:P856 ?site .
  FILTER EXISTS { ?item wdt:P31/wdt:P279* wd:Q43229 }
  VALUES ?property { PROPERTIES }
  ?property wikibase:claim ?claim ; wikibase:statementProperty ?says .
  ?item ?claim ?statement .
  ?statement ?says ?value ; wikibase:rank ?rank .
  FILTER(?rank != wikibase:DeprecatedRank)
  OPTIONAL { ?statement pq:P580 ?since }
  OPTIONAL { ?statement pq:P585 ?at }
  OPTIONAL { ?statement pq:P582 ?end }
  OPTIONAL { ?statement pq:P249 ?ticker }
  OPTIONAL { ?property wikibase:statementValue ?deep . ?statement ?deep ?node .
    OPTIONAL { ?node wikibase:quantityUnit ?unit }
    OPTIONAL { ?node wikibase:timePrecision ?precision } }
  OPTIONAL { ?value wdt:P17 ?land }
  OPTIONAL { ?value wdt:P6634 ?profile }
  SERVICE wikibase:label { bd:serviceParam wikibase:language "en,mul". }
}
"""


class Wikidata(Source):
    """Asks the query service about up to fifty domains at once; the answer is cut by domain."""

    slug = "wikidata"
    label = "Wikidata"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = (
        *(
            "name",
            "company_description",
            "industry",
            "headcount",
            "revenue_range",
            "founded_year",
            "headquarters",
        ),
        *(
            "city",
            "country",
            "ceo_name",
            "ceo_linkedin_url",
            "company_linkedin_url",
            "twitter_url",
            "facebook_url",
        ),
        *("ticker", "lei", "cik"),
    )
    cadence = Cadence.parse("monthly")
    # The service gives a client 60 seconds of work a minute, and stops a query after 60 seconds.
    limits = Limits(per_minute=20, in_flight=1, deadline=65.0, max_bytes=5_000_000, batch=50)
    base_url = "https://query.wikidata.org"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The rows about each domain."""
        domains = [question.subject.domain for question in call.questions]
        answer = http.get(
            "sparql",
            params={"query": _query(domains), "format": "json"},
            headers={"Accept": "application/sparql-results+json"},
        )
        # The address with its query is long and says nothing that the rows do not.
        answer = replace(answer, url=f"{self.base_url}/sparql")
        return [_cut(answer, domain) for domain in domains]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """A finding for each organisation in rows of the query service, or among the items of another answer."""
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        entities = _entities(read_object(payload))
        return [_finding(entity) for entity in entities if entity.name and not _is_person(entity)]


def _query(domains: Sequence[str]) -> str:
    names = " ".join(json.dumps(domain) for domain in domains)
    properties = " ".join(f"wd:{name}" for name in _PROPERTIES)
    lines = (line.strip() for line in _QUERY.strip().splitlines())
    return "\n".join(lines).replace("DOMAINS", names).replace("PROPERTIES", properties)


def _cut(answer: Payload, domain: str) -> Payload:
    """The answer with the rows of one domain only; what is not rows stays as it is."""
    try:
        body = read_object(answer)
    except PayloadChanged:
        return answer
    rows = mapping(body.get("results")).get("bindings")
    if answer.status != 200 or not isinstance(rows, list):
        return answer
    own = [row for row in mappings(rows) if mapping(row.get("domain")).get("value") == domain]
    return replace(answer, body=json.dumps(body | {"results": {"bindings": own}}).encode())


def _entities(answer: Mapping[str, Any]) -> list[Entity]:
    """Raises SourceUnavailable and PayloadChanged for the errors that Wikidata says with status 200."""
    rows = mapping(answer.get("results")).get("bindings")
    if isinstance(rows, list):
        if any("property" in row and "value" in row for row in mappings(rows)):
            return read_rows(mappings(rows))
        found = read_columns(mappings(rows)) or read_rows(mappings(rows))
        if rows and not found:
            raise PayloadChanged("Wikidata sent rows without items")
        return found
    if isinstance(answer.get("entities"), dict):
        return read_entities(answer["entities"])
    if item := read_item(answer):
        return [item]
    code = text(mapping(answer.get("error")).get("code"))
    if code == "no-such-entity":
        return []
    if code in _BUSY:
        raise SourceUnavailable(f"Wikidata could not answer ({code}): ask again later")
    raise PayloadChanged(f"Wikidata sent something other than items{f' ({code})' if code else ''}")


def _is_person(entity: Entity) -> bool:
    return any(statement.value == "Q5" for statement in entity.best("P31"))


def _finding(entity: Entity) -> Finding:
    sites = list(dict.fromkeys(filter(None, (site(each.value) for each in entity.best("P856")))))
    said = {**_about(entity), **_where(entity), **_who(entity)}
    claims = tuple(
        Claim(attribute=slug, value=value, references=(_page(entity, name),))
        for slug, (value, name) in said.items()
        if value
    )
    values = {claim.attribute: claim.value for claim in claims}
    subject = Subject(
        name=entity.name,
        domain=next((name for name in sites if name in entity.asked), sites[0] if sites else ""),
        linkedin_url=values.get("company_linkedin_url", ""),
        city=values.get("city", ""),
        country=values.get("country", ""),
        aliases=entity.aliases,
    )
    return Finding(subject=subject, claims=claims)


def _about(entity: Entity) -> Mapping[str, tuple[Any, str]]:
    """What the company is: each value with the property it stands under."""
    return {
        "name": (entity.name, ""),
        "company_description": (entity.description, ""),
        "industry": (_label(entity.best("P452")), "P452"),
        "headcount": (_number(_newest(entity.best("P1128"))), "P1128"),
        "revenue_range": (_dollars(entity.best("P2139")), "P2139"),
        "founded_year": (_year(entity.best("P571")), "P571"),
        "ticker": (_ticker(entity), "P414"),
        "lei": (_only(entity.best("P1278")), "P1278"),
        "cik": (_only(entity.best("P5531")), "P5531"),
    }


def _where(entity: Entity) -> Mapping[str, tuple[Any, str]]:
    """Where the company is, as `_about`."""
    seat = _newest(entity.best("P159"))
    city, seat_land = (seat.label, land(seat.land)) if seat else ("", "")
    country = seat_land or land(_label(entity.best("P17")))
    return {
        "headquarters": (place(city, country) if city and country else "", "P159"),
        "city": (city, "P159"),
        "country": (country, "P159" if seat_land else "P17"),
    }


def _who(entity: Entity) -> Mapping[str, tuple[Any, str]]:
    """Who leads the company, and its pages on social networks, as `_about`."""
    chief = _newest(entity.best("P169"))
    linkedin = _prefixed("https://www.linkedin.com/company/", _only(entity.best("P4264")))
    profile = _prefixed("https://www.linkedin.com/in/", chief.profile if chief else "")
    return {
        "ceo_name": (chief.label if chief else "", "P169"),
        "ceo_linkedin_url": (profile_page(profile), "P169"),
        "company_linkedin_url": (company_page(linkedin), "P4264"),
        "twitter_url": (_prefixed("https://twitter.com/", _only(entity.best("P2002"))), "P2002"),
        "facebook_url": (_prefixed("https://www.facebook.com/", _only(entity.best("P2013"))), "P2013"),
    }


def _page(entity: Entity, name: str) -> str:
    """The item's page, at the statements on a property."""
    page = f"https://www.wikidata.org/wiki/{entity.id}"
    return f"{page}#{name}" if name else page


def _label(statements: Sequence[Statement]) -> str:
    return next((statement.label for statement in statements if statement.label), "")


def _only(statements: Sequence[Statement]) -> str:
    """The value when there is one: of several nothing says which is the company's main one."""
    return statements[0].value if len(statements) == 1 else ""


def _newest(statements: Sequence[Statement]) -> Statement | None:
    """The statement of the latest day; None when there are several and none is dated."""
    if len(statements) == 1:
        return statements[0]
    dated = [statement for statement in statements if statement.at or statement.since]
    return max(dated, key=lambda each: (each.at or each.since).lstrip("+"), default=None)


def _number(statement: Statement | None) -> int | None:
    found = _WHOLE.fullmatch(statement.value) if statement else None
    return int(found[1]) if found else None


def _dollars(statements: Sequence[Statement]) -> int | None:
    """The newest amount in US dollars; other currencies are left out, since no rate is known."""
    return _number(_newest([statement for statement in statements if statement.unit == _US_DOLLAR]))


def _year(statements: Sequence[Statement]) -> int | None:
    """The year that all dates of foundation agree in."""
    years = {found[1] for statement in statements if (found := _YEAR.match(statement.value))}
    return int(years.pop()) if len(years) == 1 else None


def _ticker(entity: Entity) -> str:
    """The symbol at a stock exchange (a qualifier of the listing), or the one said without an exchange."""
    listed = [statement.ticker for statement in entity.best("P414") if statement.ticker]
    return listed[0] if listed else _only(entity.best("P249"))


def _prefixed(start: str, name: str) -> str:
    """A page on a social network; "" for names that are none there."""
    return f"{start}{name}" if re.fullmatch(r"[\w.\-%]{1,200}", name) else ""
