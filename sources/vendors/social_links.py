"""Links of a page → the pages a company has of its own on LinkedIn, Twitter and Facebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from sources.cleaning import Refused, linkedin_url
from sources.cleaning.text import words

_TWITTER = re.compile(
    r"(?:https?:)?//(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:#!/)?@?(\w{1,15})/?(?:[?#].*)?", re.I | re.A
)
_FACEBOOK = re.compile(
    r"(?:https?:)?//(?:www\.|m\.|[a-z]{2}-[a-z]{2}\.)?(?:facebook|fb)\.com/"
    r"(pages/[\w.%-]+/\d+|profile\.php\?id=\d+|[\w.%-]{2,100})/?(?:[?&#].*)?",
    re.I | re.A,
)
_NO_PAGES = words(
    """
    intent share home hashtag search i login signup explore settings privacy tos about download widgets statuses
    sharer sharer.php share.php dialog tr plugins groups events watch marketplace help policies policy.php pages
    profile.php photo.php story.php l.php login.php people public media business ads legal terms
    """
)


def company_linkedin(links: Iterable[str]) -> str:
    """The company's LinkedIn page among `links`; "" when there is none or several."""
    return _only(links, _linkedin_page)


def twitter(links: Iterable[str]) -> str:
    """The Twitter (X) page among `links` as `https://twitter.com/name`; "" when there is none or several."""
    return _only(links, _twitter_page)


def facebook(links: Iterable[str]) -> str:
    """The Facebook page among `links`; "" when there is none or several."""
    return _only(links, _facebook_page)


def _only(links: Iterable[str], page_of: Callable[[str], str]) -> str:
    """The one page that `page_of` finds in `links`, in its first spelling."""
    pages: dict[str, str] = {}
    for link in links:
        if page := page_of(link[:2_000].strip()):
            pages.setdefault(page.casefold(), page)
    return next(iter(pages.values())) if len(pages) == 1 else ""


def _linkedin_page(link: str) -> str:
    # The host is asked for here because a bare `company/acme` on a page is a path of that page's own site.
    if "linkedin.com/" not in link.lower() or not link.startswith(("http://", "https://", "//")):
        return ""
    try:
        page = linkedin_url(link)
    except Refused:
        return ""
    return page if "/company/" in page or "/school/" in page or "/showcase/" in page else ""


def _twitter_page(link: str) -> str:
    match = _TWITTER.fullmatch(link)
    return f"https://twitter.com/{match[1]}" if match and match[1].lower() not in _NO_PAGES else ""


def _facebook_page(link: str) -> str:
    match = _FACEBOOK.fullmatch(link)
    if not match or unquote(match[1]).lower() in _NO_PAGES:
        return ""
    return f"https://www.facebook.com/{match[1]}"
