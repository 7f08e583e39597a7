"""Who calls: a key in `x-api-key`, or a member of staff who is logged in; and what they may do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.db import OperationalError, connection
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from enrichment.models import ApiKey, Scope

HEADER = "x-api-key"
_SEEN_EVERY = timedelta(minutes=1)
_RIGHTS = {
    Scope.READ: ("crm.view_account", "crm.view_contact"),
    Scope.WRITE: ("crm.change_account", "crm.change_contact"),
    Scope.ENRICH: ("enrichment.add_enrichmentrun",),
}
PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key, or a user of the admin."""

    key: ApiKey | None
    user: Any

    is_authenticated = True

    @property
    def name(self) -> str:
        """What stands in references and in the rows of the API."""
        return f"key:{self.key.prefix}" if self.key else f"user:{self.user.pk}"

    @property
    def label(self) -> str:
        """What people call the caller."""
        return self.key.name if self.key else str(self.user.get_username())

    @property
    def owner(self) -> Any:
        """The user in whose name runs are made; None when a key has no owner."""
        return self.key.owner if self.key else self.user

    @property
    def per_minute(self) -> int:
        """Requests a minute."""
        return self.key.per_minute if self.key else PER_MINUTE

    @property
    def scopes(self) -> list[str]:
        """The scopes of the caller, in their order."""
        return [scope for scope in Scope.values if self.allows(scope)]

    def allows(self, scope: str) -> bool:
        """Whether the caller has a scope; staff have those their rights amount to."""
        if self.key:
            return self.key.allows(scope)
        if scope == Scope.ADMIN:
            return bool(self.user.is_superuser)
        return bool(self.user.has_perms(_RIGHTS[Scope(scope)]))


def caller_of(request: Request) -> Caller:
    """The caller of an authenticated request."""
    return cast(Caller, request.auth)


class KeyAuthentication(BaseAuthentication):
    """The header `x-api-key`."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """The owner and the caller; None without the header. Raises AuthenticationFailed."""
        text = request.headers.get(HEADER)
        if text is None:
            return None
        caller = caller_with_key(text)
        return caller.user or caller, caller

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return HEADER


def caller_with_key(text: str) -> Caller:
    """Who has a key; its use is noted. Raises AuthenticationFailed."""
    key = _key(text.strip())
    _note_use(key)
    return Caller(key, key.owner)


def _key(text: str) -> ApiKey:
    refused = AuthenticationFailed("The API key is unknown, revoked or expired.")
    if not text.isascii() or not text.isprintable() or len(text) > 200:
        raise refused
    prefix, _, _ = text.partition(".")
    usable = ApiKey.objects.select_related("owner").filter(prefix=prefix, revoked=False)
    key: ApiKey | None = usable.first()
    if key is None or not key.is_valid(text) or key.has_expired:
        raise refused
    if key.owner and not key.owner.is_active:
        raise AuthenticationFailed("The owner of this API key is no longer active.")
    return key


def _note_use(key: ApiKey) -> None:
    """Keep when a key was last used, to the minute; while an import holds SQLite's only pen it is left out."""
    now = timezone.now()
    if key.last_used_at and now - key.last_used_at < _SEEN_EVERY:
        return
    with not_waiting(), contextlib.suppress(OperationalError):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


@contextlib.contextmanager
def not_waiting() -> Iterator[None]:
    """Writes of the block give up at once when another process is writing."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 50")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(usual)}")


class StaffAuthentication(SessionAuthentication):
    """A session of the admin; changes need its CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """The user and the caller; None for anybody who is not staff."""
        found = super().authenticate(request)
        if found is None or not found[0].is_staff:
            return None
        return found[0], Caller(None, found[0])


class HasScope(BasePermission):
    """Whether the caller has the scope that the view asks for this method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or PermissionDenied with the scope that is missing; False for nobody at all (401)."""
        if not isinstance(request.auth, Caller):
            return False
        scope = view.scope_of(str(request.method))
        if scope and not request.auth.allows(scope):
            raise PermissionDenied(
                f"This needs the scope '{scope}', which your key or account does not have."
            )
        return True


class _KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": HEADER}


class _StaffScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = StaffAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
