"""Does a key work? The questions of vendors that cost nothing, and what their answers say is left."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jmespath
from jmespath.exceptions import JMESPathError

from sources.contract import Http, KeyCheck, Payload, Source
from sources.errors import PayloadChanged
from sources.vendors.json_answers import raise_for_status, read_json

_BEARER = MappingProxyType({"Authorization": "Bearer {key}"})
_HUNTER = KeyCheck(
    path="account", headers={"X-API-KEY": "{key}"}, left="data.requests.searches.available",
    used="data.requests.searches.used", unit="searches",
)  # fmt: skip

KNOWN: Mapping[str, KeyCheck] = {
    "ai_research": KeyCheck(path="models", headers=_BEARER),
    "apollo": KeyCheck(
        path="usage_stats/credit_usage_stats", headers={"x-api-key": "{key}"}, body={},
        left="credit_usage_stats.lead_credit.left_over", unit="lead credits",
    ),
    "builtwith": KeyCheck(path="usagev2/api.json", headers={"Authorization": "API {key}"}, left="remaining"),
    "ceo_email": _HUNTER,
    "companies_house": KeyCheck(
        path="search/companies?q=a&items_per_page=1", headers={"Authorization": "Basic {basic}"}
    ),
    "enrich_layer": KeyCheck(path="credit-balance", headers=_BEARER, left="credit_balance"),
    "github_organization": KeyCheck(
        path="rate_limit", headers=_BEARER, left="resources.core.remaining", unit="questions this hour"
    ),
    "hunter": _HUNTER,
    # A company that does not exist is no match, which is free.
    "people_data_labs": KeyCheck(
        path="company/enrich?website=nobody.invalid", headers={"X-API-Key": "{key}"}, statuses=frozenset({200, 404})
    ),
}  # fmt: skip
"""By slug; an adapter that declares its own `key_check` needs no entry."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The key works; `left` of `unit` is what the vendor says is left, None when it does not say."""

    left: int | None
    unit: str


def check_of(adapter: Source) -> KeyCheck | None:
    """The free question of an adapter; None when its vendor has none that we know of."""
    return adapter.key_check or KNOWN.get(adapter.slug)


def ask(check: KeyCheck, key: str, http: Http) -> Accepted:
    """Put the question. Raises SourceError: the key is refused, or nothing can be said."""
    told = {"key": key, "basic": base64.b64encode(f"{key}:".encode()).decode()}
    headers = {name: text.format_map(told) for name, text in check.headers.items()}
    if check.body is None:
        payload = http.get(check.path, headers=headers)
    else:
        payload = http.post(check.path, json=check.body, headers=headers)
    if payload.status not in check.statuses:
        raise_for_status(payload)
        raise PayloadChanged(f"the question about the key was answered with status {payload.status}")
    return Accepted(_left(check, payload), check.unit)


def _left(check: KeyCheck, payload: Payload) -> int | None:
    """What is left; None when the answer does not say it as it did."""
    if not check.left:
        return None
    try:
        answer = read_json(payload)
        there = jmespath.search(check.left, answer)
        used = jmespath.search(check.used, answer) if check.used else 0
    except (PayloadChanged, JMESPathError):
        return None
    numbers = [int(each) for each in (there, used) if isinstance(each, int | float) and each is not True]
    return numbers[0] - numbers[1] if len(numbers) == 2 else None
