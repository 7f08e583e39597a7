"""Lists of open roles as job boards publish them, put in the words of Greenhouse, Ashby or Lever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from sources.contract import Payload
from sources.errors import PayloadChanged
from sources.vendors import structured_data
from sources.vendors.json_answers import mapping, mappings, read_json, text
from sources.vendors.web_page import read_page

Json = Mapping[str, Any]

_LISTS = ("jobs", "offers", "jobPostings", "content")
"""Where the roles stand: Greenhouse, Ashby and Workable; Recruitee; Workday; SmartRecruiters. Others send a bare list."""


def posts(payload: Payload) -> list[Json]:
    """The roles of an answer, listed or not; of a career page those its JSON-LD tells (schema.org JobPosting).

    Raises PayloadChanged for what holds no list of roles.
    """
    if payload.body.lstrip()[:1] == b"<":
        found = list(_on_page(payload))
        if not found:
            raise PayloadChanged("the page tells of no open roles in a form for machines")
        return found
    answer = read_json(payload)
    jobs = answer
    if isinstance(answer, dict):
        jobs = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), None)
    if not isinstance(jobs, list):
        raise PayloadChanged("the job board sent something other than a list of jobs")
    company = text(mapping(answer).get("name"))  # Workable says it once for all
    return [_put(job, payload.url, company) for job in mappings(jobs)]


def _put(job: Json, asked: str, company: str) -> Json:
    """A role of another board in Greenhouse's words; one of the three stays as it is."""
    if {"absolute_url", "jobUrl", "hostedUrl"} & job.keys():
        return job
    department = job.get("department")
    named = text(department) or text(mapping(department).get("label"))
    return {
        "title": text(job.get("title")) or text(job.get("name")),
        "absolute_url": _address(job, asked),
        "departments": [{"name": named}] if named else [],
        "company_name": text(job.get("company_name"))
        or text(mapping(job.get("company")).get("name"))
        or company,
        "description": text(job.get("description")),
    }


def _address(job: Json, asked: str) -> str:
    """Where a role can be read: Recruitee's, then Workable's and Rippling's, Workday's, SmartRecruiters' way to say it."""
    if found := text(job.get("careers_url")) or text(job.get("url")):
        return found
    if path := text(job.get("externalPath")):
        return _workday(asked, path)
    company, number = text(mapping(job.get("company")).get("identifier")), text(job.get("id"))
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
