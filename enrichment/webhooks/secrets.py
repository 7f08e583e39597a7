"""Secrets of endpoints: made here, kept encrypted, rotated with both valid for a day."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes
from standardwebhooks import Webhook

from enrichment import bulk
from enrichment.models import WebhookEndpoint

OVERLAP = timedelta(hours=24)
_BYTES = 32  # Standard Webhooks: 24 to 64


class SecretUnreadable(Exception):
    """A secret was encrypted under a SECRET_KEY that is known no more."""


def new_secret(endpoint: WebhookEndpoint) -> str:
    """Give an unsaved endpoint its first secret; returns it, as receivers write it, for this one time."""
    text, endpoint.secret = _make()
    return text


def rotate(endpoint: WebhookEndpoint) -> str:
    """Give an endpoint a new secret; messages carry signatures of both until the old one ends in a day."""
    text, sealed = _make()
    endpoint.previous_secret, endpoint.secret = endpoint.secret, sealed
    endpoint.previous_until = bulk.clock() + OVERLAP
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    return text


def signatures(endpoint: WebhookEndpoint, event_id: str, at: datetime, body: str) -> str:
    """The webhook-signature header of a message sent `at` (in UTC); raises SecretUnreadable."""
    sealed = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > at:
        sealed.append(endpoint.previous_secret)
    return " ".join(Webhook(_open(each)).sign(event_id, at, body) for each in sealed)


def _make() -> tuple[str, str]:
    text = f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"
    return text, _box().encrypt(text.encode()).decode()


def _open(sealed: str) -> str:
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable("its secret cannot be read since SECRET_KEY changed: rotate it") from None


def _box() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_derived(force_bytes(key))) for key in keys])


def _derived(key: bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.blake2b(key, digest_size=32, person=b"footnote.webhook").digest())
