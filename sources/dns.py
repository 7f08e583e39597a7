"""Names to addresses and DNS records, each within a deadline; with `sources.http` the only network code."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from functools import cache

import dns.exception
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdtypes.txtbase import TXTBase

from sources.errors import SourceUnavailable, Unreachable
from sources.guard import check_host

_MAX_RECORDS = 100
_MAX_TEXT = 4_096
_PORT = 53


def records(
    name: str, kind: str, *, deadline: float = 10.0, servers: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The records of `kind` (MX, TXT, …) at `name` as text, sorted; () when the name or the kind does not exist.

    The order of records means nothing and changes from answer to answer. The strings of one TXT record are joined. `deadline` is in seconds; `servers` are `address` or
    `address:port`, by default those of this machine. Raises SourceUnavailable when no server answers.
    """
    check_host(name)
    try:
        answer = _resolver(tuple(servers or ())).resolve(name, kind, lifetime=deadline, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except dns.resolver.YXDOMAIN as error:
        raise SourceUnavailable(f"the {kind} records of {name} lead to a name that is too long") from error
    except dns.exception.Timeout as error:
        raise SourceUnavailable(
            f"no name server told the {kind} records of {name} in {deadline:g} s"
        ) from error
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise SourceUnavailable(f"the name servers could not tell the {kind} records of {name}") from error
    return tuple(sorted(_text(record) for record in list(answer)[:_MAX_RECORDS]))


def addresses(host: str, *, deadline: float) -> tuple[str, ...]:
    """The addresses of `host` as this machine resolves names (hosts file included), best first.

    Raises Unreachable when there are none, SourceUnavailable when `deadline` seconds were not enough.
    """
    answers: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
    # The system resolver knows no deadline, so it runs where nobody has to wait for its end.
    threading.Thread(target=_ask_system, args=(host, answers), daemon=True, name=f"dns {host}").start()
    try:
        found = answers.get(timeout=max(deadline, 0.0))
    except queue.Empty as error:
        raise SourceUnavailable(f"no name server told the address of {host} in time") from error
    if not found:
        raise Unreachable(f"the name {host} has no address: check its spelling")
    return found


def _ask_system(host: str, answers: queue.SimpleQueue[tuple[str, ...]]) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        infos = []
    answers.put(tuple(dict.fromkeys(str(info[4][0]) for info in infos)))


@cache
def _resolver(servers: tuple[str, ...]) -> dns.resolver.Resolver:
    """A resolver that asks `servers`, or those this machine is set to."""
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        parts = [server.partition(":") for server in servers]
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(host, int(port or _PORT)) for host, _, port in parts
        ]
    return resolver


def _text(record: dns.rdata.Rdata) -> str:
    """A record as one text; TXT strings are joined as they were split for length only (RFC 7208 §3.3)."""
    if isinstance(record, TXTBase):
        return b"".join(record.strings).decode("utf-8", "replace")[:_MAX_TEXT]
    return record.to_text()[:_MAX_TEXT]
