"""Which addresses may be fetched."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.errors import AddressRefused
from sources.guard import SafeUrl, check_addresses, check_url, follow, is_public

PUBLIC = "93.184.215.14"
NAMES = {"lvh.me": "127.0.0.1", "company.10.0.0.1.nip.io": "10.0.0.1"}
"""Public names with an inner address; every other name in the corpora stands for a public host."""


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    lines = (shared / "corpora" / "ssrf" / name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def judge(url: str) -> SafeUrl:
    """Text, name and address rules together, with names resolved by a table; raises AddressRefused."""
    safe = check_url(url)
    answer = safe.host if is_public(safe.host) else NAMES.get(safe.host, PUBLIC)
    check_addresses(safe.host, safe.port, [answer])
    return safe


@pytest.mark.parametrize("name", ["refuse.jsonl", "refuse-public-list.jsonl"])
def test_hostile_urls_are_refused(shared, name):
    passed = []
    for row in rows(shared, name):
        try:
            judge(row["url"])
        except AddressRefused:
            continue
        passed.append(row["url"])
    assert passed == []


def test_good_urls_are_allowed(shared):
    for row in rows(shared, "allow.jsonl"):
        asked, safe = urlsplit(row["url"]), judge(row["url"])
        host = (asked.hostname or "").encode("idna").decode()
        assert (safe.scheme, safe.host) == (asked.scheme, host.rstrip(".")), row
        assert safe.path_query == (f"{asked.path}?{asked.query}".rstrip("?") or "/"), row


@pytest.mark.parametrize("name", ["addresses-advocate.jsonl", "addresses-ssrf-filter.jsonl"])
def test_published_bad_addresses_are_refused(shared, name):
    for row in rows(shared, name):
        block = ip_network(row["address"])
        for address in (block[0], block[block.num_addresses // 2], block[-1]):
            assert not is_public(address), row


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.0.0.5./",
        "http://[::1]/",
        "http://[::ffff:93.184.215.14]/",
        "http://[64:ff9b::5db8:d70e]/",
        "http://169.254.169.254/latest/",
        "http://100.100.100.200/",
        "http://2130706433/",
        "http://0x7f.0x0.0x0.0x1/",
        "http://localhost/",
        "http://x.internal/",
        "http://intranet/",
        "http://user@acme.example/",
        "http://127.0.0.1\\@acme.example/",
        "http://acme.example:8080/",
        "http://acme.example/a b",
        "http://acme.example/\r\nX: y",
        "http://loc\u00adalhost/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://\uff19\uff13.184.215.14/",
        "ftp://acme.example/",
        "http:///acme.example/",
        "http:acme.example/",
        "https://",
        "",
        "http://acme.example/" + "a" * 2_048,
        "http://-acme.example/",
        "http://acme..example/",
    ],
)
def test_refused(url):
    with pytest.raises(AddressRefused):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "rebuilt"),
    [
        ("HTTP://ACME.example", "http://acme.example/"),
        ("https://acme.example.:443/a?b=c#d", "https://acme.example/a?b=c"),
        ("https://acme.example?b=c", "https://acme.example/?b=c"),
        ("http://acme.example:443/", "http://acme.example:443/"),
        ("https://münchen.example/straße", "https://xn--mnchen-3ya.example/stra%C3%9Fe"),
        ("https://a_b.acme.example/%20", "https://a_b.acme.example/%20"),
        ("http://[2606:4700:4700::1111]/", "http://[2606:4700:4700::1111]/"),
        ("https://93.184.215.14/", "https://93.184.215.14/"),
    ],
)
def test_allowed_and_built_anew(url, rebuilt):
    assert str(check_url(url)) == rebuilt
    assert check_url(rebuilt) == check_url(url)


def test_an_allow_entry_exempts_one_host_and_port():
    allow = frozenset({"localhost:9000", "[::1]:9000"})
    assert check_url("http://localhost:9000/x", allow).authority == "localhost:9000"
    assert check_url("http://[::1]:9000/x", allow).authority == "[::1]:9000"
    assert check_addresses("localhost", 9000, ["127.0.0.1"], allow) == ("127.0.0.1",)
    with pytest.raises(AddressRefused):
        check_url("http://localhost:9001/", allow)
    with pytest.raises(AddressRefused):
        check_addresses("localhost", 9001, ["127.0.0.1"], allow)


def test_one_inner_address_among_the_answers_refuses_them_all():
    with pytest.raises(AddressRefused, match=r"acme\.example leads to '10\.0\.0\.1'"):
        check_addresses("acme.example", 443, [PUBLIC, "10.0.0.1"])


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1%eth0", "", "acme", "1.2.3", "::"])
def test_not_public(address):
    assert not is_public(address)


BASE = SafeUrl("https", "acme.example", 443, "/a/b?c=d")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/x", "https://acme.example/x"),
        ("x", "https://acme.example/a/x"),
        ("../../x", "https://acme.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example/x", "http://other.example/x"),
        ("/\u00c3\u00bc", "https://acme.example/ü"),
    ],
)
def test_redirects_are_joined(location, target):
    assert follow(BASE, location) == target


@pytest.mark.parametrize(
    "location",
    ["http:127.0.0.1/", "file:///etc/hostname", "\\\\127.0.0.1\\x", "javascript:alert(1)", "a b", "/\x00"],
)
def test_redirects_that_are_refused(location):
    with pytest.raises(AddressRefused):
        check_url(follow(BASE, location))


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "http://acme.example/", "//"]))
def test_any_text_is_refused_or_rebuilt_the_same_way(text, start):
    try:
        safe = check_url(start + text)
    except AddressRefused:
        return
    assert str(safe).isascii()
    assert check_url(str(safe)) == safe
