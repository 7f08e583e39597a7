"""Enrich Layer, the successor of Proxycurl: LinkedIn's data about companies, their open roles and people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Subject, Wanted
from sources.errors import NotAllowed, PayloadChanged, SourceError, SourceRefused
from sources.vendors import linkedin
from sources.vendors.firmographics import claims, company_page, is_miss, profile_page
from sources.vendors.json_answers import count, mapping, mappings, raise_for_status, read_object, text

Json = Mapping[str, Any]

PARTS = ("jobs", "executives")
ROLES = ("CTO", "VP Engineering")
_PAGES = ("url", "linkedin_profile_url", "profile_url")
_CACHED = {"use_cache": "if-present"}
_DETAILS = {"extra": "include", "funding_data": "include"}
_ENRICHED = {"enrich_profile": "enrich"}


class EnrichLayer(Source):
    """Asks for a profile by its LinkedIn page, else for whoever has the domain, e-mail, or name at the domain.

    About a company its open roles and those who hold `ROLES` are asked for as well. The setting `parts` chooses:
    `["jobs", "executives"]`, the default, costs 2 and 8 of the 13 credits; `[]` asks for the profile only.
    """

    slug = "enrich_layer"
    label = "Enrich Layer (LinkedIn)"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("linkedin_url",), ("domain",), ("email",), ("name", "domain"))
    provides = tuple(dict.fromkeys((*linkedin.COMPANY, *linkedin.JOBS, "executives", *linkedin.PERSON)))
    cadence = Cadence.parse("weekly monday")
    cost = Cost(credits=13, charges_miss=True)
    limits = Limits(per_minute=300, deadline=60.0, max_bytes=5_000_000)
    secret = Secret(env="ENRICH_LAYER_API_KEY", help_url="https://enrichlayer.com/dashboard")
    base_url = "https://enrichlayer.com/api/v2"

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The profile; of a company with what was asked besides, as one JSON body `{"answers": [{"body": …}]}`.

        An answer that came is not thrown away because a further one fails. Raises NotAllowed when nobody is named,
        SourceRefused when the setting names no part.
        """
        key, parts = {"Authorization": f"Bearer {call.key}"}, _parts(call.settings)
        path, params = _question(call.subject)
        profile = http.get(path, params=params, headers=key)
        kept = [profile]
        for path, params in _further(profile, parts):
            try:
                answer = http.get(path, params=params, headers=key)
            except SourceError:
                break
            if answer.status == 200:
                kept.append(answer)
        if len(kept) == 1:
            return kept
        joined = [{"url": each.url, "body": each.body.decode("utf-8", "replace")} for each in kept]
        return [replace(profile, body=json.dumps({"answers": joined}).encode())]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The company or person; () when there is none, also when a look-up answers with no page."""
        if is_miss(payload):
            return ()
        if payload.status == 403:  # its own word for this; a wrong key is 401
            raise SourceRefused("enrichlayer.com wants to be paid: no credit is left (403)")
        raise_for_status(payload)
        answer = read_object(payload)
        if "answers" in answer:
            return _read_joined(answer, payload)
        code = answer.get("code")
        if "description" in answer and isinstance(code, int) and 400 <= code < 600:
            return self.parse(replace(payload, status=code), wanted)
        if isinstance(answer.get("job"), list):
            return linkedin.listed(answer)
        for several in (answer.get("results"), answer.get("employees")):
            if isinstance(several, list):
                return [found for each in mappings(several) if (found := _read(each))]
        found = _counted(answer) if "linkedin_employee_count" in answer else _read(answer)
        return [found] if found else ()


def _parts(settings: Mapping[str, Any]) -> Sequence[str]:
    parts = settings.get("parts", PARTS)
    if not isinstance(parts, list | tuple) or not all(part in PARTS for part in parts):
        raise SourceRefused('Enrich Layer\'s setting \'parts\' is a list of "jobs" and "executives"')
    return parts


def _question(subject: Subject) -> tuple[str, dict[str, str]]:
    """Path and parameters of the first call."""
    if subject.kind is Kind.ACCOUNT:
        if subject.linkedin_url:
            return "company", {"url": subject.linkedin_url, **_DETAILS, **_CACHED}
        if subject.domain:
            return "company/resolve", {"company_domain": subject.domain, **_ENRICHED}
        raise NotAllowed("Enrich Layer finds companies by their LinkedIn page or domain only")
    if subject.linkedin_url:
        return "profile", {"profile_url": subject.linkedin_url, **_CACHED}
    if subject.email:
        return "profile/resolve/email", {"email": subject.email, "lookup_depth": "deep", **_ENRICHED}
    first, _, last = subject.name.partition(" ")
    if first and subject.domain:
        names = {"first_name": first, "company_domain": subject.domain} | (
            {"last_name": last} if last else {}
        )
        return "profile/resolve", {**names, **_ENRICHED}
    raise NotAllowed("Enrich Layer needs a LinkedIn page, an e-mail address, or a name with a company")


def _further(profile: Payload, parts: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The calls to make about a company once its profile is there."""
    if profile.status != 200:
        return
    try:
        answer = read_object(profile)
    except PayloadChanged:
        return
    company = mapping(answer.get("profile")) or answer
    number, name = text(company.get("search_id")), text(company.get("name"))
    if not linkedin.is_company(company):
        return
    if "jobs" in parts and number.isdigit():
        yield "company/job", {"search_id": number}
    if "executives" in parts and name:
        for role in ROLES:
            yield "find/company/role", {"company_name": name, "role": role, **_ENRICHED}


def _read(answer: Json) -> Finding | None:
    """What one answer claims; raises PayloadChanged for one that is about neither a company nor a person."""
    page = next(filter(None, (text(answer.get(name)) for name in _PAGES)), "")
    record = dict(mapping(answer.get("profile")) or answer)
    if linkedin.is_company(record):
        record["universal_name_id"] = record.get("universal_name_id") or page
        return linkedin.company_finding(record, EnrichLayer.slug)
    if linkedin.is_person(record):
        record["public_identifier"] = record.get("public_identifier") or page
        return linkedin.person_finding(record, EnrichLayer.slug)
    if "linkedin_internal_id" in answer and "title" in answer:
        return _of_job(answer)
    if any(name in answer for name in _PAGES):
        return _of_page(page)
    raise PayloadChanged("Enrich Layer's answer is neither a company, a person nor the page of one")


def _counted(answer: Json) -> Finding | None:
    """How many people work at the company that was asked about: the count does not say at which."""
    found = claims({"headcount": count(answer.get("linkedin_employee_count"))}, "enrich_layer:employee_count")
    return Finding(subject=Subject(), claims=found, names_nobody=True) if found else None


def _of_page(link: str) -> Finding | None:
    """The page a look-up found: it says nothing about whose it is."""
    if page := company_page(link):
        found = claims({"company_linkedin_url": page}, page)
        return Finding(subject=Subject(linkedin_url=page), claims=found)
    if page := profile_page(link):
        found = claims({"linkedin_url": page}, page)
        return Finding(subject=Subject(kind=Kind.CONTACT, linkedin_url=page), claims=found)
    return None


def _of_job(job: Json) -> Finding | None:
    """The company that one open role is at."""
    company = mapping(job.get("company"))
    name, page = text(company.get("name")), company_page(company.get("url"))
    if not (name or page):
        return None
    values = {"name": name, "company_linkedin_url": page, "open_job_titles": [text(job.get("title"))]}
    number = text(job.get("linkedin_internal_id"))
    shown = f"https://www.linkedin.com/jobs/view/{number}" if number.isdigit() else page
    found = claims(values if text(job.get("title")) else {"name": name}, shown or f"enrich_layer:{name}")
    return Finding(subject=Subject(name=name, linkedin_url=page), claims=found)


def _read_joined(answer: Json, payload: Payload) -> list[Finding]:
    """The company of the first kept answer with what the others say about it; those that are torn are left out."""
    bodies = [str(kept.get("body")).encode("utf-8", "replace") for kept in mappings(answer["answers"])]
    if not bodies:
        raise PayloadChanged("Enrich Layer's kept answers are not what this version writes")
    finding = _read(read_object(replace(payload, body=bodies[0])))
    if finding is None:
        return []
    leaders: dict[str, str] = {}
    for body in bodies[1:]:
        try:
            part = read_object(replace(payload, body=body))
        except PayloadChanged:
            continue
        if "job" in part:
            finding = linkedin.with_claims(finding, *linkedin.job_claims(part, finding.subject))
        shown, page = linkedin.executive(mapping(part.get("profile")), finding.subject)
        if shown:
            leaders.setdefault(shown, page)
    led = claims({"executives": list(leaders)}, *(leaders.values()), finding.subject.linkedin_url)
    return [linkedin.with_claims(finding, *led)]
