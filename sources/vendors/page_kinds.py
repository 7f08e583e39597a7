"""Tells pages that say nothing of a company: bot walls, consent walls and parked domains."""

from __future__ import annotations

import re

from sources.vendors.web_page import Page

_SHORT = 600
"""Characters of visible text below which a page holds nothing but its notice."""

_WALL_TITLES = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied|are you (?:a robot|human)|robot check"
    r"|human verification|verify(?:ing)? you are human|security check|checking your browser|ddos-guard|pardon our"
    r" interruption|please wait\b.*(?:verif|secur)|request (?:blocked|unsuccessful)|bot verification|one moment, please",
    re.IGNORECASE,
)
_WALL_MARKS = (
    *(b"challenge-running", b"cf-browser-verification", b"cf_chl_opt", b"_Incapsula_Resource", b"px-captcha"),
    *(b"captcha-delivery.com", b"aws-waf-token", b"sucuri_cloudproxy_js", b"/_sec/cp_challenge"),
)
_CONSENT_TITLES = re.compile(
    r"before you continue|(?:cookie|privacy|data) (?:consent|settings|preferences|notice)$|^consent\b"
    r"|we value your privacy|manage (?:your )?(?:cookies|privacy)|cookies? (?:are )?required|bevor sie fortfahren",
    re.IGNORECASE,
)
_PARKED = re.compile(
    r"(?:this |the )?domain(?: name)?(?: [\w.-]+)? (?:is|may be|could be) (?:for sale|available for purchase|parked)"
    r"|buy this domain|(?:is|are) for sale!?$|domain (?:is )?parked|parked (?:free|domain)|this web ?page is parked"
    r"|diese domain (?:steht|ist) zu(?:m)? verk|ce nom de domaine est|este dominio est",
    re.IGNORECASE,
)
_PARKING_HOSTS = (
    *(b"sedoparking.com", b"parkingcrew.net", b"bodis.com", b"cdn.afternic.com", b"parklogic.com"),
    *(b"hugedomains.com/domain_profile", b"//dan.com/buy-domain", b"img.sedoparking.com"),
)
_DEFAULT_TITLES = re.compile(
    r"welcome to nginx|apache2? .*default page|iis windows server|index of /|test page for|default web ?site page"
    r"|(?:website|site|page) (?:is )?(?:coming soon|under construction)|coming soon|under construction|future home of",
    re.IGNORECASE,
)


def is_blocked(page: Page, body: bytes) -> bool:
    """Whether the page is a check for robots instead of the site."""
    if len(page.text) > _SHORT:
        return False
    return bool(_WALL_TITLES.search(page.title)) or any(mark in body for mark in _WALL_MARKS)


def is_empty_site(page: Page, body: bytes) -> bool:
    """Whether the page is a consent wall, a parked domain or a server's default page."""
    if _CONSENT_TITLES.search(page.title) or _DEFAULT_TITLES.match(page.title):
        return len(page.text) <= 5 * _SHORT
    if len(page.text) > 5 * _SHORT:
        return False
    return bool(_PARKED.search(page.title) or _PARKED.search(page.text[:_SHORT])) or any(
        host in body for host in _PARKING_HOSTS
    )
