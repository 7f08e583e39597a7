"""Domains, e-mail addresses and links: the keys by which a record is found."""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn
from urllib.parse import quote as percent_encode
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from sources.cleaning.hosts import INNER, ascii_host, registrable
from sources.cleaning.shared_hosts import PAGE_HOSTS, is_free_mail
from sources.cleaning.text import Refused, is_blank_word, plain, quote

MAX_KEY = 2_000
"""Longest link, address or domain cell that is read, in characters."""

# Without slashes only well-known schemes count: in `user:password@host` and `acme.com:80` the colon is another one.
_SCHEME = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)(?=://)|(https?|mailto|javascript|vbscript|data|tel|file|about)):", re.I
)
# Most cells: a host in plain letters, perhaps with a scheme and a simple path. Labels stay below 64 characters.
_SIMPLE_SITE = re.compile(
    r"(?:https?://)?(?:www\.)?+((?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,63})(?:/([\w/-]*))?", re.ASCII
)
_AUTHORITY = re.compile(r"[^/?#]*")
_SIMPLE_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}))"
)
_ANGLED = re.compile(r"[^<>]*<([^<>]*)>")


def domain(text: str) -> str:
    """The registrable domain that a domain, link or e-mail address names, lower-case ASCII; "" when blank.

    `shop.acme.co.uk` is `acme.co.uk`, `acme.github.io` is its own. Raises Refused for free mail, pages on sites
    of others, several domains at once, public suffixes, inner names, numeric addresses and look-alikes.
    """
    simple = _SIMPLE_SITE.fullmatch(text.lower()) if len(text) < 64 else None
    host, path = (simple[1], simple[2] or "") if simple else _read_site(text)
    if not host:
        return ""
    name = registrable(host)
    if is_free_mail(name) or is_free_mail(host):
        raise Refused(f"{quote(name)} is free mail: anyone has an address there, it names no company")
    if (path.strip("/") or host != name) and (name in PAGE_HOSTS or host in PAGE_HOSTS):
        raise Refused(f"{quote(text)} is a page on {name}, not a company's own site: give its own domain")
    return name


def _read_site(text: str) -> tuple[str, str]:
    """Host in ASCII, without `www.`, and path of any domain cell; an empty host when it is blank."""
    text = plain(text[: MAX_KEY + 1]).strip("\"'<>,; ")
    if is_blank_word(text):
        return "", ""
    host, path = _split_site(text)
    return ("", "") if host.lower() in ("www", "") else (ascii_host(host).removeprefix("www."), path)


def _split_site(text: str) -> tuple[str, str]:
    """Host as written (without a trailing dot) and path of a domain, link or address; raises Refused."""
    if len(text) > MAX_KEY:
        raise Refused(f"{quote(text)} is over {MAX_KEY} characters, too long for a domain")
    if " " in text:
        _refuse_several(text)
    scheme, rest = _split_scheme(text)
    if scheme not in ("", "http", "https", "mailto"):
        raise Refused(f"{quote(text)} begins with {scheme}: and is no web address")
    rest = rest.lstrip("/")
    authority = _AUTHORITY.match(rest)
    site = authority[0] if authority else ""
    if "," in site or ";" in site or "|" in site:
        _refuse_several(text)
    host = _host_of(site, text, is_link=scheme in ("http", "https"))
    return host.removesuffix("."), rest[len(site) :].partition("?")[0]


def _split_scheme(text: str) -> tuple[str, str]:
    """The scheme in lower case ("" when none is written) and what follows its colon."""
    found = _SCHEME.match(text)
    return ((found[1] or found[2]).lower(), text[found.end() :]) if found else ("", text)


def _refuse_several(text: str) -> NoReturn:
    names = [part for part in re.split(r"[\s,;|]+", text) if "." in part]
    what = "two domains" if len(names) > 1 else "more than one word"
    raise Refused(f"{quote(text)} holds {what}: give one domain")


def _host_of(site: str, text: str, *, is_link: bool) -> str:
    """The host of `user:password@host:port`; raises Refused."""
    user, at, host = site.rpartition("@")
    if "\\" in text or (at and is_link and "." in user):
        raise Refused(f"{quote(text)} names two sites in one link: give the domain alone")
    if host.startswith("[") or host.count(":") > 1:
        raise Refused(f"{quote(text)} is an address in numbers: give the domain name")
    host, colon, port = host.partition(":")
    if colon and port and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise Refused(f"{quote(text)} has no valid port after the colon: give the domain alone")
    return host


def email(text: str) -> str:
    """The address in lower case, its domain in ASCII; "" when blank; raises Refused.

    `Jane Roe <jane@acme.com>` and `mailto:` are read. Letters beyond a-z may stand before the @ (RFC 6531);
    quoted local parts and addresses in brackets are refused. Whether the mailbox exists is not asked.
    """
    text = plain(text[: MAX_KEY + 1])
    if is_blank_word(text):
        return ""
    lower = text.lower()
    simple = _SIMPLE_EMAIL.fullmatch(lower)
    if (
        simple
        and simple[2] not in INNER
        and "--" not in simple[1]
        and len(lower) <= 254
        and lower.find("@") <= 64
    ):
        return lower
    if lower.startswith("mailto:"):
        text = unquote(text[7:].partition("?")[0])
    angled = _ANGLED.fullmatch(text)
    return _check_email(plain(angled[1] if angled else text))


def _check_email(address: str) -> str:
    if len(address) > 320:
        raise Refused(f"{quote(address)} is too long for an e-mail address")
    try:
        found = validate_email(address, check_deliverability=False, test_environment=False, strict=True)
    except (EmailNotValidError, ValueError, IndexError) as error:
        reason = plain(str(error)).rstrip(".").replace(". ", "; ")
        raise Refused(f"{quote(address)} is not an e-mail address: {reason[:150]}") from None
    if any(not c.isascii() and unicodedata.category(c)[0] not in "LMN" for c in found.local_part):
        raise Refused(f"{quote(address)} is not an e-mail address: a sign before the @ is no letter")
    host = ascii_host(found.domain)
    result = plain(f"{found.local_part.lower()}@{host}")
    if len(result) > 254:
        raise Refused(f"{quote(address)} is too long for an e-mail address")
    return result


def domain_of_email(address: str) -> str:
    """The registrable domain of an address; "" when blank or when the host is free or throw-away mail.

    Raises Refused when `address` is none, or its host has no registrable part.
    """
    host = email(address).rpartition("@")[2]
    if not host or is_free_mail(host):
        return ""
    name = registrable(host)
    return "" if is_free_mail(name) else name


def url(text: str) -> str:
    """The http(s) link `text`, rebuilt from its parts: no credentials, no default port; "" when blank.

    Without a scheme it is https. Raises Refused for other schemes, hosts that are no public names, and blanks
    or backslashes inside.
    """
    text = plain(text[: MAX_KEY + 1]).strip("\"'<> ")
    if is_blank_word(text):
        return ""
    _split_site(text)  # refuses what is no single site
    scheme, rest = _split_scheme(text)
    if scheme == "mailto" or (not scheme and "@" in text.partition("/")[0]):
        raise Refused(f"{quote(text)} is a mail address, not a link")
    try:
        parts = urlsplit(f"{scheme or 'https'}://{rest.lstrip('/')}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(f"{quote(text)} is not a link: write it like https://acme.com/about") from None
    host = ascii_host(host)
    registrable(host)
    place = host if port in (None, 80 if parts.scheme == "http" else 443) else f"{host}:{port}"
    tail = "".join(mark + _escape(part) for mark, part in (("?", parts.query), ("#", parts.fragment)) if part)
    found = f"{parts.scheme}://{place}{_escape(parts.path) or '/'}{tail}"
    if len(found) > MAX_KEY:
        raise Refused(f"{quote(text)} is over {MAX_KEY} characters, too long for a link")
    return found


def _escape(part: str) -> str:
    """A part of a link with everything escaped that may not stand there (RFC 3986); escapes stay as they are."""
    part = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part)
    return percent_encode(part, safe="/?:@!$&'()*+,;=~%-._")
