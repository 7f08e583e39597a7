"""Which addresses may be fetched: only public ones, judged by text, then by name, then by address.

Addresses come from users, spreadsheets, redirects and other people's pages, so each one is hostile until
it has passed all three steps. Nothing here touches the network: names are resolved by the caller.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin

import idna

from sources.errors import AddressRefused

MAX_URL = 2_048
PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(https?)://([^/?#]+)([^#]*)(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", re.IGNORECASE)
_BAD_TEXT = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
_QUOTED_AS_IS = "/?:@!$&'()*+,;=-._~%[]"

# Special-use names (RFC 6761, 6762, 7686, 8375, 9476) and the usual names of inner networks.
_INNER_NAMES = frozenset(
    {
        *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"),
        *("arpa", "onion", "alt", "i2p", "test", "invalid", "svc"),
    }
)
_NOT_UNICAST_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True)
class SafeUrl:
    """A URL that passed the text and name rules; `str()` builds it anew from its checked parts.

    `host` is ASCII, lower case, an IPv6 address without brackets. `path_query` begins with `/`.
    """

    scheme: str
    host: str
    port: int
    path_query: str

    @property
    def authority(self) -> str:
        """Host and port as in `EGRESS_ALLOW`: `acme.com:443`, `[::1]:9000`."""
        return _authority(self.host, self.port)

    @property
    def origin(self) -> str:
        """Scheme, host and port, without the port where it is the usual one: `https://acme.com`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path_query


def check_url(url: str, allow: frozenset[str] = frozenset()) -> SafeUrl:
    """Parse `url` once and judge its text and its host name; raises AddressRefused.

    `allow` holds `host:port` entries that are exempt from the rules on names, ports and addresses.
    """
    _check_text(url)
    match = _URL.fullmatch(url)
    if not match:
        raise AddressRefused(f"{_shown(url)} is not a web address: write http:// or https:// and a host")
    scheme, rest = match[1].lower(), match[3]
    authority = _AUTHORITY.fullmatch(match[2])
    if not authority or "@" in match[2] or "%" in match[2]:
        raise AddressRefused(
            f"{_shown(url)} has no plain host name: write it without user, password or codes"
        )
    host = _host(authority[1])
    port = int(authority[2]) if authority[2] else PORTS[scheme]
    if _authority(host, port) not in allow:
        check_host(host)
        if port not in PORTS.values():
            raise AddressRefused(f"{host}:{port} is not fetched: only the ports 80 and 443 are")
    path_query = rest if rest.startswith("/") else f"/{rest}"
    return SafeUrl(scheme, host, port, quote(path_query, safe=_QUOTED_AS_IS))


def follow(base: SafeUrl, location: str) -> str:
    """The URL a redirect from `base` to `location` leads to, still to be checked; raises AddressRefused."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")  # headers are read as latin-1
    _check_text(location)
    if _SCHEME.match(location) and not _URL.fullmatch(location):
        raise AddressRefused(f"the redirect to {_shown(location)} does not lead to a web address")
    return urljoin(str(base), location)


def check_host(host: str) -> None:
    """Judge a host that is an address or an ASCII name in lower case; raises AddressRefused."""
    address = _literal(host)
    if address is not None:
        if not is_public(address):
            raise AddressRefused(f"{host} is not a public address: list it in EGRESS_ALLOW if it is yours")
        return
    labels = host.split(".")
    if len(labels) < 2 or not _TOP_LABEL.fullmatch(labels[-1]) or len(host) > 253:
        raise AddressRefused(f"{_shown(host)} is not a public host name")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(f"{_shown(host)} is not a valid host name")
    if labels[-1] in _INNER_NAMES:
        raise AddressRefused(
            f"{_shown(host)} is the name of an inner host: list it in EGRESS_ALLOW if it is yours"
        )


def check_addresses(
    host: str, port: int, addresses: Iterable[str], allow: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """The addresses `host` resolved to, when every one of them is public; raises AddressRefused."""
    checked = tuple(addresses)
    if _authority(host, port) in allow:
        return checked
    for address in checked:
        if not is_public(address):
            raise AddressRefused(f"{host} leads to {_shown(address)}, which is not a public address")
    return checked


def is_public(address: str | IPv4Address | IPv6Address) -> bool:
    """Whether `address` is a unicast address of the public internet.

    Stricter than `is_global`, which differs between Python versions and accepts translated addresses.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in net for net in _NOT_UNICAST_4)
    return ip.scope_id is None and ip in _PUBLIC_6 and not any(ip in net for net in _NOT_PUBLIC_6)


def _host(text: str) -> str:
    """The host of an authority as ASCII in lower case, without brackets and final dot."""
    if text.startswith("["):
        return text[1:-1].lower()
    if any(unicodedata.category(char) in ("Cf", "Cc", "Co", "Cn") for char in text):
        raise AddressRefused(f"{_shown(text)} holds invisible characters: write the host name anew")
    host = text.removesuffix(".")
    if host.isascii():
        return host.lower()
    try:
        host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    except UnicodeError as error:
        raise AddressRefused(f"{_shown(text)} is not a valid host name") from error
    if _literal(host) is not None:
        raise AddressRefused(f"{_shown(text)} is an address in disguise: write it in plain digits")
    return host


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is, in its one usual spelling; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_text(url: str) -> None:
    """Refuse what parsers read in different ways: controls, spaces, backslashes, great length."""
    if len(url) > MAX_URL:
        raise AddressRefused(f"an address of {len(url)} characters is too long: {MAX_URL} are the most")
    if _BAD_TEXT.search(url):
        raise AddressRefused(f"{_shown(url)} holds spaces, backslashes or control characters")


def _shown(text: str) -> str:
    """`text` for a message: short, printable, in quotation marks."""
    return ascii(text if len(text) <= 80 else f"{text[:77]}...")
