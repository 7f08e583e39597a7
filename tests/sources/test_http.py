"""The client: what it sends, what it gives back, and where it refuses to go."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from sources import http_connection
from sources.errors import AddressRefused, SourceUnavailable, Unreachable
from sources.http import Client
from tests.sources.servers import reply, serving


def client(*hosts: str, **settings) -> Client:
    """A client that may reach `hosts` (host:port) on this machine; names resolve to it."""
    given = {"user_agent": "Footnote test", "deadline": 5.0, "resolver": lambda host, seconds: ("127.0.0.1",)}
    return Client(**{**given, "allow": frozenset(hosts), **settings})


# ------------------------------------------------------------------ requests and answers


def test_any_status_is_a_payload():
    with serving(reply(b'{"error": "x"}', "402 Payment Required", Retry_After="7")) as server:
        payload = client(server.netloc).get(f"{server.url}/x?q=1")
    assert (payload.status, payload.body, payload.url) == (402, b'{"error": "x"}', f"{server.url}/x?q=1")
    assert payload.headers["retry-after"] == "7"


def test_the_request_names_us_and_asks_for_gzip_only():
    with serving(reply()) as server:
        client(server.netloc).get(f"{server.url}/a", params={"q": "ü b"}, headers={"Accept": "text/html"})
    head = server.heads[0].decode()
    assert head.startswith("GET /a?q=%C3%BC+b HTTP/1.1\r\n")
    assert "User-Agent: Footnote test\r\n" in head
    assert "Accept-Encoding: gzip, identity\r\n" in head
    assert "Accept: text/html\r\n" in head


def test_post_sends_json():
    with serving(reply(b"{}")) as server:
        client(base_url=f"{server.url}/v1/", allow=frozenset({server.netloc})).post(
            "/people", json={"name": "Zoë"}
        )
    head, _, body = server.heads[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/people HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"name": "Zoë"}


def test_keys_go_to_the_base_url_only():
    with serving(reply()) as home, serving(reply()) as other:
        http = client(home.netloc, other.netloc, base_url=home.url, headers={"X-Api-Key": "secret"})
        http.get("/x")
        http.get(f"{other.url}/x")
    assert b"X-Api-Key: secret" in home.heads[0]
    assert b"secret" not in other.heads[0]


def test_keys_without_a_base_url_are_a_mistake():
    with pytest.raises(ValueError, match="base_url"):
        client(headers={"X-Api-Key": "secret"})


def test_the_url_of_a_payload_holds_no_keys():
    with serving(reply()) as server:
        payload = client(server.netloc).get(f"{server.url}/x", params={"api_key": "s3cret", "q": "a b"})
    assert payload.url == f"{server.url}/x?q=a+b"
    assert b"s3cret" in server.heads[0]


def test_parameters_may_be_longer_than_an_address_of_a_stranger():
    with serving(reply()) as server:
        payload = client(server.netloc).get(
            f"{server.url}/x?a=b", params={"query": "SELECT " * 1_000, "keyword": "k"}
        )
    assert payload.url.startswith(f"{server.url}/x?a=b&query=SELECT+SELECT+")
    assert payload.url.endswith("&keyword=k")
    assert len(server.heads[0]) > 7_000


def test_cookies_are_neither_kept_nor_shown():
    with serving(reply(Set_Cookie="a=b; Path=/")) as server:
        http = client(server.netloc)
        payloads = [http.get(server.url), http.get(server.url)]
    assert "set-cookie" not in payloads[0].headers
    assert b"Cookie" not in server.heads[1]


def test_proxies_and_password_files_of_the_machine_are_not_used(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password s3cret")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(reply()) as server:
        assert client(server.netloc).get(server.url).status == 200
    assert b"Authorization" not in server.heads[0]


def test_gzip_is_unpacked():
    with serving(reply(gzip.compress(b"hello" * 1_000), Content_Encoding="gzip")) as server:
        payload = client(server.netloc).get(server.url)
    assert payload.body == b"hello" * 1_000
    assert "content-encoding" not in payload.headers


def test_a_connection_is_used_again():
    def chunked(connection, _):
        while True:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
            if not connection.recv(65_536):
                return

    for answer in (reply(b"ok"), chunked):
        with serving(answer) as server:
            http = client(server.netloc)
            assert [http.get(server.url).body for _ in range(5)] == [b"ok"] * 5
        assert server.connections == 1


def test_threads_share_the_client():
    with serving(reply(b"ok")) as server:
        http = client(server.netloc)
        with ThreadPoolExecutor(16) as pool:
            bodies = list(pool.map(lambda _: http.get(server.url).body, range(200)))
    assert bodies == [b"ok"] * 200
    assert server.connections <= 16


# ------------------------------------------------------------------ redirects


def hops(*locations: str):
    """Answer the first requests with redirects to `locations`, then with a page."""
    left = list(locations)

    def answer(connection, _):
        if left:
            connection.sendall(reply(b"", "302 Found", Location=left.pop(0), Connection="close"))
        else:
            connection.sendall(reply(b"page", Connection="close"))

    return answer


def test_websites_may_redirect():
    with (
        serving(reply(b"page")) as last,
        serving(hops("/a", "b", f"//acme.example:{last.port}/c?d=e#f")) as first,
    ):
        http = client(first.netloc, f"acme.example:{last.port}", follow_redirects=True)
        payload = http.get(first.url, headers={"X-Own": "1"})
    assert (payload.body, payload.url) == (b"page", f"http://acme.example:{last.port}/c?d=e")
    assert [head.split()[1] for head in first.heads] == [b"/", b"/a", b"/b"]
    assert b"X-Own" in first.heads[2]
    assert b"X-Own" not in last.heads[0]


def test_five_redirects_are_the_most():
    with serving(hops(*["/x"] * 5)) as server:
        assert client(server.netloc, follow_redirects=True).get(server.url).body == b"page"
    with serving(hops(*["/x"] * 6)) as server, pytest.raises(SourceUnavailable, match="more than 5"):
        client(server.netloc, follow_redirects=True).get(server.url)


def test_an_api_redirect_is_returned_not_followed():
    with serving(hops("http://elsewhere.example/")) as server:
        payload = client(server.netloc, base_url=server.url, headers={"X-Api-Key": "k"}).get("/x")
    assert (payload.status, payload.headers["location"]) == (302, "http://elsewhere.example/")


def test_a_redirect_without_location_and_use_proxy_are_answers():
    for status, location in (
        ("302 Found", ""),
        ("305 Use Proxy", "http://127.0.0.1:9/"),
        ("304 Not Modified", "/"),
    ):
        with serving(reply(b"", status, Location=location)) as server:
            payload = client(server.netloc, follow_redirects=True).get(server.url)
        assert payload.status == int(status[:3])


def test_hops_share_one_deadline():
    def slow(connection, _):
        time.sleep(0.9)
        connection.sendall(reply(b"", "302 Found", Location="/again", Connection="close"))

    with serving(slow) as server:
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match="within 1 s"):
            client(server.netloc, follow_redirects=True, deadline=1).get(server.url)
    assert time.monotonic() - started < 4  # six hops take 5.4 s


# ------------------------------------------------------------------ addresses


def test_an_inner_server_is_never_connected_to():
    with serving(reply()) as server:
        for url in (
            server.url,
            f"http://localhost:{server.port}/",
            "http://127.0.0.1/",
            "http://acme.example/",
        ):
            with pytest.raises(AddressRefused):
                client().get(url)
    assert server.connections == 0


def chains(shared, port: int):
    """(start paths, last location) of each redirect row, with the start on a host that is allowed."""
    for line in (shared / "corpora" / "ssrf" / "redirects.jsonl").read_text().splitlines():
        for hop in json.loads(line).get("chain", []):
            if "hop" not in hop["location"]:
                yield hop["location"].replace("{port}", str(port)).replace("public.test", "public.example")


def test_redirects_to_inner_addresses_are_refused_before_connecting(shared):
    with serving(reply()) as inner:
        for location in chains(shared, inner.port):
            with serving(hops("/hop", location)) as server:
                http = client(f"public.example:{server.port}", follow_redirects=True)
                with pytest.raises(AddressRefused):
                    http.get(f"http://public.example:{server.port}/")
    assert inner.connections == 0


def test_a_name_is_resolved_once_and_every_answer_must_be_public(shared, monkeypatch):
    tried: list[str] = []

    def refuse(sock, address, port):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(http_connection, "connect", refuse)
    for line in (shared / "corpora" / "ssrf" / "dns-answers.jsonl").read_text().splitlines():
        row = json.loads(line)
        lookups = [[a for a in answers if "CNAME" not in a] for answers in row.get("answers_per_lookup", [])]
        asked = iter([answers for answers in lookups if answers] or [["2606:4700::1"]])
        tried.clear()
        with pytest.raises((AddressRefused, Unreachable)):
            client(resolver=lambda host, seconds, asked=asked: next(asked)).get(
                f"http://{row['id']}.example/"
            )
        inner = row["expect"].removeprefix("0 connections to ")
        assert inner not in tried, row
        assert set(tried) <= {"93.184.215.14", "2606:4700::1"}, row


def test_the_other_end_is_compared_with_the_checked_address(monkeypatch):
    with serving(reply()) as inner:
        real = http_connection.connect
        monkeypatch.setattr(
            http_connection, "connect", lambda sock, address, port: real(sock, "127.0.0.1", inner.port)
        )
        with pytest.raises(AddressRefused, match=r"instead of 93\.184\.215\.14"):
            client(resolver=lambda *_: ["93.184.215.14"]).get("http://acme.example/")
    assert inner.heads == []


def test_nobody_listening_is_unreachable():
    with serving(reply()) as server:
        pass
    with pytest.raises(Unreachable, match=r"takes no connection"):
        client(server.netloc).get(server.url)


def test_the_next_address_is_tried_when_one_is_dead():
    with serving(reply(b"ok")) as server:
        allowed = f"acme.example:{server.port}"
        http = client(allowed, resolver=lambda *_: ["::1", "127.0.0.1"])
        assert http.get(f"http://{allowed}/").body == b"ok"


def test_a_dead_address_leaves_time_for_the_others(monkeypatch):
    waited: list[float] = []

    def hang(sock, address, port):
        waited.append(sock.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(http_connection, "connect", hang)
    with pytest.raises(Unreachable):
        client(resolver=lambda *_: [f"93.184.215.{last}" for last in range(9)], deadline=9).get(
            "http://acme.example/"
        )
    assert len(waited) == http_connection.MAX_ADDRESSES
    assert max(waited) <= 3


# ------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls_server(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def test_tls_is_checked_by_name_while_connecting_by_address(authority):
    context = tls_server(authority.issue_cert("acme.example"))
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    with serving(reply(b"ok"), tls=context) as server, authority.cert_pem.tempfile() as ca_file:
        http = client(f"acme.example:{server.port}", ca_file=ca_file)
        bodies = [http.get(f"https://acme.example:{server.port}/").body for _ in range(3)]
    assert bodies == [b"ok"] * 3
    assert names == ["acme.example"]


# ------------------------------------------------------------------ cost


def test_a_call_costs_little_processor_time():
    with serving(reply(b'{"a": 1}' * 100)) as server:
        http = client(server.netloc)
        http.get(server.url)
        started, begun = time.thread_time(), threading.active_count()
        for _ in range(100):
            http.get(server.url)
        assert (time.thread_time() - started) / 100 < 0.005  # about 0.7 ms on an idle machine
        assert threading.active_count() <= begun
