"""The address a source sends a late answer to: one per lookup, and nobody can guess it."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.urls import reverse
from django.utils.encoding import force_bytes

_PURPOSE = b"footnote.callback:"


def url_of(lookup: int) -> str:
    """The URL that the answer of a lookup may be posted to."""
    return f"{settings.PUBLIC_URL}{_folder()}{lookup}/{next(_tokens(lookup))}"


@cache
def _folder() -> str:
    """Where all callbacks are; asked of the URL patterns for each question it took as long as ten answers."""
    return reverse("callback", args=[0, "token"]).removesuffix("0/token")


def is_genuine(lookup: int, token: str) -> bool:
    """Whether `token` is the lookup's own, also under a secret key that was replaced."""
    given = token.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, each.encode()) for each in _tokens(lookup))


def _tokens(lookup: int) -> Iterator[str]:
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield hmac.digest(force_bytes(secret), _PURPOSE + str(lookup).encode(), "sha256").hex()
