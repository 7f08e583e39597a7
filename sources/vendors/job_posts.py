"""Lists of open roles as job boards publish them, put in the words of Greenhouse, Ashby or Lever."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from sources.contract import Payload
from sources.errors import PayloadChanged
from sources.vendors import structured_data
from sources.vendors.json_answers import mapping, mappings, read_json, text
from sources.vendors.web_page import read_page

Json = Mapping[str, Any]

_LISTS = ("jobs", "offers", "jobPostings", "content", "results", "items")
"""Where the roles stand: Greenhouse, Ashby and Workable; Recruitee; Workday; SmartRecruiters; Workable's and Rippling's
newer versions. Others send a bare list."""
_TOTALS = ("total", "totalFound", "totalItems")
"""How many roles there are in all, on boards that answer by pages."""
_OWN_ADDRESS = re.compile(r"/companies/([\w-]{1,100})/postings/")
_OWN_WORDS = frozenset(("absolute_url", "jobUrl", "hostedUrl"))


def posts(payload: Payload) -> tuple[list[Json], bool]:
    """The roles of an answer, listed or not, and whether these are all of the board's.

    Of a career page those that its JSON-LD tells (schema.org JobPosting). Raises PayloadChanged for what holds no
    roles.
    """
    if payload.body.lstrip()[:1] == b"<":
        found = list(_on_page(payload))
        if not found:
            raise PayloadChanged("the page tells of no open roles in a form for machines")
        return found, True
    answer = read_json(payload)
    if isinstance(answer, dict) and _OWN_WORDS & answer.keys():
        return [answer], False  # one role of a board
    jobs = _listed(answer)
    if jobs is None:
        raise PayloadChanged("the job board sent something other than a list of jobs")
    company = text(mapping(answer).get("name"))  # Workable says it once for all
    total = max((n for name in _TOTALS if isinstance(n := mapping(answer).get(name), int)), default=0)
    return [_put(job, payload.url, company) for job in mappings(jobs)], total <= len(jobs)


def _listed(answer: Any) -> list[Any] | None:
    """The list of roles; those of groups (Greenhouse's departments and offices, Lever's teams) are put together."""
    if isinstance(answer, dict):
        groups = answer.get("departments", answer.get("offices"))
        if isinstance(groups, list):
            return list(_in_groups(groups))
        return next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), None)
    if isinstance(answer, list) and any("postings" in each for each in mappings(answer)):
        return list(_in_groups(answer))
    return answer if isinstance(answer, list) else None


def _in_groups(groups: list[Any]) -> Iterator[Json]:
    for group in mappings(groups):
        named = {"name": text(group.get("name")) or text(group.get("title"))}
        for job in (*mappings(group.get("jobs")), *mappings(group.get("postings"))):
            yield job if "hostedUrl" in job else {**job, "departments": [named]}
        for department in mappings(group.get("departments")):
            yield from _in_groups([department])


def _put(job: Json, asked: str, company: str) -> Json:
    """A role of another board in Greenhouse's words; one of the three stays as it is."""
    if _OWN_WORDS & job.keys():
        return job
    return {
        "title": text(job.get("title")) or text(job.get("name")),
        "absolute_url": _address(job, asked),
        "departments": [{"name": named} for named in _departments(job)],
        "company_name": text(job.get("company_name"))
        or text(mapping(job.get("company")).get("name"))
        or company,
        "description": text(job.get("description")),
    }


def _departments(job: Json) -> list[str]:
    """What a role is filed under; SmartRecruiters calls the kind of work a function."""
    given = (job.get("department"), job.get("function"))
    filed = [each for one in given for each in (one if isinstance(one, list) else [one])]
    return list(filter(None, (_named(each) for each in filed)))


def _named(value: Any) -> str:
    """A name, bare or in an object."""
    return text(value) or text(mapping(value).get("label")) or text(mapping(value).get("name"))


def _address(job: Json, asked: str) -> str:
    """Where a role can be read: Recruitee's, then Workable's and Rippling's, Workday's, SmartRecruiters' way to say it."""
    if found := text(job.get("careers_url")) or text(job.get("url")):
        return found
    if path := text(job.get("externalPath")):
        return _workday(asked, path)
    if (code := text(job.get("shortcode"))) and code.isalnum():
        return f"https://apply.workable.com/j/{code}"
    own = _OWN_ADDRESS.search(text(job.get("ref")))
    company = text(mapping(job.get("company")).get("identifier")) or (own[1] if own else "")
    number = text(job.get("id"))
    if company and number:
        return f"https://jobs.smartrecruiters.com/{quote(company, safe='')}/{quote(number, safe='')}"
    return ""


def _workday(asked: str, path: str) -> str:
    """The page of a role, or its path where the host is not known.

    A list asked at `https://host/wday/cxs/tenant/site/jobs` shows its roles under `/site`.
    """
    try:
        parts = urlsplit(asked)
    except ValueError:
        return ""
    words = parts.path.strip("/").split("/")
    if parts.hostname and words[:2] == ["wday", "cxs"] and len(words) >= 4:
        return f"https://{parts.hostname}/{words[3]}{path}"
    return f"workday:{path}"


def _on_page(payload: Payload) -> Iterator[Json]:
    page = read_page(payload.body, payload.headers.get("content-type", ""))
    for node in structured_data.postings(structured_data.read_scripts(page.structured)):
        employer = structured_data.node(node.get("hiringOrganization"))
        yield {
            "title": structured_data.text(node.get("title")),
            "absolute_url": structured_data.text(node.get("url")) or payload.url,
            "company_name": structured_data.text(employer.get("name")),
            "description": structured_data.text(employer.get("sameAs")),
        }
