"""How a company's home page is asked for."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping

import pytest
import trustme

from sources import http_connection
from sources.adapters.company_website import CompanyWebsite
from sources.contract import Call, Payload, Question, Subject
from sources.errors import AddressRefused, NotAllowed, SourceUnavailable, Unreachable
from sources.http import Client
from tests.sources.adapters.pages import page
from tests.sources.servers import reply, serving


class Site:
    """An Http that answers from a table of URLs and remembers what was asked."""

    def __init__(self, answers: Mapping[str, Payload | Exception]) -> None:
        self.answers, self.asked = answers, list[str]()

    def get(self, url: str, *, params=None, headers=None) -> Payload:
        self.asked.append(url)
        answer = self.answers.get(url, Unreachable(f"nobody at {url}"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def ask(site: Site | Client) -> Payload:
    call = Call(questions=[Question(subject=Subject(domain="acme.example"))], wanted={})
    (answer,) = CompanyWebsite().fetch(call, site)  # type: ignore[arg-type]
    return answer


NO_ROBOTS = Payload(status=404, body=b"")
HOME = page("<title>Acme</title>")


def test_robots_txt_is_asked_before_the_page():
    site = Site({"https://acme.example/robots.txt": NO_ROBOTS, "https://acme.example/": HOME})
    assert ask(site) == HOME
    assert site.asked == ["https://acme.example/robots.txt", "https://acme.example/"]


@pytest.mark.parametrize("origin", ["https://www.acme.example", "http://acme.example"])
def test_other_addresses_are_tried_when_nobody_listens(origin):
    assert ask(Site({f"{origin}/robots.txt": NO_ROBOTS, f"{origin}/": HOME})) == HOME


def test_nobody_anywhere_is_unreachable():
    site = Site({})
    with pytest.raises(Unreachable):
        ask(site)
    assert len(site.asked) == 3


@pytest.mark.parametrize("error", [SourceUnavailable("wrong certificate"), AddressRefused("inner")])
def test_other_trouble_leads_to_no_other_address(error):
    site = Site({"https://acme.example/robots.txt": error, "http://acme.example/robots.txt": NO_ROBOTS})
    with pytest.raises(type(error)):
        ask(site)
    assert site.asked == ["https://acme.example/robots.txt"]


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: footnote\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: Footnote\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: *\nDisallow: /admin", True),
        ("<html>not found</html>", True),
        ("", True),
        ("\x00\xff Disallow", True),
    ],
)
def test_robots_txt_is_obeyed(rules, allowed):
    robots = Payload(status=200, body=rules.encode("latin-1"))
    site = Site({"https://acme.example/robots.txt": robots, "https://acme.example/": HOME})
    if allowed:
        assert ask(site) == HOME
    else:
        with pytest.raises(NotAllowed, match=r"https://acme\.example/robots\.txt"):
            ask(site)
        assert len(site.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_unreadable_robots_txt_keeps_us_away_for_now(status):
    with pytest.raises(SourceUnavailable, match=str(status)):
        ask(
            Site(
                {
                    "https://acme.example/robots.txt": Payload(status=status, body=b""),
                    "https://acme.example/": HOME,
                }
            )
        )


def test_a_huge_robots_txt_is_read_in_bounded_time():
    robots = (
        b"User-agent: *\n" + b"Disallow: /*a*b*c*d*e$\n" * 2_000_000
    )  # cut after `Disallow: /` it would forbid all
    site = Site(
        {"https://acme.example/robots.txt": Payload(status=200, body=robots), "https://acme.example/": HOME}
    )
    started = time.perf_counter()
    assert ask(site) == HOME
    assert time.perf_counter() - started < 5


@pytest.fixture
def internet(monkeypatch):
    """Pretend that loopback servers stand at acme.example: port 443 or 80 → their port; gives a client."""

    def open_client(ports: dict[int, int], ca_file: str = "") -> Client:
        real = http_connection.connect
        monkeypatch.setattr(
            http_connection, "connect", lambda sock, address, port: real(sock, address, ports.get(port, 9))
        )
        return Client(
            user_agent="Footnote test",
            allow=frozenset(
                {f"{host}:{port}" for host in ("acme.example", "www.acme.example") for port in (80, 443)}
            ),
            resolver=lambda *_: ("127.0.0.1",),
            follow_redirects=True,
            deadline=2,
            ca_file=ca_file,
        )

    return open_client


def site(connection, head: bytes) -> None:
    """A site on one connection: robots.txt is missing, the page is there."""
    while head:
        path = head.split()[1]
        connection.sendall(
            reply(b"", "404 Not Found") if path == b"/robots.txt" else reply(b"<title>Acme</title>")
        )
        head = connection.recv(65_536)


def test_a_site_without_https_is_read_over_http(internet):
    with serving(site) as server:
        answer = ask(internet({80: server.port}))
    assert (answer.status, answer.body, answer.url) == (200, b"<title>Acme</title>", "http://acme.example/")
    assert [head.split()[1] for head in server.heads] == [b"/robots.txt"]
    assert server.connections == 1


def test_a_wrong_certificate_never_leads_to_plain_http(internet):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("acme.example").configure_cert(context)
    with serving(site, tls=context) as secure, serving(site) as plain:
        http = internet({443: secure.port, 80: plain.port})
        with pytest.raises(SourceUnavailable, match="no secure connection"):
            ask(http)
    assert plain.connections == 0


def test_robots_txt_that_leads_to_an_inner_address_is_refused(internet):
    with serving(reply()) as inner:
        away = reply(b"", "302 Found", Location=f"{inner.url}/robots.txt")
        with serving(away) as server, pytest.raises(AddressRefused):
            ask(internet({80: server.port}))
    assert inner.connections == 0
