"""LinkedIn pages: one address for each company, school or person."""

from __future__ import annotations

import re
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from sources.cleaning.text import Refused, is_blank_word, plain, quote

_PAGE = re.compile(
    r"(?:(?:https?:)?/{0,2}(?:[a-z]{2,3}\.|www\.|m\.|mobile\.|[a-z]{2}-[a-z]{2}\.)?linkedin\.com(?::\d+)?)?/*"
    r"(?:mwlite/|sales/(?=company))?(company|school|showcase|in|company-beta|edu/school)/+([^/?#]+)(?:[/?#].*)?",
    re.IGNORECASE,
)
_NAMES = {"company-beta": "company", "edu/school": "school"}
_SLUG = re.compile(r"[^\s/?#<>\"\\%]{1,150}")


def linkedin_url(text: str) -> str:
    """`https://www.linkedin.com/company/acme`, `/school/…`, `/showcase/…` or `/in/jane`; "" when blank.

    Country hosts, tracking and sub-pages are dropped, the name is lower case; `company/acme` alone is enough.
    Raises Refused for other sites and for LinkedIn addresses that name no page.
    """
    text = plain(text[:2001]).strip("\"'<> ")
    if is_blank_word(text):
        return ""
    page = _PAGE.fullmatch(text) if len(text) <= 2000 else None
    slug = plain(unquote(page[2], errors="replace")).lower() if page else ""
    if not page or not _SLUG.fullmatch(slug) or not any(c.isalnum() for c in slug):
        raise Refused(
            f"{quote(text)} is not a LinkedIn page: write it like https://www.linkedin.com/company/acme"
        )
    kind = page[1].lower()
    return f"https://www.linkedin.com/{_NAMES.get(kind, kind)}/{percent_encode(slug, safe='')}"
