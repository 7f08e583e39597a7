"""JSON answers of vendors: what a status means, a guarded reading, and values out of doubtful shapes.

An adapter asks about its own statuses first (a 404 that means *not found*), then `raise_for_status`, then
`read_object` or `read_json`. What the helpers for values cannot read is empty, never an error: a field that is
missing, null or of another type is no claim.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from sources.cleaning import is_blank, plain
from sources.contract import Payload
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)

MAX_TEXT = 20_000
"""Characters of one text that are looked at; longer ones are cut before they are cleaned."""

_REFUSALS = {
    401: "does not accept the key",
    402: "wants to be paid: no credit is left",
    403: "does not allow this, or not with this key",
    407: "is behind a proxy that wants a password",
}
_MAY_MEAN_MONEY = frozenset((400, 403, 422, 429))
_MONEY = re.compile(
    r"\bcredits?\b|insufficient[ _](?:quota|funds|balance)|payment required|billing (?:hard )?limit",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(rb"rate limit|rate threshold|too many requests", re.IGNORECASE)
_LONGEST_PAGE = 20_000
_SAYS = ("error", "errors", "details", "detail", "message", "description", "title", "type", "code", "id")
"""Where vendors write what is wrong, the best sentence first."""
_MOST_SAID, _LONGEST_SAID = 40, 200
_BUSY = frozenset((408, 409, 423, 425))
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_REMAINING = ("x-ratelimit-remaining", "x-ratelimit-remain", "x-rate-limit-remaining", "ratelimit-remaining")
_NUMBER = re.compile(r"\d{1,13}(\.\d{1,6})?", re.ASCII)
_EPOCH = 1e9
_EPOCH_IN_MILLISECONDS = 1e11
_SHORTEST_PAUSE = 1.0


def raise_for_status(payload: Payload) -> None:
    """Return for 200 to 204 but 202; otherwise raise what the status means.

    SourceRefused for 401, 402, 403 and 407, and for 400, 422 and 429 that speak of credit · RateLimited for 429, for 503 that says how long, and for 403 when its
    headers say that nothing is left · NotAllowed for 451 · SourceUnavailable for 5xx and for 408, 409, 423, 425
    · PayloadChanged for everything else: a redirect, "accepted", a question that the source does not understand.
    What a status 3xx or 4xx turned away costs nothing.
    """
    status, who = payload.status, _who(payload)
    if status in (200, 201, 203, 204):
        return
    told = complaint(payload)
    if status in _MAY_MEAN_MONEY and _MONEY.search(told):
        raise SourceRefused(f"{who} {_REFUSALS[402]} ({status})")
    if status == 429 or (status == 503 and "retry-after" in payload.headers) or _is_used_up(payload):
        raise RateLimited(f"{who} asks for a pause ({status})", retry_after=retry_after(payload))
    if status in _REFUSALS:
        raise SourceRefused(f"{who} {_REFUSALS[status]} ({status})")
    if status == 451:
        raise NotAllowed(f"{who} must not answer this question for legal reasons (451)")
    error: SourceError
    if status >= 500 or status in _BUSY:
        error = SourceUnavailable(f"{who} could not answer ({status}): ask again later")
    else:
        reason = f": {told}" if told else ", which this version of the adapter does not expect"
        error = PayloadChanged(f"{who} answered {status}{reason}")
    error.is_free = 300 <= status < 500
    raise error


def complaint(payload: Payload) -> str:
    """What the body of an error says, as vendors write it: {"error": "…"}, {"errors": [{"details": "…"}]} …; or ""."""
    try:
        waiting = [json.loads(payload.body)]
    except (ValueError, RecursionError):
        return ""
    for _ in range(_MOST_SAID):
        item = waiting.pop(0) if waiting else None
        if isinstance(item, str) and (shown := text(item)):
            return shown[:_LONGEST_SAID]
        if isinstance(item, list):
            waiting = [*item[:1], *waiting]
        elif isinstance(item, dict):
            waiting = [*(item[name] for name in _SAYS if item.get(name)), *waiting]
    return ""


def retry_after(payload: Payload) -> float | None:
    """Seconds of the pause that the headers ask for, at least 1; None when they do not say.

    `Retry-After` holds seconds or a date (RFC 9110, 10.2.3), the rate headers seconds, an epoch or an ISO time.
    Dates are counted from the answer's own `Date`, since `parse` knows no clock; without it a date says nothing.
    """
    headers = payload.headers
    now = _date(headers.get("date", ""))
    wanted = headers.get("retry-after", "").strip()
    seconds = _number(wanted)
    if seconds is None and (until := _date(wanted)) is not None and now is not None:
        seconds = until - now
    if seconds is None:
        resets = (_reset(headers.get(name, "").strip()) for name in _RESETS)
        seconds = next((_from_now(reset, now) for reset in resets if reset is not None), None)
    return None if seconds is None else max(seconds, _SHORTEST_PAUSE)


def read_json(payload: Payload) -> Any:
    """The JSON value of the body; raises PayloadChanged for HTML, cut or malformed JSON, NaN, infinite numbers,
    numbers of thousands of digits, and nesting deeper than Python reads.
    """
    try:
        return json.loads(payload.body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise PayloadChanged(f"{_who(payload)} sent something that is not proper JSON") from error


def read_object(payload: Payload, *required: str) -> dict[str, Any]:
    """The JSON object of the body, which has the keys `required`; raises PayloadChanged as `read_json`."""
    value = read_json(payload)
    if not isinstance(value, dict):
        raise PayloadChanged(f"{_who(payload)} sent JSON that is not an object")
    if missing := [name for name in required if name not in value]:
        raise PayloadChanged(f"{_who(payload)} sent JSON without '{missing[0]}'")
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects in the list `value`; [] for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """`value` as plain text on one line; "" for blanks such as "N/A" and for what is neither text nor a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    shown = plain(value[:MAX_TEXT])
    return "" if is_blank(shown) else shown


def texts(value: Any) -> list[str]:
    """The distinct texts in the list `value`, in order; [] for anything else."""
    return list(dict.fromkeys(filter(None, map(text, value)))) if isinstance(value, list) else []


def count(value: Any) -> int | str | None:
    """A number of things: a whole number above zero, or a text such as "51-200"; None for the rest.

    Zero and negative numbers are how vendors write *unknown*.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if value > 0 and value == int(value) else None
    found = text(value)
    return None if not found or found.lstrip("-0.") == "" or found.startswith("-") else found


def _who(payload: Payload) -> str:
    """The host that answered, for a sentence."""
    return plain(payload.url[:2_000]).partition("://")[2].partition("/")[0] or "the source"


def _is_used_up(payload: Payload) -> bool:
    """Whether a 403 is a rate limit: some vendors answer so and say it in their headers or in words only."""
    if payload.status != 403:
        return False
    if "retry-after" in payload.headers or _TOO_MANY.search(payload.body[:_LONGEST_PAGE]):
        return True
    return any(payload.headers.get(name, "").strip() == "0" for name in _REMAINING)


def _from_now(reset: float, now: float | None) -> float | None:
    """The seconds until `reset`, which is a number of seconds or an epoch."""
    if reset < _EPOCH:
        return reset
    if now is None:
        return None
    return (reset / 1_000 if reset > _EPOCH_IN_MILLISECONDS else reset) - now


def _number(shown: str) -> float | None:
    return float(shown) if _NUMBER.fullmatch(shown) else None


def _reset(shown: str) -> float | None:
    """The number of a rate header; of an ISO timestamp its epoch."""
    if (number := _number(shown)) is not None:
        return number
    try:
        found = datetime.fromisoformat(shown[:40])
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else None


def _date(shown: str) -> float | None:
    """An HTTP date as seconds since 1970, or None."""
    try:
        found = parsedate_to_datetime(shown)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value
