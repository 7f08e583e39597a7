"""BuiltWith's bulk jobs: many domains go in, a job's name comes back, and its result may be read once.

Shapes: the official client `builtwith-official` 0.1.1 and github.com/builtwith/code-examples. A small list is answered
at once, a larger one by `{"job_id", "status": "queued"}`; the status becomes "complete" (or "completed") or "error".
Reading the result deletes it. Only what was found is charged, once the job is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sources.contract import Http, Payload, Pending
from sources.errors import PayloadChanged, SourceUnavailable
from sources.vendors.builtwith import assign
from sources.vendors.firmographics import cut
from sources.vendors.json_answers import mapping, read_json, text

PATH = "v23/domain/bulk"
MOST = 5_000
"""Domains that one job may have; `account.max_batch_size.domain_bulk_submit` of `whoami` tells that of a plan."""

# As the flags of the Domain API: descriptions and links hidden, tags kept.
_OPTIONS = {"noMeta": False, "noPii": True, "hideText": False, "hideDL": True, "liveOnly": True}
_JOB = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)
_DONE = frozenset(("complete", "completed"))
_FAILED = frozenset(("error", "failed"))
_NOT_GIVEN = frozenset((401, 402, 403, 407, 408, 425, 429))
"""Statuses with which a result is refused, so that it is still there."""
_LOOKS_APART = 30.0  # seconds

Answers = list[Payload | Pending]


def submit(domains: Sequence[str], http: Http, headers: Mapping[str, str]) -> Answers:
    """Hand in a job: where it is queued every domain waits for it, else the answer is cut."""
    lookups = list(dict.fromkeys(domains))
    answer = http.post(PATH, json={"lookups": lookups, "options": _OPTIONS}, headers=headers)
    job = text(_told(answer).get("job_id")) if answer.status in (200, 202) else ""
    if _JOB.fullmatch(job):
        return _later(job, domains)
    return [*_cut(answer, domains)]


def collect(job: str, domains: Sequence[str], http: Http, headers: Mapping[str, str]) -> Answers:
    """Ask how a job stands, and when it is done for its result; all of its domains must be asked for together.

    Raises SourceUnavailable when the result was asked for and did not come: it may be gone.
    """
    try:
        status = http.get(f"{PATH}/{job}", headers=headers)
    except SourceUnavailable:  # says nothing about the job
        return _later(job, domains)
    state = text(_told(status).get("status")).lower()
    if status.status == 404 or state in _FAILED:
        return [status] * len(domains)
    if status.status != 200 or state not in _DONE:
        return _later(job, domains)
    result = http.get(f"{PATH}/{job}/result", headers=headers)
    return _later(job, domains) if result.status in _NOT_GIVEN else [*_cut(result, domains)]


def raise_for_job(payload: Payload) -> None:
    """Raise SourceUnavailable for a job that failed, which costs nothing, or whose result is gone, which may have."""
    if f"/{PATH}/" not in payload.url:
        return
    if payload.status == 404:
        raise SourceUnavailable("BuiltWith has the job's result no longer: it was read before and not kept")
    if payload.status == 200 and text(_told(payload).get("status")).lower() in _FAILED:
        error = SourceUnavailable("BuiltWith's job failed: ask again later")
        error.is_free = True
        raise error


def _later(job: str, domains: Sequence[str]) -> Answers:
    return [Pending(token=job, poll_in=_LOOKS_APART)] * len(domains)


def _cut(answer: Payload, domains: Sequence[str]) -> list[Payload]:
    asked = [{"LOOKUP": name} for name in domains]
    return cut(replace(answer, url=answer.url.partition("?")[0]), asked, lambda body: assign(body, domains))


def _told(payload: Payload) -> Mapping[str, Any]:
    try:
        return mapping(read_json(payload))
    except PayloadChanged:
        return {}
