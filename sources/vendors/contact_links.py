"""Links of a page that dial or write: the company's telephone number and its general mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from sources.cleaning.text import words
from sources.vendors.firmographics import address, site

_GENERAL = words(
    """
    info contact contactus contact-us hello hi office mail mailbox enquiries enquiry inquiries inquiry general sales
    support service help team welcome ask kontakt anfrage post zentrale empfang contacto contato contatto bonjour
    accueil kontor hallo hola
    """
)
_DIALLED = re.compile(r"[+0-9().\s/-]{6,30}")


def telephone(links: Iterable[str]) -> str:
    """The number that `tel:` links of a page dial, "" when there is none or several."""
    numbers: dict[str, str] = {}
    for link in links:
        scheme, _, number = link[:200].strip().partition(":")
        shown = unquote(number).partition(";")[0].strip()
        if scheme.lower() == "tel" and _DIALLED.fullmatch(shown):
            numbers.setdefault(re.sub(r"\D", "", shown), shown)
    return next(iter(numbers.values())) if len(numbers) == 1 else ""


def mailbox(links: Iterable[str], domain: str) -> str:
    """The first general mailbox (`info@`, `sales@`) at `domain` that a page links to; people's own are left alone."""
    for link in links:
        scheme, _, rest = link[:500].strip().partition(":")
        found = address(unquote(rest).partition("?")[0]) if scheme.lower() == "mailto" else ""
        local, _, host = found.partition("@")
        if local in _GENERAL and site(host) == domain:
            return found
    return ""
