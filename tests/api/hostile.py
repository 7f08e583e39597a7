"""Requests nobody means well with: bodies, queries, paths and headers for every operation of the description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """One request, as bytes on the wire."""

    path: str
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


QUERY_TEXTS = (
    "%00", "%ff", "%ed%a0%80", "%", "%2", "%E2%80%AE%D9%A1", "%EF%BC%97", "9" * 5000, "-1", "1e9", "1_000", "NaN",
    "Infinity", "9223372036854775808", "x" * 20_000, "[]", "%7B%7D", "a,b,,%20,", "'%20OR%201=1--", "..%2F..%2Fetc",
    "0000-00-00", "2026-02-30", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B14:00", "true&", "%0d%0aSet-Cookie:a=b",
    "f" * 24, "0" * 24, "fake", "*", "__proto__", "created_at", "-pk", "pk__in",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 2**63, -(2**63) - 1, 1e308, 1e-320, "", " ", "\0", "a\0b", "\ud800", "\u202e\u200f",
    "x" * 100_000, "9" * 5000, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "f" * 24, "0" * 24,
    "http://[::1", "https://169.254.169.254/", "a@b", "=1+1", "* * * * *", "1 2 3", [], {}, [[]], [None], [{}], ["\0"],
    [0] * 2000, ["f" * 24] * 2000, {"": ""}, {"\0": 1}, {"__class__": "x"}, {"a": {"b": {"c": [1]}}},
)  # fmt: skip
PATH_WORDS = (
    "f" * 24, "0" * 24, "7" + "f" * 15, "%00" * 24, "%ff", "..", "%2e%2e%2f", "x" * 5000, "%EF%BC%97" * 24,
    "-1", "A" * 24, "%0a", "schema", "0" * 23, "%20", "%F0%9F%92%A9",
)  # fmt: skip
BODIES = (
    b"", b"null", b"[]", b"0", b'""', b"{", b"\xff\xfe", '{"name": "é"}'.encode("utf-16"), b'{"name": "\xe9"}',
    b'\xef\xbb\xbf{"name": "a"}', b'{"name": "\xed\xa0\x80"}', b'{"name": "\\ud800"}', b'{"name": "a\\u0000"}',
    b"[" * 100_000, b'{"a":' * 50_000, b"[" * 45 + b"]" * 45, b'{"name": "a", "name": 1}', b'{"name": NaN}',
    b'{"name": 1e999}', b'{"name": ' + b"9" * 5000 + b"}", b'{"name": -Infinity}', b"{}" + b" " * 100_000, b"{}{}",
    b'{"name": "\x00"}', b"<a/>", b"name=a&name=b", b'{"' + b"k" * 100_000 + b'": 1}', b"\x1f\x8b\x08\x00",
)  # fmt: skip
CONTENT_TYPES = (
    "", "text/plain", "application/json; charset=utf-16", "application/json; charset=bogus", "application/JSON",
    "multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary=" + "x" * 500,
    "application/x-www-form-urlencoded", "application/xml", "a" * 5000, "application/json; boundary=\xff", ";", "/",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"Accept": "image/png"}, {"Accept": "*/*;q=0"}, {"Accept": ";;,/"}, {"Accept": "x" * 5000},
    {"Idempotency-Key": "x" * 300}, {"Idempotency-Key": "\xe9"}, {"Idempotency-Key": ""}, {"Idempotency-Key": "\x7f\x00"},
    {"Content-Length": "-1"}, {"Content-Length": "abc"}, {"Content-Length": ""},
    {"Cookie": "sessionid=%00\xff; csrftoken=\x01"}, {"Authorization": "Basic \xff"}, {"Content-Encoding": "gzip"},
    {"Range": "bytes=5-1"}, {"If-Modified-Since": "never"}, {"If-None-Match": "\""}, {"Accept-Language": "x-" * 500},
    {"X-HTTP-Method-Override": "DELETE"}, {"X-Forwarded-For": "\xff" * 200}, {"Origin": "null"},
    {"x-api-key": ""}, {"x-api-key": "\xff"}, {"x-api-key": "a.b"}, {"x-api-key": "x" * 5000},
)  # fmt: skip


def requests_to(operation: Any, known: dict[str, str]) -> Iterator[Request]:
    """Everything hostile for one operation, to known ids but for those of PATH_WORDS."""
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    place = _filled(operation.path, known)
    for name in names:
        for word in PATH_WORDS:
            yield Request(_filled(operation.path, known | {name: word}), b"{}")
    for query in (f"{name}={text}" for name in _parameters(operation) for text in QUERY_TEXTS):
        yield Request(f"{place}?{query}", b"{}")
    for query in ("%00=1", "&" * 3000, "page=1&page=2", "a[]=1&a[b]=2", "\xff=\xff", "?" * 100):
        yield Request(f"{place}?{quote(query, safe='%&=?[]')}", b"{}")
    for body in BODIES:
        yield Request(place, body)
    for value in VALUES:
        yield Request(place, json.dumps(value).encode())
        for name in _properties(operation):
            yield Request(place, json.dumps({name: value}).encode())
    for content_type in CONTENT_TYPES:
        yield Request(place, b"{}", content_type)
        yield Request(
            place,
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\na\r\n',
            content_type,
        )
    for headers in HEADERS:
        yield Request(place, b"{}", headers=headers)


def _filled(path: str, known: dict[str, str]) -> str:
    for name, text in known.items():
        path = path.replace(f"{{{name}}}", text)
    return path


def _parameters(operation: Any) -> list[str]:
    """The names of an operation's parameters in the query."""
    return [
        each["name"] for each in operation.definition.raw.get("parameters", ()) if each.get("in") == "query"
    ]


def _properties(operation: Any) -> list[str]:
    """The names in an operation's JSON body, also those of the things in its lists."""
    raw = operation.definition.raw.get("requestBody", {}).get("content", {})
    described = raw.get(JSON, {}).get("schema", {})
    components = operation.schema.raw_schema["components"]["schemas"]
    while "$ref" in described:
        described = components[described["$ref"].rpartition("/")[2]]
    return list(described.get("properties", ()))
