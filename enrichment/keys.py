"""The keys of sources: from the environment, never from the database."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from config import env
from sources.contract import Source


def key_variable(slug: str, adapter: Source | None = None) -> str:
    """The environment variable that holds a source's key; with `_FILE` behind it, the one that names its file.

    An adapter may name one that several sources of its vendor share; the source's own comes before it.
    """
    return adapter.secret.env if adapter and adapter.secret else f"{slug.upper()}_API_KEY"


def key_of(slug: str, adapter: Source | None = None) -> str:
    """A source's key; "" without one, or when its file cannot be read."""
    return _text(key_variable(slug)) or _text(key_variable(slug, adapter))


def other_keys(adapter: Source) -> dict[str, str]:
    """The keys of others that a source may use, by variable; those that are set."""
    found = {secret.env: _text(secret.env) for secret in adapter.other_secrets}
    return {variable: key for variable, key in found.items() if key}


def _text(variable: str) -> str:
    try:
        return env.text(variable)
    except ImproperlyConfigured:
        return ""
