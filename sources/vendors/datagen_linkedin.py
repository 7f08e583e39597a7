"""LinkedIn's people and companies as DataGen's tools tell them, brought into the shape of `sources.vendors.linkedin`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sources.contract import Finding
from sources.vendors import linkedin
from sources.vendors.datagen import first, snake
from sources.vendors.json_answers import mapping, mappings, text

Json = Mapping[str, Any]

_PAGES = ("linked_in_url", "linkedin_url", "linkedin_profile_url", "profile_url", "url")
_PERSON: Mapping[str, tuple[str, ...]] = {
    "public_identifier": (*_PAGES, "public_identifier", "username"),
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "full_name": ("full_name", "name"),
    "headline": ("headline",),
    "follower_count": ("follower_count", "followers_count", "followers", "num_followers"),
    "occupation": ("occupation",),
}
_COMPANY: Mapping[str, tuple[str, ...]] = {
    "universal_name_id": ("universal_name_id", "universal_name", *_PAGES),
    "name": ("name", "company_name"),
    "website": ("website_url", "website", "domain"),
    "industry": ("industry",),
    "company_size_on_linkedin": (
        *("company_size_on_linkedin", "employee_count", "employees_count", "staff_count", "headcount"),
    ),
    "description": ("description", "about"),
    "tagline": ("tagline",),
    "follower_count": _PERSON["follower_count"],
    "linkedin_internal_id": ("linkedin_internal_id", "linked_in_id", "id"),
}
_JOBS = ("experiences", "experience", "positions", "position_history", "work_experience", "current_positions")
_ENDS = ("ends_at", "end_date", "ended_on", "end", "date_to")
_STARTS = ("starts_at", "start_date", "started_on", "start", "date_from")
_ONGOING = frozenset(("present", "current", "now", "ongoing", "today"))
_WRITTEN = re.compile(r"([12]\d{3})(?:-(\d\d))?(?!\d)", re.ASCII)
_WHICH_PERSON = frozenset(("first_name", "full_name", "headline", "public_identifier"))
_WHICH_COMPANY = frozenset(
    (
        "universal_name",
        "universal_name_id",
        "website_url",
        "website",
        "employee_count",
        "staff_count",
        "industry",
    )
)


def finding(item: Json, scheme: str) -> Finding | None:
    """What an object in snake_case claims, when it is a person or a company; else None."""
    if _WHICH_PERSON & item.keys():
        return linkedin.person_finding(_person(item), scheme)
    if "name" in item and _WHICH_COMPANY & item.keys():
        return linkedin.company_finding(_company(item), scheme)
    return None


def _person(item: Json) -> dict[str, Any]:
    where = item.get("location")
    place = snake(mapping(where)) or item
    jobs = [_job(snake(job)) for job in _list(first(item, _JOBS))]
    now = {"title": first(item, ("current_title", "job_title", "title")), "company": _name(_employer(item))}
    return {
        **{field: first(item, names) for field, names in _PERSON.items()},
        "city": place.get("city"),
        "state": first(place, ("state", "region", "geographic_area")),
        "country_full_name": first(place, ("country_full_name", "country", "country_code")),
        "location_str": text(where) or text(item.get("location_str")),
        "experiences": jobs or [now],
    }


def _employer(item: Json) -> Any:
    return first(item, ("current_company", "company", "company_name"))


def _job(job: Json) -> dict[str, Any]:
    """A position; its dates are objects, texts, or the two ends of one object."""
    span = snake(mapping(job.get("start_end_date")))
    ends = None if job.get("is_current") is True else first(job, _ENDS) or span.get("end")
    return {
        "title": first(job, ("title", "job_title", "position", "role")),
        "company": _name(first(job, ("company_name", "company", "organization"))),
        "starts_at": _date(first(job, _STARTS) or span.get("start")),
        "ends_at": None if text(ends).lower() in _ONGOING else ends,
    }


def _date(value: Any) -> Any:
    """A date in numbers, also of a text such as 2024-03."""
    found = _WRITTEN.match(text(value))
    return {"year": int(found[1]), "month": int(found[2] or 0)} if found else value


def _company(item: Json) -> dict[str, Any]:
    seat = snake(mapping(first(item, ("headquarter", "headquarters", "hq"))))
    band = snake(mapping(item.get("employee_count_range")))
    founded = first(item, ("founded_year", "founded_on", "founded"))
    return {
        **{field: first(item, names) for field, names in _COMPANY.items()},
        "company_size": item.get("company_size") or [band.get("start"), band.get("end")],
        "founded_year": mapping(founded).get("year") if isinstance(founded, dict) else founded,
        "hq": {
            "city": seat.get("city"),
            "state": first(seat, ("state", "geographic_area", "region")),
            "country": first(seat, ("country", "country_code")),
        },
        "locations": [],
    }


def _name(value: Any) -> str:
    """A company's name, bare or within an object."""
    return text(mapping(value).get("name")) if isinstance(value, dict) else text(value)


def _list(value: Any) -> list[Json]:
    """A list of objects, bare or as the first list within an object."""
    if isinstance(value, dict):
        value = next((each for each in value.values() if isinstance(each, list)), [])
    return mappings(value)
