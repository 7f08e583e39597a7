"""People Data Labs: companies and people, one by one or several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import PayloadChanged
from sources.vendors.firmographics import (
    address,
    amount,
    ask_those,
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
from sources.vendors.json_answers import count, mapping, raise_for_status, read_json, read_object, text

Json = Mapping[str, Any]

_PATHS = {
    Kind.ACCOUNT: ("company/enrich", "company/enrich/bulk"),
    Kind.CONTACT: ("person/enrich", "person/bulk"),
}
_COMPANY_KEYS = frozenset(("name", "display_name", "website", "linkedin_url"))
_PERSON_KEYS = frozenset(("full_name", "first_name", "last_name"))


class PeopleDataLabs(Source):
    """Asks the enrichment API, for several subjects its bulk form; only matches cost a credit."""

    slug = "people_data_labs"
    label = "People Data Labs"
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("linkedin_url",), ("email",), ("name", "city"), ("name", "country"))
    provides = (
        *("name", "domain", "email", "phone", "city", "country", "company_linkedin_url", "linkedin_url"),
        *("industry", "headcount", "revenue_range", "company_description", "founded_year", "headquarters"),
        *("funding_stage", "last_funding_date", "total_funding", "employee_growth_6mo", "ticker"),
        *("follower_count", "twitter_url", "facebook_url"),
        *("headline", "job_title", "current_company", "location"),
    )
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1)
    # A hundred would be allowed; full records of that many are more than one answer may hold.
    limits = Limits(per_minute=1_000, deadline=60.0, max_bytes=5_000_000, batch=25)
    secret = Secret(env="PEOPLE_DATA_LABS_API_KEY", help_url="https://dashboard.peopledatalabs.com/api-keys")
    base_url = "https://api.peopledatalabs.com/v5"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
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
        """The company or person; () when nobody matches."""
        refuse_unasked(payload)
        if is_miss(payload):
            return ()
        raise_for_status(payload)
        answer = read_object(payload, "status")
        if answer["status"] != 200:
            inner = _own_status(payload)
            if inner.status == payload.status:
                raise PayloadChanged("People Data Labs answered with a status that is no number")
            return self.parse(inner, wanted)
        record = answer.get("data") if isinstance(answer.get("data"), dict) else answer
        found = _finding(mapping(record), payload, self.slug)
        return [found] if found else ()


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
    city, state, country = (text(where.get(part)) for part in ("locality", "region", "country"))
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
        "headcount": count(company.get("employee_count")) or count(company.get("size")),
        "revenue_range": amount(company.get("inferred_revenue")),
        "company_description": text(company.get("summary")) or text(company.get("headline")),
        "founded_year": count(company.get("founded")),
        "funding_stage": text(company.get("latest_funding_stage")),
        "last_funding_date": text(company.get("last_funding_date")),
        "total_funding": amount(company.get("total_funding_raised")),
        "employee_growth_6mo": growth(mapping(company.get("employee_growth_rate")).get("6_month")),
        "ticker": text(company.get("ticker")),
        "follower_count": count(company.get("linkedin_follower_count")),
        "twitter_url": text(company.get("twitter_url")),
        "facebook_url": text(company.get("facebook_url")),
    }


def _person(person: Json, slug: str) -> Finding | None:
    """A person; fields that the plan does not include hold `true`, which is no text."""
    names = (text(person.get("first_name")), text(person.get("last_name")))
    identity: dict[str, Any] = {
        "name": text(person.get("full_name")) or " ".join(filter(None, names)),
        "email": address(person.get("work_email")),
        "linkedin_url": profile_page(person.get("linkedin_url")),
        "city": text(person.get("location_locality")),
        "country": land(person.get("location_country")),
    }
    if not (identity["name"] or identity["linkedin_url"]):
        return None
    values = {
        **identity,
        "phone": text(person.get("mobile_phone")),
        "headline": text(person.get("headline")),
        "job_title": text(person.get("job_title")),
        "current_company": text(person.get("job_company_name")),
        "location": text(person.get("location_name")),
    }
    employer = site(person.get("job_company_website"))
    reference = f"{slug}:{text(person.get('id')) or identity['linkedin_url'] or identity['name']}"
    return Finding(
        subject=Subject(kind=Kind.CONTACT, domain=employer, **identity), claims=claims(values, reference)
    )
