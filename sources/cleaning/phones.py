"""Telephone numbers: international form when the country is known, otherwise as written."""

from __future__ import annotations

import re

import phonenumbers

from sources.cleaning.numbers import ascii_digits
from sources.cleaning.text import Refused, quote

_PHONE = re.compile(r"(?:tel:)?\+?[\d ()./\-]{6,40}(?:[,;]? ?(?:x|ext\.?|extension|#) ?\d{1,8})?")


def phone(text: str) -> str:
    """ "+1 415-555-0100" for a number with its country (+ or 00 in front), raises Refused.

    Without a country code the number is kept as written when it has 6 to 15 digits: the country would be a guess.
    """
    number = ascii_digits(text).replace("–", "-").removeprefix("tel:").strip()
    digits = sum(c.isdigit() for c in re.split(r"[x#e]", number)[0])
    if not _PHONE.fullmatch(number) or not 6 <= digits <= 17:
        raise Refused(f"{quote(text)} is not a telephone number: write it like +1 415 555 0100")
    if number.startswith("00"):
        number = "+" + number[2:]
    if not number.startswith("+"):
        if digits > 15:
            raise Refused(f"{quote(text)} has too many digits for a telephone number")
        return number
    try:
        found = phonenumbers.parse(number.replace("+0", "+", 1), None)
    except phonenumbers.NumberParseException:
        raise Refused(f"{quote(text)} has no known country code") from None
    if not phonenumbers.is_possible_number(found):
        raise Refused(f"{quote(text)} has too few or too many digits for its country")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
