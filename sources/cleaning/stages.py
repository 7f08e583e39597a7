"""Funding stages under one name each."""

from __future__ import annotations

import re
from functools import lru_cache

from sources.cleaning.text import cut

STAGES = {
    "Pre-Seed": ("pre seed", "preseed"),
    "Seed": ("seed", "series seed", "seed vc"),
    "Angel": ("angel", "angels", "business angel"),
    "Venture": (
        *("venture", "series unknown", "venture series unknown", "vc", "venture capital"),
        "venture round not specified",
    ),
    "Early Stage Venture": ("early stage venture",),
    "Late Stage Venture": ("late stage venture",),
    "Private Equity": ("private equity", "pe"),
    "Debt Financing": ("debt", "debt financing", "venture debt", "loan"),
    "Convertible Note": ("convertible note", "convertible"),
    "Grant": ("grant",),
    "Non-Equity Assistance": ("non equity assistance",),
    "Corporate Round": ("corporate", "corporate minority"),
    "Crowdfunding": ("crowdfunding", "equity crowdfunding", "product crowdfunding"),
    "Secondary Market": ("secondary", "secondary market"),
    "Initial Coin Offering": ("initial coin offering", "ico"),
    "Post-IPO": ("post ipo",),
    "Post-IPO Equity": ("post ipo equity",),
    "Post-IPO Debt": ("post ipo debt",),
    "Post-IPO Secondary": ("post ipo secondary",),
    "IPO": ("ipo", "initial public offering"),
    "Public": ("public", "publicly traded", "listed"),
    "Acquired": (
        "acquired",
        "acquisition",
        "m a",
        "m and a",
        "merger acquisition",
        "mergers and acquisitions",
    ),
    "Bootstrapped": ("bootstrapped", "bootstrap", "self funded"),
    "Subsidiary": ("subsidiary",),
    "Other": ("other",),
}
"""Every stage with a name of its own, beside Series A to Series J, and the ways it is written."""

MAX_STAGE = 80

_NAMES = {form: name for name, forms in STAGES.items() for form in forms}
_SERIES = re.compile(r"series ([a-j])(?: ?\d)?(\+?)")
_UNTOLD = frozenset(("unknown", "undisclosed", "not disclosed"))
_NOISE = re.compile(r" (?:round|stage|funding|funding round|financing)$")


def stage(text: str) -> str:
    """The stage's one name: "series-b", "SERIES_B round" and "Series B1" are "Series B".

    A stage that is not listed stays as it is written, at most 80 characters: users have stages of their own.
    """
    return _read(text[: 2 * MAX_STAGE])


@lru_cache(maxsize=1024)
def _read(text: str) -> str:
    words = " ".join(re.sub(r"[^a-z0-9+]+", " ", text.lower()).split())
    for form in (words, _NOISE.sub("", words)):
        series = _SERIES.fullmatch(form)
        if series:
            return f"Series {series[1].upper()}{series[2]}"
        if form in _NAMES:
            return _NAMES[form]
    return "" if words in _UNTOLD else cut(text, MAX_STAGE)
