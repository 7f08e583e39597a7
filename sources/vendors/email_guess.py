"""An address made from a person's name by a pattern such as `{first}.{last}`: a guess, and said to be one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sources.cleaning import Refused, email
from sources.identity.names import fold

USUAL = "{first}.{last}"
KNOWN, UNKNOWN = 0.75, 0.4
"""How sure a guess is by a pattern that is known of the domain, and by the usual one. Our own estimates: a company
keeps its pattern for most of its people, and the usual one is that of fewer than half of all companies."""

_PATTERN = re.compile(r"(?=.*\{)(?:\{(?:first|last|f|l)\}|[a-z0-9._-])+")
_TITLES = frozenset(
    ("dr", "mr", "mrs", "ms", "prof", "sir", "dame", "jr", "sr", "ii", "iii", "phd", "mba", "md")
)
_HOST = re.compile(r"(?:\d{1,5} )?([a-z0-9-]+(?:\.[a-z0-9-]+)+)\.?", re.IGNORECASE)


def pattern_of(text: str) -> str:
    """`text` when it is a pattern, also one with the domain (`{first}@acme.com`), else ""."""
    local = text.strip().lower().partition("@")[0]
    return local if len(local) <= 60 and _PATTERN.fullmatch(local) else ""


def guess(name: str, domain: str, pattern: str) -> str:
    """The address of `name` at `domain` by `pattern`; "" for names without two words in Latin letters."""
    words = [word for word in fold(name).split() if word not in _TITLES]
    if len(words) < 2 or not all(word.isascii() and word.isalpha() for word in (words[0], words[-1])):
        return ""
    first, last = words[0], words[-1]
    try:
        return email(f"{pattern.format(first=first, last=last, f=first[0], l=last[0])}@{domain}")
    except Refused:
        return ""


def takes_mail(records: Sequence[str]) -> bool:
    """Whether MX records name a host; `0 .` says that the domain takes no mail (RFC 7505)."""
    return any(_HOST.fullmatch(record.strip()) for record in records)
