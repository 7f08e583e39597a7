"""Connections that never become one: certificates that prove nothing, handshakes and name servers that take their time."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import trustme

from tests.torture.corpus_source import CorpusSource
from tests.torture.misbehaviour import Came, Case, stage

FAULTS = ("tls-unknown-ca", "tls-wrong-host", "tls-expired", "tls-stall")
SLOW_NAMES = "slow-dns"


def insecure(fault: str) -> Iterator[Came]:
    """What comes of a question, paid and free, to a server that nobody proves to be the vendor."""
    context = None if fault == "tls-stall" else _context(fault)
    with stage(CorpusSource(), tls=context, scheme="https") as ours:
        for cost in (2, 0):
            came = ours.try_(_case(fault), cost=cost)
            assert ours.next == b"", "the server read a request, and with it the key"
            yield came


def unnamed() -> Iterator[Came]:
    """What comes of a question, paid and free, while the name server does not answer."""
    with stage(CorpusSource()) as ours:
        os.environ["CORPUS_BASE_URL"] = "http://slow.example.com"
        with mock.patch("socket.getaddrinfo", _never):
            for cost in (2, 0):
                yield ours.try_(_case(SLOW_NAMES), cost=cost)


def _never(*asked: object, **how: object) -> list[object]:
    threading.Event().wait(5)
    return []


def _case(name: str) -> Case:
    return Case(corpus="http-behaviours", name=name, answer=b"", expected="no answer", recovers=False)


def _context(fault: str) -> ssl.SSLContext:
    authority, past = trustme.CA(), datetime(2020, 1, 2, tzinfo=UTC)
    if fault == "tls-expired":
        certificate = authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=1), not_after=past)
    else:
        certificate = authority.issue_cert("other.example" if fault == "tls-wrong-host" else "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
