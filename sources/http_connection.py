"""Connections that reach checked addresses only and end in time: the transport under `sources.http`.

A connection resolves its name once, refuses it unless every answer is public, connects to one of the
addresses it checked, and compares the other end with it. Its deadline and its allowance of bytes are
enforced at each read of the socket, below the parsers, so that nothing a server drips or repeats (a header,
a chunk size, a handshake) outlasts them.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from ipaddress import ip_address
from typing import Any

import certifi
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from sources.errors import AddressRefused, Unreachable
from sources.guard import check_addresses

MAX_HEADERS = 65_536
MAX_ADDRESSES = 4
POOL = 64

Resolver = Callable[[str, float], Sequence[str]]
"""From a host name and the seconds left to its addresses."""

Leaving = Callable[[], None]
"""Called when a request is about to leave, its connection being made; what it raises keeps the request back."""


class TooLarge(Exception):
    """The other side sent more bytes than it may."""


class _Limits:
    """What the two socket classes share: reads and writes within a deadline and an allowance."""

    until = 0.0
    allowance = 0

    def renew(self, until: float, allowance: int) -> None:
        """Begin a request that must end at `until` (monotonic) and may receive `allowance` bytes."""
        self.until, self.allowance = until, allowance
        self.settimeout(_left(until))  # type: ignore[attr-defined]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive, waiting no longer than the deadline; raises TooLarge past the allowance."""
        self.settimeout(_left(self.until))  # type: ignore[attr-defined]
        count: int = super().recv_into(*args, **kwargs)  # type: ignore[misc]
        self.allowance -= count
        if self.allowance < 0:
            raise TooLarge
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Send, waiting no longer than the deadline."""
        self.settimeout(_left(self.until))  # type: ignore[attr-defined]
        count: int = super().send(*args, **kwargs)  # type: ignore[misc]
        return count


class _Socket(_Limits, socket.socket):
    """A plain socket with limits."""


class _TlsSocket(_Limits, ssl.SSLSocket):
    """A TLS socket with limits; its handshake ran under the plain socket's time-out."""


class _Checked:
    """What the two connection classes share: opening, and limits for each request.

    urllib3 sets `timeout` before each request; here it is the time left for the whole exchange.
    """

    host: str
    port: int
    timeout: Any
    sock: Any

    def __init__(self, *args: Any, opener: Opener, max_bytes: int, leaving: Leaving, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opener, self._max_bytes, self._leaving = opener, max_bytes, leaving

    def _new_conn(self) -> socket.socket:
        return self._opener.open(self.host, self.port, time.monotonic() + float(self.timeout))

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; the headers of the answer may have MAX_HEADERS bytes."""
        until = time.monotonic() + float(self.timeout)
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self.sock.renew(until, MAX_HEADERS)
        self._leaving()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        """Read the headers, then allow the bytes of the body and of its framing."""
        sock = self.sock
        answer = super().getresponse()  # type: ignore[misc]
        sock.allowance = self._max_bytes + MAX_HEADERS
        return answer


class _HttpConnection(_Checked, HTTPConnection):
    """A plain connection to a checked address."""


class _HttpsConnection(_Checked, HTTPSConnection):
    """A TLS connection to a checked address; the certificate is checked against the name."""


class Opener:
    """Opens sockets to the checked addresses of a host."""

    def __init__(self, resolver: Resolver, allow: frozenset[str]) -> None:
        self._resolver, self._allow = resolver, allow

    def open(self, host: str, port: int, until: float) -> _Socket:
        """A socket to one public (or exempt) address of `host`, tried in order until `until`.

        Raises AddressRefused, Unreachable, or SourceUnavailable from the resolver.
        """
        found = [host] if _is_literal(host) else self._resolver(host, _left(until))
        addresses = check_addresses(host, port, found, self._allow)[:MAX_ADDRESSES]
        for address in addresses:
            with suppress(OSError):
                return self._connect(host, address, port, until)
        raise Unreachable(f"{host} takes no connection on port {port}")

    def _connect(self, host: str, address: str, port: int, until: float) -> _Socket:
        """Connect to `address`, using at most a third of the time left so that others get their turn."""
        sock = _Socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left(until) / 3)
            connect(sock, address, port)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = sock.getpeername()[0]
            if ip_address(peer) != ip_address(address):
                raise AddressRefused(f"{host} was answered by {peer} instead of {address}")
            sock.renew(until, MAX_HEADERS)
        except BaseException:
            sock.close()
            raise
        return sock


def connect(sock: socket.socket, address: str, port: int) -> None:
    """The one place where a connection is made."""
    sock.connect((address, port))


class _Pools(PoolManager):
    """Connection pools whose connections come from an opener."""

    def __init__(self, *, opener: Opener, max_bytes: int, leaving: Leaving, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        own: dict[str, Any] = {"opener": opener, "max_bytes": max_bytes, "leaving": leaving}
        self._classes = {"http": partial(_HttpConnection, **own), "https": partial(_HttpsConnection, **own)}

    def _new_pool(self, scheme: str, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, *args, **kwargs)
        pool.ConnectionCls = self._classes[scheme]  # type: ignore[assignment]
        return pool


class Transport(HTTPAdapter):
    """The requests adapter over guarded connections: no retries, no proxies, one TLS context."""

    def __init__(self, opener: Opener, *, max_bytes: int, leaving: Leaving, ca_file: str = "") -> None:
        self._pool_settings: dict[str, Any] = {
            "opener": opener,
            "max_bytes": max_bytes,
            "leaving": leaving,
            "ssl_context": _tls_context(ca_file),
        }
        super().__init__(pool_connections=POOL, pool_maxsize=POOL, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:
        """Make the pools; each keeps as many connections as threads may use."""
        self.poolmanager = _Pools(num_pools=connections, maxsize=maxsize, block=block, **self._pool_settings)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Host and scheme only: the TLS context is the same for all, and always verifies."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to add: the TLS context holds the authorities, loaded once."""


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """A verifying client context that makes sockets with limits; `ca_file` adds authorities."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    context.sslsocket_class = _TlsSocket
    return context


def _is_literal(host: str) -> bool:
    """Whether `host`, which passed the guard, is an address: only those end in a digit or hold a colon."""
    return ":" in host or host[-1:].isdigit()


def _left(until: float) -> float:
    """Seconds until `until`; raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
