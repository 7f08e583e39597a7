"""DNS records and addresses."""

from __future__ import annotations

import socket
import threading
import time

import dns.rcode
import pytest

from sources.dns import addresses, records
from sources.errors import AddressRefused, SourceUnavailable, Unreachable
from tests.sources.servers import resolving

ZONE = {
    ("acme.example", "MX"): ["10 aspmx.l.google.com.", "20 alt1.aspmx.l.google.com."],
    ("acme.example", "TXT"): ['"v=spf1 include:_spf.google.com " "~all"', '"sch\\195\\182n"'],
}


@pytest.fixture
def server():
    with resolving(ZONE) as address:
        yield address


def test_mx_records_are_read(server):
    assert records("acme.example", "MX", servers=[server]) == (
        "10 aspmx.l.google.com.",
        "20 alt1.aspmx.l.google.com.",
    )


def test_the_strings_of_a_txt_record_are_joined_and_decoded(server):
    assert set(records("acme.example", "TXT", servers=[server])) == {
        "v=spf1 include:_spf.google.com ~all",
        "schön",
    }


def test_no_such_name_and_no_such_kind_are_no_records(server):
    assert records("other.example", "MX", servers=[server]) == ()
    assert records("acme.example", "AAAA", servers=[server]) == ()


def test_a_failing_server_is_unavailable():
    with (
        resolving({}, rcode=dns.rcode.SERVFAIL) as server,
        pytest.raises(SourceUnavailable, match=r"MX.*acme\.example"),
    ):
        records("acme.example", "MX", servers=[server], deadline=1)


def test_a_silent_server_ends_at_the_deadline():
    started = time.monotonic()
    with resolving({}, silent=True) as server, pytest.raises(SourceUnavailable, match=r"in 0\.5 s"):
        records("acme.example", "MX", servers=[server], deadline=0.5)
    assert time.monotonic() - started < 4


def test_inner_names_are_not_asked_about(server):
    with pytest.raises(AddressRefused):
        records("db.internal", "TXT", servers=[server])


def test_addresses_come_from_the_system_without_repeats(monkeypatch):
    found = [(2, 1, 6, "", ("93.184.215.14", 0)), (10, 1, 6, "", ("2606:4700::1", 0, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found + found)
    assert addresses("acme.example", deadline=1) == ("93.184.215.14", "2606:4700::1")


def test_a_name_without_address_is_unreachable(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unreachable, match=r"acme\.example"):
        addresses("acme.example", deadline=1)


def test_a_slow_resolver_ends_at_the_deadline(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: threading.Event().wait(4) or [])
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="in time"):
        addresses("acme.example", deadline=0.2)
    assert time.monotonic() - started < 3
