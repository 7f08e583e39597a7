"""Companies listed in the United States, as the SEC's EDGAR register tells of them; free data (public domain)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.cleaning.text import words
from sources.contract import Call, Claim, Finding, Http, Limits, Payload, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError
from sources.identity import name_key
from sources.vendors import sec_facts
from sources.vendors.firmographics import cased, claims, land, place, site
from sources.vendors.json_answers import (
    mapping,
    mappings,
    raise_for_status,
    read_json,
    read_object,
    text,
    texts,
)
from sources.vendors.reference_files import ReferenceFile

TICKERS = "https://www.sec.gov/files/company_tickers.json"

_CIK = re.compile(r"0{0,9}[1-9]\d{0,9}", re.ASCII)
_CONCEPT = frozenset(("cik", "entityName", "taxonomy", "tag", "units"))
_MARK = re.compile(r"\s*/ ?(?:[A-Z]{2,3}/?)?$", re.ASCII)
_STATES = words(
    """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR
    PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI AS MP UM
    """
)


@dataclass(frozen=True, slots=True)
class Listed:
    """The SEC's list of companies with tickers: its rows by ticker, and by name without legal form."""

    by_ticker: Mapping[str, Mapping[str, Any]]
    by_name: Mapping[str, Sequence[Mapping[str, Any]]]


class SecEdgar(Source):
    """Asks by CIK when it is known, else looks ticker or name up in the SEC's list of listed companies first."""

    slug = "sec_edgar"
    label = "SEC EDGAR"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("cik",), ("ticker",), ("name",))
    provides = (
        *("legal_name", "industry", "ticker", "cik", "lei", "headquarters", "city", "country", "phone"),
        *("domain", "former_names", "company_description", "revenue_range"),
    )
    cadence = Cadence.parse("monthly")
    # Ten questions a second are allowed, of which one about a company makes up to three.
    limits = Limits(per_minute=150, in_flight=4, max_bytes=5_000_000)
    base_url = "https://data.sec.gov"

    def __init__(self) -> None:
        self._listed = ReferenceFile(TICKERS, _read_list)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The company's submissions, with its revenue where that is wanted as `{"submissions": …, "concepts": […]}`.

        When the list knows none or several of that name, those rows of the list.
        """
        cik = text(call.subject.known.get("cik"))
        if not _CIK.fullmatch(cik):
            rows = _look_up(self._listed.content(http), call.subject)
            ciks = {_cik(row.get("cik_str")) for row in rows}
            if len(ciks) != 1:
                body = json.dumps({str(number): row for number, row in enumerate(rows)}).encode()
                return [Payload(status=200, body=body, url=TICKERS)]
            (cik,) = ciks
        submissions = http.get(f"submissions/CIK{int(cik):010d}.json")
        if submissions.status != 200 or (call.wanted and "revenue_range" not in call.wanted):
            return [submissions]
        return [_with_concepts(submissions, http, int(cik))]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company of a submissions (or companyfacts) answer, or each row of the list."""
        if payload.status == 404:  # the body is a page or XML, depending on the server behind
            return ()
        raise_for_status(payload)
        answer = _unified(read_object(payload))
        if not answer or _is_list(answer):
            return [found for row in mappings(list(answer.values())) if (found := _listed_company(row))]
        if not {"cik", "name"} <= answer.keys() and not {"cik", "entityName", "facts"} <= answer.keys():
            raise PayloadChanged("data.sec.gov sent something other than a company's submissions")
        found = _company(answer)
        return [found] if found else ()


def _with_concepts(submissions: Payload, http: Http, cik: int) -> Payload:
    """Submissions and what the reports say of the revenue in one; one that fails is left out."""
    concepts: list[Any] = []
    for concept in sec_facts.ASKED:
        try:
            answer = http.get(f"api/xbrl/companyconcept/CIK{cik:010d}/us-gaap/{concept}.json")
            if answer.status == 200:
                concepts.append(read_json(answer))
        except SourceError:
            break
    if not concepts:
        return submissions
    try:
        body = {"submissions": read_json(submissions), "concepts": concepts}
    except PayloadChanged:
        return submissions
    return replace(submissions, body=json.dumps(body).encode())


def _read_list(payload: Payload) -> Listed:
    rows = mappings(list(read_object(payload).values()))
    if not rows or not _listed_company(rows[0]):
        raise PayloadChanged("www.sec.gov sent something other than its list of companies with tickers")
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(name_key(text(row.get("title"))), []).append(row)
    # The first row of a company comes first: its main ticker.
    return Listed({text(row.get("ticker")).upper(): row for row in reversed(rows)}, by_name)


def _look_up(listed: Listed, subject: Subject) -> Sequence[Mapping[str, Any]]:
    """The rows with the subject's ticker, else those with its name or another name of it."""
    ticker = text(subject.known.get("ticker")).upper().replace(".", "-")
    if ticker in listed.by_ticker:
        return [listed.by_ticker[ticker]]
    keys = [key for name in (subject.name, *subject.aliases) if (key := name_key(name))]
    return next((listed.by_name[key] for key in keys if key in listed.by_name), [])


def _unified(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The list with exchanges as rows like those of the other list, one concept's figures like those of all."""
    fields, rows = texts(answer.get("fields")), answer.get("data")
    if {"cik", "name"} <= set(fields) and isinstance(rows, list):
        named = (dict(zip(fields, row, strict=False)) for row in rows if isinstance(row, list))
        return {
            str(number): {"cik_str": row.get("cik"), "title": row.get("name"), "ticker": row.get("ticker")}
            for number, row in enumerate(named)
        }
    if answer.keys() >= _CONCEPT:
        return {**answer, "facts": _facts([answer])}
    if isinstance(answer.get("submissions"), dict):  # as `fetch` keeps them
        return {**answer["submissions"], "facts": _facts(mappings(answer.get("concepts")))}
    return answer


def _facts(concepts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Figures of single concepts like those of all."""
    found: dict[str, dict[str, Any]] = {}
    for each in concepts:
        found.setdefault(text(each.get("taxonomy")), {})[text(each.get("tag"))] = each
    return found


def _is_list(answer: Mapping[str, Any]) -> bool:
    """Whether the answer is rows of the list of companies, by number."""
    return all(name.isdigit() and isinstance(row, dict) and "cik_str" in row for name, row in answer.items())


def _listed_company(row: Mapping[str, Any]) -> Finding | None:
    name, cik = _name(row.get("title")), _cik(row.get("cik_str"))
    if not name or not cik:
        return None
    values = {"legal_name": name, "cik": cik, "ticker": text(row.get("ticker"))}
    return Finding(subject=Subject(name=name), claims=claims(values, _page(cik)))


def _company(answer: Mapping[str, Any]) -> Finding | None:
    """What the head of a company's submissions says, or None when it names nobody."""
    name, cik = _name(answer.get("name")) or _name(answer.get("entityName")), _cik(answer.get("cik"))
    if not name or not cik:
        return None
    seat = mapping(mapping(answer.get("addresses")).get("business"))
    city, state = cased(seat.get("city")), text(seat.get("stateOrCountry")).upper()
    country, domain = _country(seat, state), site(answer.get("website"))
    former = [_name(entry.get("name")) for entry in mappings(answer.get("formerNames"))]
    former = [each for each in former if name_key(each) != name_key(name)]
    tickers = texts(answer.get("tickers"))
    values = {
        "legal_name": name,
        "industry": text(answer.get("sicDescription")),
        "ticker": tickers[0] if tickers else "",
        "cik": cik,
        "lei": text(answer.get("lei")),
        "headquarters": place(city, state if state in _STATES else "", country) if city and country else "",
        "city": city,
        "country": country,
        "phone": _phone(text(answer.get("phone")), country),
        "domain": domain,
        "former_names": texts(former),
        "company_description": text(answer.get("description")),
    }
    return Finding(
        subject=Subject(name=name, domain=domain, city=city, country=country, aliases=tuple(texts(former))),
        claims=(*claims(values, _page(cik)), *_figures(mapping(answer.get("facts")), cik)),
    )


def _figures(facts: Mapping[str, Any], cik: str) -> tuple[Claim, ...]:
    """What annual reports count, each with the report."""
    revenue, report = sec_facts.revenue(facts, cik)
    people, other = sec_facts.people(facts, cik)
    return (
        *claims({"revenue_range": revenue}, report, _page(cik)),
        *claims({"headcount": people}, other, _page(cik)),
    )


def _name(value: Any) -> str:
    """A name as companies write it: the register adds a state or a mark, "BANK OF AMERICA CORP /DE/"."""
    return _MARK.sub("", text(value))


def _cik(value: Any) -> str:
    """A central index key with its ten digits, or ""."""
    shown = text(value)
    return shown.zfill(10) if _CIK.fullmatch(shown) and len(shown) <= 10 else ""


def _page(cik: str) -> str:
    return f"https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK={cik}"


def _country(seat: Mapping[str, Any], state: str) -> str:
    """The country of an address: the SEC writes one code for states and countries, and words beside it."""
    if state in _STATES:
        return "United States"
    shown = text(seat.get("stateOrCountryDescription"))
    # Provinces are described as "Ontario, Canada".
    return land(seat.get("countryCode")) or land(seat.get("country")) or land(shown.rpartition(",")[2])


def _phone(shown: str, country: str) -> str:
    """A number in international form: of ten digits in the United States, or with its own plus."""
    if country == "United States" and len(re.sub(r"\D", "", shown)) == 10:
        return f"+1 {shown}"
    return shown if shown.startswith("+") else ""
