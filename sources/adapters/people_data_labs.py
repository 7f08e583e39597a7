"""People Data Labs: companies and people, one by one or several at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import PayloadChanged, SourceError
from sources.vendors.firmographics import (
    address,
    amount,
    ask_those,
    cased,
    claims,
    company_page,
    confidence,
    cut,
    growth,
    is_miss,
    land,
    place,
    profile_page,
    refuse_unasked,
    site,
)
from sources.vendors.json_answers import (
    count,
    mapping,
    mappings,
    raise_for_status,
    read_json,
    text,
    texts,
)

Json = Mapping[str, Any]

_PATHS = {
    Kind.ACCOUNT: ("company/enrich", "company/enrich/bulk"),
    Kind.CONTACT: ("person/enrich", "person/bulk"),
}
_COMPANY_KEYS = frozenset(("name", "display_name", "website", "linkedin_url"))
_RECORD = frozenset(("id", "linkedin_url"))
"""What a record has that came without the envelope of an answer."""
_CURRENT = ("current_professional", "professional")
_PERSON_KEYS = frozenset(("full_name", "first_name", "last_name"))


class PeopleDataLabs(Source):
    """Asks the enrichment API, for several subjects its bulk form; only matches cost a credit."""

    slug = "people_data_labs"
    label = "People Data Labs"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("linkedin_url",), ("email",), ("name", "city"), ("name", "country"))
    provides = (
        *("name", "domain", "email", "phone", "city", "country", "company_linkedin_url", "linkedin_url"),
        *("industry", "headcount", "revenue_range", "company_description", "founded_year", "headquarters"),
        *("funding_stage", "last_funding_date", "last_funding_amount", "total_funding", "investors"),
        *("employee_growth_6mo", "ticker"),
        *("follower_count", "twitter_url", "facebook_url", "tech_stack", "recent_job_postings"),
        *("headline", "job_title", "current_company", "location"),
    )
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1)
    limits = Limits(per_minute=1_000, deadline=60.0, max_bytes=20_000_000, batch=100)
    secret = Secret(env="PEOPLE_DATA_LABS_API_KEY", help_url="https://dashboard.peopledatalabs.com/api-keys")
    base_url = "https://api.peopledatalabs.com/v5"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | SourceError]:
        """One answer for each question; raises NotAllowed when none says enough to find anybody."""
        kind = call.questions[0].subject.kind
        single, bulk = _PATHS[kind]
        key = {"X-Api-Key": call.key}

        def ask(asked: Sequence[Mapping[str, str]]) -> list[Payload]:
            if len(asked) == 1:
                return [http.get(single, params={**asked[0], "titlecase": "true"}, headers=key)]
            requests = [{"params": {**one, "titlecase": True}} for one in asked]
            answer = http.post(bulk, json={"requests": requests}, headers=key)
            return [_own_status(part) for part in cut(answer, asked, _items)]

        question = _company_question if kind is Kind.ACCOUNT else _person_question
        needs = (
            "People Data Labs needs a domain, a LinkedIn page, an e-mail address, or a name with a company"
        )
        return ask_those(call, question, ask, needs)

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company or person, or each of a bulk answer or a search; () when nobody matches."""
        refuse_unasked(payload)
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_json(payload)
        if isinstance(answer, list):
            return [found for item in answer for found in self.parse(_item(payload, item), wanted)]
        if not isinstance(answer, dict) or ("status" not in answer and not answer.keys() >= _RECORD):
            raise PayloadChanged("People Data Labs sent something other than an answer of its API")
        if answer.get("status", 200) != 200:
            inner = _own_status(payload)
            if inner.status == payload.status:
                raise PayloadChanged("People Data Labs answered with a status that is no number")
            return self.parse(inner, wanted)
        return [found for record in _records(answer) if (found := _finding(record, payload, self.slug))]


def _item(payload: Payload, item: Any) -> Payload:
    """One answer of a bulk body; an answer within an answer is none."""
    return replace(payload, body=json.dumps(None if isinstance(item, list) else item).encode())


def _records(answer: Json) -> Sequence[Json]:
    """The companies or people of an answer: one in `data` or in the answer itself, or several."""
    for several in (answer.get("data"), answer.get("matches")):
        if isinstance(several, list):
            return [mapping(each.get("data")) or each for each in mappings(several)]
    return [mapping(answer["data"]) if isinstance(answer.get("data"), dict) else answer]


def _company_question(subject: Subject) -> dict[str, str]:
    known = {
        "website": subject.domain,
        "profile": subject.linkedin_url,
        "name": subject.name,
        "locality": subject.city,
        "country": subject.country,
    }
    found = {name: value for name, value in known.items() if value}
    return found if found.keys() & {"website", "profile", "name"} else {}


def _person_question(subject: Subject) -> dict[str, str]:
    known = {
        "email": subject.email,
        "profile": subject.linkedin_url,
        "name": subject.name,
        "company": subject.domain,
        "locality": subject.city,
        "country": subject.country,
    }
    found = {name: value for name, value in known.items() if value}
    is_named = "name" in found and bool(found.keys() & {"company", "locality"})
    return found if is_named or found.keys() & {"email", "profile"} else {}


def _items(body: Any) -> list[Any] | None:
    """The answers of a bulk body, in the order of the questions."""
    return body if isinstance(body, list) else None


def _own_status(payload: Payload) -> Payload:
    """The answer under the HTTP status that its body names, when it names one."""
    try:
        status = mapping(read_json(payload)).get("status")
    except PayloadChanged:
        return payload
    return replace(payload, status=status) if isinstance(status, int) and 200 <= status <= 599 else payload


def _finding(record: Json, payload: Payload, slug: str) -> Finding | None:
    if _PERSON_KEYS & record.keys():
        return _person(record, slug)
    if _COMPANY_KEYS & record.keys():
        return _company(record, payload, slug)
    raise PayloadChanged("People Data Labs' answer is neither a company nor a person")


def _company(company: Json, payload: Payload, slug: str) -> Finding | None:
    where = mapping(company.get("location"))
    city, state = (cased(where.get(part)) for part in ("locality", "region"))
    country = cased(where.get("country"))
    identity: dict[str, Any] = {
        "name": text(company.get("display_name")) or text(company.get("name")),
        "domain": site(company.get("website")),
        "city": city,
        "country": land(country),
    }
    page = company_page(company.get("linkedin_url"))
    values = {
        **identity,
        **_company_values(company),
        "company_linkedin_url": page,
        "headquarters": place(city, state, country) if city and (state or country) else "",
    }
    name = text(company.get("id")) or identity["domain"] or identity["name"]
    found = claims(values, f"{slug}:{name}")
    if not found:
        return None
    sure = confidence(payload, "website", company.get("alternative_domains"))
    return Finding(subject=Subject(**identity, linkedin_url=page), claims=found, confidence=sure)


def _company_values(company: Json) -> dict[str, Any]:
    return {
        "industry": text(company.get("industry")) or text(company.get("industry_v2")),
        "headcount": count(company.get("employee_count"))
        or count(company.get("linkedin_employee_count"))
        or count(company.get("size")),
        "revenue_range": amount(company.get("inferred_revenue")),
        "company_description": text(company.get("summary")) or text(company.get("headline")),
        "founded_year": count(company.get("founded")),
        **_funding(company),
        "employee_growth_6mo": growth(mapping(company.get("employee_growth_rate")).get("6_month")),
        "ticker": text(company.get("ticker")),
        "tech_stack": texts([each.get("name") for each in mappings(company.get("technologies_used"))]),
        "recent_job_postings": _roles(company.get("active_job_postings_by_role")),
        "follower_count": count(company.get("linkedin_follower_count")),
        "twitter_url": text(company.get("twitter_url")),
        "facebook_url": text(company.get("facebook_url")),
    }


def _roles(by_role: Any) -> int | None:
    """How many open roles are engineering roles (a premium field); None when it is not told."""
    number = mapping(by_role).get("engineering")
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def _funding(company: Json) -> dict[str, Any]:
    """The latest round, its amount when it is in dollars, and who paid for any (premium fields)."""
    rounds = mappings(company.get("funding_details"))
    day = text(company.get("last_funding_date"))
    dated = [each for each in rounds if text(each.get("funding_round_date"))]
    latest = max(dated, key=lambda each: text(each.get("funding_round_date")), default={})
    if day and text(latest.get("funding_round_date"))[: len(day)] != day:
        latest = {}  # of another day than the company's own fields
    in_dollars = text(latest.get("funding_currency")).lower() in ("", "usd")
    backers = ("investing_companies", "investing_individuals")
    return {
        "funding_stage": text(company.get("latest_funding_stage")) or text(latest.get("funding_type")),
        "last_funding_date": day or text(latest.get("funding_round_date")),
        "last_funding_amount": amount(latest.get("funding_raised")) if in_dollars else None,
        "total_funding": amount(company.get("total_funding_raised")),
        "investors": texts([name for each in rounds for who in backers for name in texts(each.get(who))]),
    }


def _email(person: Json) -> str:
    """The address at work."""
    given = mappings(person.get("emails"))
    others = (address(each.get("address")) for kind in _CURRENT for each in given if each.get("type") == kind)
    return address(person.get("work_email")) or next(filter(None, others), "")


def _person(person: Json, slug: str) -> Finding | None:
    """A person; fields that the plan does not include hold `true`, which is no text."""
    names = (cased(person.get("first_name")), cased(person.get("last_name")))
    identity: dict[str, Any] = {
        "name": cased(person.get("full_name")) or " ".join(filter(None, names)),
        "email": _email(person),
        "linkedin_url": profile_page(person.get("linkedin_url")),
        "city": cased(person.get("location_locality")),
        "country": land(person.get("location_country")),
    }
    if not (identity["name"] or identity["linkedin_url"]):
        return None
    values = {
        **identity,
        "phone": text(person.get("mobile_phone")) or next(iter(texts(person.get("phone_numbers"))), ""),
        "headline": text(person.get("headline")),
        "job_title": text(person.get("job_title")),
        "current_company": text(person.get("job_company_name")),
        "location": cased(person.get("location_name")),
    }
    employer = site(person.get("job_company_website"))
    reference = f"{slug}:{text(person.get('id')) or identity['linkedin_url'] or identity['name']}"
    return Finding(
        subject=Subject(kind=Kind.CONTACT, domain=employer, **identity), claims=claims(values, reference)
    )
