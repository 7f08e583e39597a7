"""HTTP for adapters: guarded addresses, one deadline, bounded bytes; with `sources.dns` the only network code.

Every answer that has a status becomes a Payload; everything else is one SourceError with one sentence.
Nothing is retried here, no cookie is kept, no proxy or password file of the machine is used.
"""

from __future__ import annotations

import json
import re
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from urllib3.exceptions import HTTPError

from sources import dns
from sources.contract import Payload
from sources.errors import SourceError, SourceUnavailable
from sources.guard import SafeUrl, check_url, follow
from sources.http_connection import Leaving, Opener, Resolver, TooLarge, Transport

MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BLOCK = 65_536
# Kept payloads need no headers that speak to browsers only, and no cookies at all.
_NOT_KEPT = frozenset(
    {
        *("set-cookie", "set-cookie2", "content-security-policy", "content-security-policy-report-only"),
        *("permissions-policy", "report-to", "nel", "link", "alt-svc"),
    }
)
_SECRET_NAME = re.compile(r"key$|token|secret|passw|signature|^sig$|auth|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one exchange may use: seconds over all its hops, bytes on the wire, bytes unpacked."""

    deadline: float
    max_bytes: int
    max_unpacked: int
    cut: bool


class Client:
    """The `Http` of one source; threads share it, and its connections are kept for the next call.

    `allow`            `host:port` entries exempt from the rules on public addresses (EGRESS_ALLOW)
    `deadline`         seconds for one call: names, handshakes, redirects and body together
    `max_bytes`        of a body on the wire; `max_unpacked` after decompression
    `base_url`         what relative URLs are relative to, and the only place `headers` (keys) are sent to
    `follow_redirects` website mode: up to five redirects, each checked anew, and a body that is too long is
                       cut; otherwise a redirect is returned as it is and a body that is too long is an error
    `ca_file`          certificates of authorities to trust besides the public ones
    `leaving`          called before each request leaves, from its thread; what it raises keeps the request back
    """

    def __init__(
        self,
        *,
        user_agent: str,
        allow: frozenset[str] = frozenset(),
        deadline: float = 20.0,
        max_bytes: int = 2_000_000,
        max_unpacked: int = 5_000_000,
        resolver: Resolver | None = None,
        base_url: str = "",
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        ca_file: str = "",
        leaving: Leaving = lambda: None,
    ) -> None:
        if headers and not base_url:
            raise ValueError("headers with keys need a base_url: they are sent nowhere else")
        self.allow, self.base_url, self.follow_redirects = allow, base_url, follow_redirects
        self.bounds = Bounds(
            deadline=deadline, max_bytes=max_bytes, max_unpacked=max_unpacked, cut=follow_redirects
        )
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, identity"}
        self._secret_headers = dict(headers or {})
        self._leaving = leaving
        opener = Opener(resolver or _resolve, allow)
        transport = Transport(opener, max_bytes=max_bytes, leaving=leaving, ca_file=ca_file)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, transport)

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Payload:
        """GET `url`, absolute or relative to the base URL; see `sources.contract.Http`."""
        until = time.monotonic() + self.bounds.deadline
        start = target = self._locate(url, params)
        for _ in range(1 + MAX_REDIRECTS):
            # What the caller added for one site is not told to another.
            extra = headers if target.origin == start.origin else None
            payload = self._exchange("GET", target, until, extra or {})
            location = payload.headers.get("location", "")
            if not (self.follow_redirects and payload.status in _REDIRECTS and location):
                return payload
            target = check_url(follow(target, location), self.allow)
        raise SourceUnavailable(f"{start.host} redirects more than {MAX_REDIRECTS} times")

    def post(self, url: str, *, json: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """POST `json` to `url`, without following redirects; as `get`."""
        return self.send(
            url, body=_dump(json), headers={"Content-Type": "application/json", **(headers or {})}
        )

    def send(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Payload:
        """POST `body` as it is, byte for byte, as what was signed must be; otherwise as `post`."""
        until = time.monotonic() + self.bounds.deadline
        return self._exchange("POST", self._locate(url), until, headers, body)

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        """The DNS records of `kind` at `name`; see `sources.dns.records`."""
        self._leaving()
        return dns.records(name, kind, deadline=self.bounds.deadline)

    def close(self) -> None:
        """Close the connections kept for later."""
        self._session.close()

    @cached_property
    def _home(self) -> SafeUrl:
        return check_url(self.base_url, self.allow)

    def _locate(self, url: str, params: Mapping[str, str] | None = None) -> SafeUrl:
        """The checked URL of a call; raises AddressRefused."""
        if not url.startswith(("http://", "https://")) and self.base_url:
            url = f"{self.base_url.rstrip('/')}/{url.lstrip('/')}"
        target = check_url(url, self.allow)
        if not params:
            return target
        # Added after the check, whose limit of length is for addresses that strangers write.
        mark = "&" if "?" in target.path_query else "?"
        return replace(target, path_query=f"{target.path_query}{mark}{urlencode(params)}")

    def _exchange(
        self, method: str, target: SafeUrl, until: float, extra: Mapping[str, str], body: bytes | None = None
    ) -> Payload:
        """One request and its answer; raises SourceError with a sentence that says what went wrong."""
        headers = {**self._headers, **extra}
        if self._secret_headers and target.origin == self._home.origin:
            headers.update(self._secret_headers)
        request = requests.Request(method, str(target), headers=headers, data=body).prepare()
        try:
            answer = self._session.send(
                request,
                stream=True,
                allow_redirects=False,
                timeout=max(until - time.monotonic(), 0.001),
            )
            with answer:
                return _payload(answer, target, self.bounds)
        except SourceError:
            raise
        except (requests.RequestException, HTTPError, TooLarge, OSError, zlib.error, ValueError) as error:
            raise _explain(error, target.host, until, self.bounds) from error


def _payload(answer: requests.Response, target: SafeUrl, bounds: Bounds) -> Payload:
    """The status, headers and unpacked body of an answer."""
    kept = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _NOT_KEPT}
    encoding = kept.pop("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise SourceUnavailable(f"{target.host} packed its answer in a way that was not asked for")
    chunks = answer.raw.stream(_BLOCK, decode_content=False)
    body = _read(chunks, packed="gzip" in encoding, bounds=bounds)
    return Payload(status=answer.status_code, body=body, url=_shown_url(target), headers=kept)


def _read(chunks: Iterable[bytes], *, packed: bool, bounds: Bounds) -> bytes:
    """Join and unpack `chunks`; past a limit, cut what was read or raise TooLarge.

    Memory stays below the bounds whatever the pieces unpack to. Raises zlib.error for a broken body.
    """
    unpacker = zlib.decompressobj(wbits=31) if packed else None
    most = bounds.max_unpacked if packed else bounds.max_bytes
    parts: list[bytes] = []
    wire = size = 0
    try:
        for chunk in chunks:
            wire += len(chunk)
            part = unpacker.decompress(chunk, most - size + 1) if unpacker else chunk
            parts.append(part)
            size += len(part)
            if wire > bounds.max_bytes or size > most:
                raise TooLarge
    except TooLarge:
        if not bounds.cut:
            raise
        return b"".join(parts)[:most]
    if unpacker and wire and not unpacker.eof:
        raise zlib.error("incomplete")
    return b"".join(parts)


def _explain(error: Exception, host: str, until: float, bounds: Bounds) -> SourceUnavailable:
    """The sentence for what the libraries below raised; texts of the other side stay out of it."""
    causes = list(_causes(error))
    if any(isinstance(cause, TooLarge) for cause in causes):
        return SourceUnavailable(f"{host} sent more than {bounds.max_bytes:,} bytes or too many headers")
    if time.monotonic() >= until - 0.01 or any(isinstance(cause, TimeoutError) for cause in causes):
        return SourceUnavailable(f"{host} did not finish its answer within {bounds.deadline:g} s")
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "handshake failed"
            return SourceUnavailable(f"no secure connection to {host}: {reason}")
    if isinstance(error, zlib.error):
        return SourceUnavailable(f"{host} sent an answer that cannot be unpacked")
    return SourceUnavailable(f"{host} broke off the connection or does not speak HTTP properly")


def _causes(error: BaseException) -> Iterable[BaseException]:
    """`error` and what led to it; requests and urllib3 put causes into arguments as well."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < 50:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        near = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting.extend(item for item in near if isinstance(item, BaseException))


def _shown_url(target: SafeUrl) -> str:
    """The URL without parameters that look like keys."""
    path, _, query = str(target).partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _SECRET_NAME.search(name)]
    if len(kept) == len(pairs):
        return str(target)
    return f"{path}?{urlencode(kept)}" if kept else path


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _resolve(host: str, seconds: float) -> tuple[str, ...]:
    return dns.addresses(host, deadline=seconds)
