"""BuiltWith: the technologies of websites, and the companies behind them, for sixteen domains at once, or by jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import (
    Call,
    Cost,
    Finding,
    Http,
    Limits,
    Payload,
    Pending,
    Secret,
    Source,
    Subject,
    Wanted,
)
from sources.errors import PayloadChanged, RateLimited, SourceError, SourceRefused
from sources.vendors.builtwith import INVALID_DOMAIN, assign, error_of, finding, is_unreadable
from sources.vendors.builtwith_jobs import MOST, collect, raise_for_job, submit
from sources.vendors.firmographics import ask_those, cut, refuse_unasked
from sources.vendors.json_answers import mappings, raise_for_status, read_object, retry_after, text

VERSION = "22"
AT_ONCE = 16  # domains of one call that is answered at once
_VERSION = re.compile(r"v?(\d{1,3})", re.ASCII)
_UNREADABLE = 422  # of a whole batch: it is put again in halves, so that the domain at fault stands alone
_LARGEST_RESULT = 100_000_000
# Without what is no longer in use, without descriptions, and without data about people.
_FLAGS = {"LIVEONLY": "yes", "HIDEDL": "yes", "NOPII": "yes"}


class BuiltWith(Source):
    """Asks the Domain API. The setting `version` picks another version of it, such as 26.

    The setting `batch`, more than sixteen domains, has them asked in bulk jobs of up to so many: fewer calls, and
    answers that come minutes later.
    """

    slug = "builtwith"
    label = "BuiltWith"
    version = 2
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = (
        *(
            "tech_stack",
            "cms",
            "analytics_tools",
            "name",
            "industry",
            "headcount",
            "phone",
            "headquarters",
            "city",
            "country",
        ),
        *("company_linkedin_url", "twitter_url", "facebook_url"),
    )
    cadence = Cadence.parse("quarterly")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=600, in_flight=8, deadline=60.0, max_bytes=20_000_000, batch=AT_ONCE)
    secret = Secret(env="BUILTWITH_API_KEY", help_url="https://api.builtwith.com/")
    base_url = "https://api.builtwith.com"

    def configured(self, settings: Mapping[str, Any]) -> Source:
        """The adapter with the batch of the settings; itself when they name none, or no sensible one."""
        size = settings.get("batch")
        return _with_batch(size) if _is_size(size) else self

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending | SourceError]:
        """One answer for each question; raises SourceRefused when a setting makes no sense."""
        path, headers = f"v{_version(call)}/api.json", {"Authorization": f"API {call.key}"}
        if call.settings.get("batch") is not None and not _is_size(call.settings["batch"]):
            raise SourceRefused(
                f"BuiltWith's setting 'batch' is no number from 1 to {MOST:,}: write it like 500"
            )
        names = [question.subject.domain for question in call.questions]
        if job := call.questions[0].token:
            return collect(job, names, http, headers)
        if len(names) > AT_ONCE and all(names):
            return submit(names, http, headers)

        def ask(asked: Sequence[Mapping[str, Any]]) -> Sequence[Payload]:
            domains = [str(one["LOOKUP"]) for one in asked]
            params = {"LOOKUP": ",".join(dict.fromkeys(domains)), **_FLAGS}
            answer = http.get(path, params=params, headers=headers)
            if len(asked) == 1:
                return [answer]
            answer = replace(answer, url=answer.url.partition("?")[0])
            if is_unreadable(answer):
                return [replace(answer, status=_UNREADABLE)] * len(asked)
            return cut(answer, asked, lambda body: assign(body, domains))

        return ask_those(call, _question, ask, "BuiltWith knows websites by their domain only")

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """A finding for each domain that BuiltWith knows something of."""
        refuse_unasked(payload)
        raise_for_job(payload)
        _raise_for_pause(payload)
        raise_for_status(payload)
        answer = read_object(payload)
        results, errors = answer.get("Results"), mappings(answer.get("Errors"))
        if not isinstance(results, list) and not errors:
            if "retryAfterSeconds" in answer:  # its rate limit, also under another status
                raise RateLimited("api.builtwith.com asks for a pause", retry_after=_pause(payload))
            raise PayloadChanged("BuiltWith's answer holds neither results nor errors")
        known = mappings(results)
        if results and not any("Lookup" in result for result in known):
            raise PayloadChanged("BuiltWith's results do not say which domains they are about")
        if errors and not known and text(errors[0].get("Code")) != INVALID_DOMAIN:
            raise error_of(errors)
        return [found for found in map(finding, known) if found]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST


@lru_cache(maxsize=16)
def _with_batch(size: int) -> Source:
    """An adapter that asks about `size` domains at once; results of jobs are large, so few are read side by side."""
    limits = replace(BuiltWith.limits, batch=size)
    if size > AT_ONCE:
        limits = replace(limits, in_flight=2, max_bytes=_LARGEST_RESULT)
    adapter: Source = type(
        "BuiltWithInBatches", (BuiltWith,), {"__doc__": BuiltWith.__doc__, "limits": limits}
    )()
    return adapter


def _question(subject: Subject) -> dict[str, str]:
    return {"LOOKUP": subject.domain} if subject.domain else {}


def _version(call: Call) -> str:
    """The number of the API version to ask."""
    found = _VERSION.fullmatch(str(call.settings.get("version") or VERSION).strip().lower())
    if not found:
        raise SourceRefused("BuiltWith's setting 'version' is not a number: write it like 22")
    return found[1]


def _raise_for_pause(payload: Payload) -> None:
    """Raise RateLimited when only the body says how long the pause is."""
    if payload.status == 429 and retry_after(payload) is None and (seconds := _pause(payload)):
        raise RateLimited("api.builtwith.com asks for a pause (429)", retry_after=seconds)


def _pause(payload: Payload) -> float | None:
    """The seconds of the pause that a body asks for, at least 1."""
    try:
        seconds = read_object(payload).get("retryAfterSeconds")
    except PayloadChanged:
        return None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    return max(float(seconds), 1.0) if 0 < seconds <= 86_400 else None
