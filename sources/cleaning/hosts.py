"""Host names: one ASCII form, the registrable part, and names made to look like another one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

import idna
from tldextract import TLDExtract

from sources.cleaning.text import Refused, quote, words

INNER = words("arpa corp home internal intranet invalid lan local localdomain localhost onion private test")
"""Endings that never name a public host: RFC 6761, 6762, 7686, 9476 and those routers use."""

EXAMPLE = "example"
"""RFC 2606 keeps this ending for documents; it is read like any public one."""

_ASCII_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DOTS = str.maketrans("。．｡", "...")

# Lower-case letters of other alphabets that a reader takes for a letter of a-z.
_LOOKALIKES = frozenset("аеорсухіјѕһӏԁԛԝѵгпьҽԍαικνρυοӕսոօհցզɡɑƅ")
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)


def ascii_host(text: str) -> str:
    """The host name `text` in lower-case ASCII (IDNA 2008 after UTS 46 mapping); raises Refused.

    Names of one label, addresses in numbers, inner endings (`.local` …) and look-alikes are refused. A label
    with hyphens in places 3 and 4 must be valid Punycode, and `_` is not part of a host name.
    """
    name = text.translate(_DOTS).lower().removesuffix(".")
    if not name.isascii() or "--" in name:
        name = _to_ascii(name)
    if len(name) > 253:
        raise Refused(f"{quote(text)} is over 253 characters, the longest a host name can be")
    if not _ASCII_HOST.fullmatch(name):
        if name.startswith("*."):
            raise Refused(f"{quote(text)} is a pattern: give one domain")
        raise Refused(f"{quote(text)} is not a domain: write it like acme.com")
    ending = name[name.rfind(".") + 1 :]
    if ending.isdigit():
        raise Refused(f"{quote(text)} is an address in numbers: give the domain name")
    if ending in INNER:
        _refuse_inner(text, ending)
    if ending == name:
        raise Refused(f"{quote(text)} is a single word: a domain has an ending, like acme.com")
    return name


def _refuse_inner(text: str, ending: str) -> NoReturn:
    raise Refused(f"{quote(text)} ends in .{ending}, which is no public domain")


def _to_ascii(name: str) -> str:
    """Encode a name with letters beyond a-z, or with `--`, after refusing look-alikes."""
    if len(name) > 500:
        raise Refused(f"{quote(name)} is over 253 characters, the longest a host name can be")
    try:
        encoded = idna.encode(name, uts46=True).decode("ascii").lower()
        labels = idna.decode(encoded).split(".")
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        raise Refused(
            f"{quote(name)} is not a domain: a character or a hyphen is not allowed there"
        ) from None
    for label in labels:
        if not label.isascii():
            _refuse_lookalike(label, with_ascii_ending=labels[-1].isascii())
    return encoded


def _refuse_lookalike(label: str, *, with_ascii_ending: bool) -> None:
    """Refuse a label of mixed scripts, and one that reads as a-z under an ending in a-z.

    One script for each label; the Chinese, Japanese and Korean ones may stand with Latin, as UTS 39 "highly
    restrictive" has it. A name wholly made of look-alike letters stays allowed under an ending in its own script.
    """
    scripts = {unicodedata.name(c, "?").split()[0] for c in label if unicodedata.category(c)[0] == "L"}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise Refused(f"{quote(label)} looks like another name: mixed scripts")
    if with_ascii_ending and all(c in _LOOKALIKES or c.isascii() for c in label):
        raise Refused(f"{quote(label)} looks like another name: its letters pass for a to z")


@dataclass(frozen=True, slots=True)
class SuffixRules:
    """The public suffix list in ASCII: suffixes, parents whose every child is one, and exceptions from that."""

    suffixes: frozenset[str]
    parents: frozenset[str]
    exceptions: frozenset[str]


@cache
def suffix_rules() -> SuffixRules:
    """The list's snapshot bundled with tldextract, private section (github.io …) included; nothing is fetched."""
    bundled = TLDExtract(suffix_list_urls=(), include_psl_private_domains=True, cache_dir=None).tlds
    rules = [_ascii_rule(rule) for rule in (*bundled, EXAMPLE) if rule[rule.rfind(".") + 1 :] not in INNER]
    return SuffixRules(
        suffixes=frozenset(rule for rule in rules if rule[0] not in "*!"),
        parents=frozenset(rule[2:] for rule in rules if rule[0] == "*"),
        exceptions=frozenset(rule[1:] for rule in rules if rule[0] == "!"),
    )


def _ascii_rule(rule: str) -> str:
    if rule.isascii():
        return rule
    return ".".join(p if p.isascii() else "xn--" + p.encode("punycode").decode() for p in rule.split("."))


def find_registrable(host: str) -> str:
    """The part of an ASCII host that someone registered, `acme.co.uk` of `shop.acme.co.uk`; "" when there is none.

    The longest rule of the list wins, exceptions over all (publicsuffix.org/list).
    """
    rules = suffix_rules()
    owner, rest = "", host
    while rest:
        above = rest[rest.find(".") + 1 :] if "." in rest else ""
        if rest in rules.exceptions:
            return rest
        if rest in rules.suffixes or above in rules.parents:
            return owner
        owner, rest = rest, above
    return ""


def registrable(host: str) -> str:
    """As `find_registrable`; raises Refused when there is none."""
    found = find_registrable(host)
    if found:
        return found
    ending = host[host.rfind(".") + 1 :]
    if ending in INNER:
        _refuse_inner(host, ending)
    if ending in suffix_rules().suffixes:
        raise Refused(
            f"{quote(host)} is a public suffix: names are registered under it, give the whole domain"
        )
    raise Refused(f"{quote(host)} ends in .{ending}, which is not a known domain ending")
