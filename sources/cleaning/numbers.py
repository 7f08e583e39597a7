"""Numbers as people and spreadsheets write them → int, number, percent, whole US dollars."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from sources.cleaning.text import Refused, quote, words

Number = int | float

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""What a 64-bit integer holds."""

COUNTED = words("""
    employee employees people person persons staff member members worker workers headcount fte ftes follower followers
    role roles opening openings job jobs posting postings user users customer customers
""")
"""Words that may follow a count; an attribute with one of them as its unit is never negative."""

_FACTORS = {
    **dict.fromkeys(("k", "thousand", "tsd"), 10**3),
    **dict.fromkeys(("m", "mm", "mn", "mio", "mil", "mill", "million", "millions"), 10**6),
    **dict.fromkeys(("b", "bn", "bil", "billion", "billions"), 10**9),
    **dict.fromkeys(("t", "tn", "trillion", "trillions"), 10**12),
}
_DOLLARS = frozenset(("$", "us$", "usd", "usd$", "$us", "dollar", "dollars"))
_CURRENCIES = {
    **dict.fromkeys(("€", "eur", "euro", "euros"), "euros"),
    **dict.fromkeys(("£", "gbp", "pound", "pounds"), "British pounds"),
    **dict.fromkeys(("₹", "inr", "rs", "rs.", "rupee", "rupees", "crore", "crores", "cr", "lakh", "lakhs"), "Indian rupees"),
    **dict.fromkeys(("¥", "jpy", "yen", "jp¥"), "yen"),
    **dict.fromkeys(("cny", "rmb", "yuan", "cn¥"), "yuan"),
    **dict.fromkeys(("c$", "ca$", "cad", "cad$", "cdn$"), "Canadian dollars"),
    **dict.fromkeys(("a$", "au$", "aud", "aud$"), "Australian dollars"),
    **dict.fromkeys(("nz$", "nzd"), "New Zealand dollars"),
    **dict.fromkeys(("hk$", "hkd"), "Hong Kong dollars"),
    **dict.fromkeys(("s$", "sg$", "sgd"), "Singapore dollars"),
    **dict.fromkeys(("nt$", "twd"), "Taiwan dollars"),
    **dict.fromkeys(("r$", "brl", "reais"), "Brazilian reais"),
    **dict.fromkeys(("mx$", "mxn"), "Mexican pesos"),
    **dict.fromkeys(("chf", "fr.", "sfr"), "Swiss francs"),
    **dict.fromkeys(("kr", "kr.", "sek", "nok", "dkk"), "crowns"),
    **dict.fromkeys(("₩", "krw", "won"), "won"),
    **dict.fromkeys(("₪", "ils", "nis"), "shekels"),
    **dict.fromkeys(("₽", "rub"), "roubles"),
    **dict.fromkeys(("zł", "pln"), "zlotys"),
    **dict.fromkeys(("₺", "try"), "Turkish lira"),
    **dict.fromkeys(("₦", "ngn"), "naira"),
    **dict.fromkeys(("r", "zar"), "rand"),
    **dict.fromkeys(("aed", "dhs"), "dirhams"),
    **dict.fromkeys(("₿", "btc", "bitcoin"), "bitcoin"),
}  # fmt: skip

_SIGNS = str.maketrans("－–—−‐‑‒，．％＋’‘٬٫～〜＄٪", "-------,.%+'',.~~$%")

_DIGITS = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:e[+-]?\d{1,2})?")
_SIMPLE = re.compile(r"(?:[0-9]{1,18}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,5})(?:\.00?)?")
_ONE_DOT_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_COMMA_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d{1,40})?")
_DOT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d{1,40})?")
_SPACE_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}([ '_])\d{3}(?:\1\d{3})*(?:[.,]\d{1,40})?")
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d{1,40},\d{1,2}|0,\d{1,40})")
_GROUPING = str.maketrans("", "", ", '_")

_AMOUNT = re.compile(
    r"([+-]?) ?([^\d+.-]{0,12}?\.?) ?([+-]?)(\.?\d(?:[\d ,.'_]*\d)?(?:e[+-]?\d{1,2}(?!\d))?)(.*)"
)
_ABOUT = re.compile(r"(?:~|≈|about |approx\.? |approximately |around |circa |ca\.? |c\. ?|est\.? )+")
_AT_LEAST = re.compile(
    r"(?:over|more than|at least|above|from|>=|>|≥) ?(.+)|(.+?) ?(?:\+|or more|and more|and above|and over|plus)( .*)?"
)
_AT_MOST = re.compile(r"(?:under|less than|fewer than|below|up to|at most|<=|<|≤) ?(.+)")
_BAND = re.compile(r"([^-]*\d[^-]*?) ?(?:-| to ) ?([^-]*\d[^-]*)")

TOO_LONG = 100
"""Longest text that is read as a number, in characters."""


class Amount(NamedTuple):
    """A number, what it is multiplied with (`m` → 1,000,000; 1 when nothing is said), and the words around it."""

    number: Decimal
    factor: int
    words: tuple[str, ...]


def ascii_digits(text: str) -> str:
    """`text` in lower case with the digits and signs of other scripts as ASCII ones (٣٤ → 34)."""
    if text.isascii():
        return text.lower()
    digits = (str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text.translate(_SIGNS))
    return "".join(digits).lower()


def read_number(text: str, *, whole: bool = False) -> Decimal:
    """One number with any usual grouping; raises Refused.

    Read are 1,234.5 · 12,34,567 · 1.234.567 · 1.234,50 · 12 345 · 1'234 · 12,5 · 1e9. A single dot before three
    digits is a decimal dot, but a group of thousands when `whole`: a count has no decimals.
    """
    if _DIGITS.fullmatch(text):
        return Decimal(text.replace(".", "") if whole and _ONE_DOT_GROUP.fullmatch(text) else text)
    if _COMMA_GROUPS.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if _DOT_GROUPS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if _DECIMAL_COMMA.fullmatch(text):
        return Decimal(text.replace(",", "."))
    if _SPACE_GROUPS.fullmatch(text):
        return Decimal(text[:-3].translate(_GROUPING) + text[-3:].replace(",", ".").translate(_GROUPING))
    raise Refused(f"{quote(text)} is not a number")


def read_amount(text: str, *, whole: bool = False) -> Amount:
    """A number with a factor and words, such as "us$ 2bn" or "200 employees"; raises Refused."""
    found = _AMOUNT.fullmatch(text)
    if not found or (found[1] and found[3]):
        raise Refused(f"{quote(text)} is not a number")
    prefix, words = "".join(found[2].split()), found[5].split()
    factor = 1
    if words and words[0].rstrip(".") in _FACTORS:
        factor = _FACTORS[words.pop(0).rstrip(".")]
    number = read_number(found[4], whole=whole and factor == 1)
    return Amount(
        -number if "-" in (found[1], found[3]) else number,
        factor,
        (prefix, *words) if prefix else tuple(words),
    )


def read_band(text: str, *, whole: bool = False) -> tuple[Amount, Amount] | None:
    """Both ends of "10-50m", the first with the factor of the second when it names none; None: no band."""
    found = _BAND.fullmatch(text)
    if not found:
        return None
    low, high = read_amount(found[1], whole=whole), read_amount(found[2], whole=whole)
    if low.factor == 1:
        low = low._replace(factor=high.factor)
    if low.number * low.factor > high.number * high.factor:
        raise Refused(f"{quote(text)} is a range whose end lies before its start")
    return low, high


def strip_about(text: str) -> str:
    """`text` without "about", "~" and the like."""
    about = _ABOUT.match(text)
    return text[about.end() :] if about else text


def strip_at_least(text: str) -> tuple[str, bool]:
    """`text` without "over", "+" and the like, and whether one of them stood there."""
    found = _AT_LEAST.fullmatch(text)
    return (found[1] or found[2] + (found[3] or ""), True) if found else (text, False)


def strip_at_most(text: str) -> tuple[str, bool]:
    """`text` without "under", "<" and the like, and whether one of them stood there."""
    found = _AT_MOST.fullmatch(text)
    return (found[1], True) if found else (text, False)


def _text_of(raw: str | Number) -> str:
    text = ascii_digits(raw) if isinstance(raw, str) else str(raw)
    if len(text) > TOO_LONG:
        raise Refused(f"{quote(text)} is too long for a number")
    return text


def whole_number(value: Decimal, shown: object) -> int:
    """`value` as an int of 64 bits; raises Refused with `shown` as the text when it is not one."""
    if not SMALLEST <= value <= LARGEST:
        raise Refused(f"{quote(shown)} is too large for a whole number")
    if value != value.to_integral_value():
        raise Refused(f"{quote(shown)} is not a whole number")
    return int(value)


def canonical(value: Decimal, shown: object) -> Number:
    """`value` as int when whole, otherwise as float rounded to 6 decimals; raises Refused beyond 64 bits."""
    if not SMALLEST <= value <= LARGEST:
        raise Refused(f"{quote(shown)} is too large for a number")
    value = round(value, 6)
    return int(value) if value == value.to_integral_value() else float(value)


def integer(raw: str | Number, unit: str = "") -> int:
    """A whole number of 64 bits; raises Refused.

    A band or "10,001+" is its lower bound: there are at least so many, and a middle would be invented. An upper
    bound alone is refused. "1.234" is 1234. A counted unit (people, roles …) refuses negative numbers.
    """
    if isinstance(raw, str):
        return _simple_whole(raw) or _count(raw, unit)
    return _check_count(whole_number(Decimal(str(raw)), raw), raw, unit)


def _simple_whole(raw: str) -> int:
    """The number of the common forms 1234, 1,234 and 1234.0; 0 for zero and for all others."""
    if not _SIMPLE.fullmatch(raw):
        return 0
    return int(raw.partition(".")[0].replace(",", ""))


@lru_cache(maxsize=1024)  # the same few bands fill whole columns
def _count(raw: str, unit: str) -> int:
    text, _ = strip_at_least(strip_about(_text_of(raw)))
    if strip_at_most(text)[1]:
        raise Refused(f"{quote(raw)} gives only an upper bound: give the number or a range")
    found, *rest = read_band(text, whole=True) or (read_amount(text, whole=True),)
    for word in (*found.words, *(word for end in rest for word in end.words)):
        if word.strip("().") not in COUNTED and word.strip("().") not in ("open", "full-time", unit.lower()):
            raise Refused(f"{quote(raw)} is not a whole number: {quote(word)} is not understood")
    return _check_count(whole_number(found.number * found.factor, raw), raw, unit)


def _check_count(value: int, raw: object, unit: str) -> int:
    if value < 0 and unit in COUNTED:
        raise Refused(f"{quote(raw)} is negative: a number of {unit} is not")
    return value


def decimal(raw: str | Number) -> Number:
    """A number, int when whole, else rounded to 6 decimals; raises Refused."""
    text = _text_of(raw)
    found = read_amount(strip_about(text))
    if found.words:
        raise Refused(f"{quote(raw)} is not a number: {quote(found.words[0])} is not understood")
    return canonical(found.number * found.factor, raw)


def percent(raw: str | Number) -> Number:
    """Per cent points: "12.5%" and 12.5 are 12.5, and 0.125 stays 0.125; raises Refused."""
    if not isinstance(raw, str):
        return decimal(raw)
    text = ascii_digits(raw)
    for sign in ("%", "percent", "per cent", "pct"):
        text = text.removesuffix(sign)
    try:
        return decimal(text.rstrip())
    except Refused:
        raise Refused(f"{quote(raw)} is not a percentage: write it like 12.5%") from None


def dollars(found: Amount, shown: object) -> Decimal:
    """An amount as US dollars; raises Refused when a word names another currency or is not understood."""
    for word in found.words:
        if word in _CURRENCIES:
            raise Refused(
                f"{quote(shown)} is in {_CURRENCIES[word]}: only US dollars are kept, no rate is known"
            )
        if word not in _DOLLARS and word not in ("us", "u.s."):
            raise Refused(f"{quote(shown)} is not an amount of US dollars: {quote(word)} is not understood")
    return found.number * found.factor


def money(raw: str | Number) -> int:
    """Whole US dollars, cents rounded half up: "$1.5M" → 1500000; raises Refused.

    Other currencies, ranges and open bounds are refused, and "1.750", which may be 1750 or 1.75.
    """
    simple = _simple_whole(raw) if isinstance(raw, str) else 0
    if simple:
        return simple
    text = strip_about(_text_of(raw))
    if isinstance(raw, str) and (strip_at_least(text)[1] or strip_at_most(text)[1] or _BAND.fullmatch(text)):
        raise Refused(f"{quote(raw)} is a range or a bound: give one amount")
    found = read_amount(text)
    value = dollars(found, raw)
    if (
        isinstance(raw, str)
        and found.factor == 1
        and re.search(r"(?<![\d.,])[1-9]\d{0,2}\.\d{3}(?![\d.,])", text)
    ):
        raise Refused(f"{quote(raw)} may mean thousands or decimals: write it without the dot")
    if not SMALLEST <= value <= LARGEST:
        raise Refused(f"{quote(raw)} is too large for an amount")
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
