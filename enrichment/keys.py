"""The keys of sources: from the environment, never from the database."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config import env


def key_variable(slug: str) -> str:
    """The environment variable that holds a source's key; with `_FILE` behind it, the one that names its file."""
    return f"{slug.upper()}_API_KEY"


def key_of(slug: str) -> str:
    """A source's key; "" without one, or when its file cannot be read."""
    try:
        return env.text(key_variable(slug))
    except ImproperlyConfigured:
        return ""
