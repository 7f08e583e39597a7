"""What a site calls its company: in structured data, in its meta tags, else in its title."""

from __future__ import annotations

import re

from sources.vendors.structured_data import Node, text
from sources.vendors.web_page import Page

MAX_NAME = 200
_TITLE_BREAK = re.compile(r"\s+[|–—·•»:-]+\s+|\s*[|»]\s*|:\s+")
_NO_NAMES = frozenset(
    ("home", "homepage", "home page", "welcome", "start", "startseite", "accueil", "inicio")
)


def said_name(page: Page, company: Node) -> str:
    """The name that a page gives as the company's, or ""."""
    return short(text(company.get("name"))) or short(page.meta.get("og:site_name", ""))


def name_in_title(title: str, site: str) -> str:
    """The part of a title that looks like the name of the site, else its first part that says something."""
    parts = [part for part in _TITLE_BREAK.split(title) if part and part.lower() not in _NO_NAMES]
    label = site.partition(".")[0].replace("-", "")
    for part in parts:
        letters = re.sub(r"[\W_]", "", part).lower()
        if letters and (letters in label or label in letters):
            return short(part)
    return short(parts[0]) if parts else ""


def short(value: str) -> str:
    """A value that is short enough to be a name, or nothing."""
    return value if len(value) <= MAX_NAME else ""
