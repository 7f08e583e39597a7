"""What statuses, rate headers and doubtful JSON of vendors mean."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sources.contract import Payload
from sources.errors import (
    NotAllowed,
    PayloadChanged,
    RateLimited,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from sources.vendors.json_answers import (
    count,
    mapping,
    mappings,
    raise_for_status,
    read_json,
    read_object,
    retry_after,
    text,
    texts,
)

NOW = "Wed, 21 Oct 2015 07:28:00 GMT"
NOW_EPOCH = 1445412480


def payload(status: int = 200, body: bytes = b"{}", **headers: str) -> Payload:
    kept = {name.replace("_", "-"): value for name, value in headers.items()}
    return Payload(status=status, body=body, url="https://api.acme.example/v1/x", headers=kept)


@pytest.mark.parametrize("status", [200, 201, 203, 204])
def test_success_passes(status):
    said = payload(status)
    raise_for_status(said)
    assert read_object(said) == {}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (202, PayloadChanged),
        (206, PayloadChanged),
        (302, PayloadChanged),
        (400, PayloadChanged),
        (401, SourceRefused),
        (402, SourceRefused),
        (403, SourceRefused),
        (404, PayloadChanged),
        (409, SourceUnavailable),
        (422, PayloadChanged),
        (429, RateLimited),
        (451, NotAllowed),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
        (529, SourceUnavailable),
    ],
)
def test_each_status_has_its_error(status, error):
    with pytest.raises(SourceError) as caught:
        raise_for_status(payload(status))
    assert type(caught.value) is error
    assert "api.acme.example" in str(caught.value)
    assert str(status) in str(caught.value)


def test_a_limit_may_hide_behind_403_and_503():
    for limited in (
        payload(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(NOW_EPOCH + 90), date=NOW),
        payload(403, retry_after="90"),
        payload(503, retry_after="90"),
    ):
        with pytest.raises(RateLimited) as caught:
            raise_for_status(limited)
        assert caught.value.retry_after == 90
    with pytest.raises(SourceRefused):
        raise_for_status(payload(403, x_ratelimit_remaining="12"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "120"}, 120),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "9" * 5_000}, None),
        ({"retry_after": "Wed, 21 Oct 2015 07:30:00 GMT", "date": NOW}, 120),
        ({"retry_after": "Wed, 21 Oct 2015 07:00:00 GMT", "date": NOW}, 1),
        ({"retry_after": "Wed, 21 Oct 2015 07:30:00 GMT"}, None),
        ({"retry_after": "Wed, 99 Oct 99999999999 07:30:00 GMT", "date": NOW}, None),
        ({"x_ratelimit_reset": "30"}, 30),
        ({"ratelimit_reset": "30"}, 30),
        ({"x_ratelimit_reset": str(NOW_EPOCH + 60), "date": NOW}, 60),
        ({"x_ratelimit_reset": str((NOW_EPOCH + 60) * 1000), "date": NOW}, 60),
        ({"x_ratelimit_reset": str(NOW_EPOCH + 60)}, None),
        ({"x_ratelimit_reset": "2015-10-21T07:29:00Z", "date": NOW}, 60),
        ({"x_ratelimit_reset": "2015-10-21T07:29:00", "date": NOW}, None),
        ({"x_ratelimit_reset": "2015-10-21T07:29:00Z"}, None),
        ({"retry_after": "5", "x_ratelimit_reset": "60"}, 5),
    ],
)
def test_the_pause_that_headers_ask_for(headers, seconds):
    assert retry_after(payload(429, **headers)) == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"name":"Ac',
        b"{'name':'Acme'}",
        b'{"name":NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" + b"9" * 5_000 + b"]",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"\xff\xfe\xfd",
        b'callback({"name":"Acme"})',
    ],
)
def test_what_is_not_proper_json_is_a_changed_payload(body):
    with pytest.raises(PayloadChanged, match=r"api\.acme\.example"):
        read_json(payload(body=body))


def test_the_parsing_corpus(shared):
    lines = (shared / "corpora/vendor-bodies/json-parsing.jsonl").read_text(encoding="utf-8").splitlines()
    wrong = []
    for line in lines:
        case = json.loads(line)
        try:
            read_json(payload(body=base64.b64decode(case["body_base64"])))
            came = "parse"
        except PayloadChanged:
            came = "refuse"
        if case["must"] not in (came, "either"):
            wrong.append(case["name"])
    assert len(lines) > 100
    assert not wrong


def test_an_object_with_its_keys():
    assert read_object(payload(body=b'\xef\xbb\xbf{"a": null}'), "a") == {"a": None}
    for body in (b"[]", b"null", b"0", b'""', b"false"):
        with pytest.raises(PayloadChanged, match="not an object"):
            read_object(payload(body=body))
    with pytest.raises(PayloadChanged, match="without 'data'"):
        read_object(payload(body=b'{"error": "insufficient credits"}'), "data")


def test_values_of_other_types_are_empty():
    values: tuple[Any, ...] = ("  Acme\n Ltd ", "N/A", "unknown", None, True, 1.5, [], {}, 3571)
    assert [text(value) for value in values] == ["Acme Ltd", "", "", "", "", "", "", "", "3571"]
    assert text("a\x00b\ud83d") == "ab"
    assert texts(["a", None, "", "a", {}, "b"]) == ["a", "b"]
    assert texts("ab") == []
    assert mapping([1]) == {}
    assert mappings([{"a": 1}, None, "x"]) == [{"a": 1}]
    assert mappings({"a": {}}) == []


def test_counts_above_zero():
    assert [count(value) for value in (5, 120.0, "51-200", "10,001+")] == [5, 120, "51-200", "10,001+"]
    unknown: tuple[Any, ...] = (0, -1, 0.0, 1.5, True, None, "", "0", "-1", "N/A", [], {})
    for nothing in unknown:
        assert count(nothing) is None
