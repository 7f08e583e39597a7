"""Servers that misbehave: each call ends in time, in bounded memory, with a payload or one sentence."""

from __future__ import annotations

import datetime
import gzip
import json
import ssl
import threading
import time
import tracemalloc
import zlib
from contextlib import ExitStack, suppress

import pytest
import trustme

from sources.errors import SourceUnavailable
from sources.http import Client
from tests.sources.servers import reply, serving

DEADLINE = 0.6
SLACK = 2.5  # seconds; a few tenths on a quiet machine
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
MEGABYTE_OF_ZEROS = zlib.compressobj(9, zlib.DEFLATED, -15)
ZEROS = MEGABYTE_OF_ZEROS.compress(bytes(1_000_000)) + MEGABYTE_OF_ZEROS.flush(zlib.Z_FULL_FLUSH)
BOMB = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + ZEROS * 1_000
"""A gzip body of about 1 MB that unpacks to 1 GB."""


def drip(start: bytes, piece: bytes, every: float):
    """Answer with `start`, then with `piece` again and again."""

    def answer(connection, _):
        connection.sendall(start)
        until = time.monotonic() + 10
        with suppress(OSError):
            while time.monotonic() < until:
                connection.sendall(piece)
                time.sleep(every)

    return answer


def flood(start: bytes, size: int):
    """Answer with `start`, then with `size` bytes, then close."""

    def answer(connection, _):
        with suppress(OSError):
            connection.sendall(start)
            for _ in range(size // 100_000):
                connection.sendall(b"x" * 100_000)

    return answer


def closing(data: bytes):
    """Answer with `data`, then close."""

    def answer(connection, _):
        connection.sendall(data)

    return answer


TOO_MUCH, LATE, BROKEN = "more than", "did not finish its answer within 0.6 s", "broke off|cannot be unpacked"

ENDS_WITH_AN_ERROR = {
    "gzip-nested": (reply(b"x", Content_Encoding="gzip, gzip, gzip"), "packed its answer"),
    "zstd-bomb": (reply(b"x", Content_Encoding="zstd"), "packed its answer"),
    "gzip-lie": (reply(b"hello", Content_Encoding="gzip"), "cannot be unpacked"),
    "gzip-cut": (reply(gzip.compress(b"hello" * 100)[:-12], Content_Encoding="gzip"), "cannot be unpacked"),
    "chunk-size-bad": (closing(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), BROKEN),
    "chunk-size-huge": (closing(HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\nab"), BROKEN),
    "chunk-size-negative": (closing(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nab"), BROKEN),
    "chunk-ext-huge": (
        flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", 10_000_000),
        f"{BROKEN}|{TOO_MUCH}",
    ),
    "header-drip": (drip(HEAD + b"X: ", b"x", 0.1), LATE),
    "headers-huge": (flood(HEAD + b"X: ", 10_000_000), "broke off|too many headers"),
    "headers-many": (drip(HEAD, b"X: y\r\n", 0), "broke off|too many headers"),
    "body-drip": (drip(HEAD + b"\r\n", b"x", 0.3), LATE),
    "body-drip-fast": (drip(HEAD + b"\r\n", b"x", 0.05), LATE),
    "100-forever": (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), LATE),
    "100-flood": (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, 0), "too many headers"),
    "status-none": (closing(b"<title>x</title>"), BROKEN),
    "http09": (closing(b"<html>hello</html>\n"), BROKEN),
    "length-two": (closing(HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello12"), BROKEN),
    "length-too-long": (closing(HEAD + b"Content-Length: 1000\r\n\r\n0123456789"), BROKEN),
    "no-answer": (closing(b""), BROKEN),
    "silence": (drip(b"", b"", 0.2), LATE),
}


def client(*hosts: str, **settings) -> Client:
    given = {
        "user_agent": "Footnote test",
        "deadline": DEADLINE,
        "resolver": lambda host, seconds: ("127.0.0.1",),
    }
    return Client(**{**given, "allow": frozenset(hosts), **settings})


@pytest.mark.parametrize("name", ENDS_WITH_AN_ERROR)
def test_ends_with_an_error_in_time(name):
    answer, sentence = ENDS_WITH_AN_ERROR[name]
    with serving(answer) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match=sentence):
            client(server.netloc).get(server.url)
        assert time.monotonic() - started < DEADLINE + SLACK


def test_the_next_call_does_not_see_the_rest_of_a_broken_answer():
    answers = iter(
        [HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nHTTP/1.1 500 No\r\n\r\n", reply(b"good")]
    )

    def answer(connection, _):
        connection.sendall(next(answers))

    with serving(answer) as server:
        http = client(server.netloc)
        with pytest.raises(SourceUnavailable):
            http.get(server.url)
        assert http.get(server.url).body == b"good"


def test_a_negative_length_is_read_to_the_close():
    with serving(closing(HEAD + b"Content-Length: -1\r\n\r\nhello")) as server:
        assert client(server.netloc).get(server.url).body == b"hello"


def test_many_early_hints_end_in_a_payload_or_an_error():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000
    with serving(closing(hints + reply(b"ok"))) as server, suppress(SourceUnavailable):
        assert client(server.netloc).get(server.url).status in (103, 200)


@pytest.mark.parametrize(
    ("answer", "most"),
    [
        (reply(BOMB, Content_Encoding="gzip"), 5_000_000),
        (flood(HEAD + b"\r\n", 50_000_000), 2_000_000),
        (flood(HEAD + b"Content-Length: 50000000\r\n\r\n", 50_000_000), 2_000_000),
    ],
    ids=["gzip-1000", "type-image", "robots-huge"],
)
def test_what_is_too_large_is_cut_on_websites_and_refused_elsewhere(answer, most):
    with serving(answer) as server:
        tracemalloc.start()
        body = client(server.netloc, follow_redirects=True, deadline=5).get(server.url).body
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(body) == most
        assert peak < 50_000_000
        with pytest.raises(SourceUnavailable, match="more than"):
            client(server.netloc, deadline=5).get(server.url)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls_error(cert: trustme.LeafCert, ca: trustme.CA, *, oldest_only: bool = False) -> str:
    """The sentence a call to acme.example ends with when the server shows `cert`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    with ExitStack() as stack:
        if oldest_only:
            with pytest.warns(DeprecationWarning):
                context.maximum_version = ssl.TLSVersion.TLSv1
        server = stack.enter_context(serving(reply(b"secret"), tls=context))
        ca_file = stack.enter_context(ca.cert_pem.tempfile())
        host = f"acme.example:{server.port}"
        with pytest.raises(SourceUnavailable, match="no secure connection") as caught:
            client(host, ca_file=ca_file).get(f"https://{host}/")
        assert server.heads == []
    return str(caught.value)


def test_tls_certificate_of_another_name(authority):
    assert "Hostname mismatch" in tls_error(authority.issue_cert("other.example"), authority)


def test_tls_expired_certificate(authority):
    past = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)
    cert = authority.issue_cert("acme.example", not_before=past - datetime.timedelta(1), not_after=past)
    assert "expired" in tls_error(cert, authority)


def test_tls_unknown_authority(authority):
    assert "certificate" in tls_error(trustme.CA().issue_cert("acme.example"), authority)


def test_tls_too_old(authority):
    assert "PROTOCOL" in tls_error(authority.issue_cert("acme.example"), authority, oldest_only=True)


def test_tls_handshake_that_stalls():
    def stall(connection, _):
        time.sleep(5)

    with serving(stall) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match=LATE):
            client(server.netloc).get(f"https://{server.netloc}/")
    assert time.monotonic() - started < DEADLINE + SLACK


def test_a_slow_name_server_ends_at_the_deadline(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: threading.Event().wait(5) or [])
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="in time"):
        client(resolver=None).get("http://slow.example/")
    assert time.monotonic() - started < DEADLINE + SLACK


ELSEWHERE = {
    "test_http.py": {"happy-eyeballs", "redirect-slow"},
    "this file, by its own test": {
        *(
            "gzip-1000",
            "length-negative",
            "103-many",
            "tls-wrong-host",
            "tls-expired",
            "tls-unknown-ca",
            "tls-old",
        ),
        *("tls-stall", "slow-dns", "type-image"),
    },
    "adapters/test_company_website_fetch.py and its neighbour": {
        *("robots-500", "robots-huge", "robots-redirect-inner", "type-none", "type-octet", "type-pdf"),
    },
    "nothing to test: never fetched": {"sitemap-inner", "infinite-pagination"},
    "the limits of the engine": {"same-ip-1000"},
}


def test_every_behaviour_of_the_corpus_has_its_test(shared):
    lines = (shared / "corpora" / "http-behaviours" / "behaviours.jsonl").read_text().splitlines()
    names = {json.loads(line)["name"] for line in lines}
    assert names <= set(ENDS_WITH_AN_ERROR).union(*ELSEWHERE.values())
