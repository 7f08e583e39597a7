"""Who asks: a key in the header or in the address, or a member of staff; any web page may show the answers.

OpenRefine sends no headers of its own and keeps the service's address in its projects and their exports, so a key in an
address must be able to do nothing but read.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.auth import HEADER, KeyAuthentication, StaffAuthentication, caller_with_key
from enrichment.api.base import ApiView
from enrichment.api.errors import answer as refusal
from enrichment.models import Scope

_log = logging.getLogger(__name__)


class PathKeyAuthentication(KeyAuthentication):
    """A key in the address, of the scope read alone."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The caller; None without a key in the address. Raises AuthenticationFailed."""
        text = (request.parser_context or {}).get("kwargs", {}).get("key")
        if not text:
            return None
        caller = caller_with_key(text)
        if caller.scopes != [Scope.READ]:
            raise AuthenticationFailed(
                "A key in an address is stored by programs and seen by others: make one with `--scope read` alone."
            )
        return caller.user or caller, caller


class _ReadingStaff(StaffAuthentication):
    """A session of the admin; nothing is changed here, so forms need no CSRF token."""

    def enforce_csrf(self, request: Request) -> None:
        return


class ReconcileView(ApiView):
    """A view of the service: it reads, whatever the method, and says so to every origin."""

    authentication_classes = [PathKeyAuthentication, KeyAuthentication, _ReadingStaff]
    parser_classes = [FormParser, MultiPartParser]
    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "read"}
    schema = None  # described by its manifest, not by the OpenAPI pages

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """CORS for all origins, without cookies: only who holds a key reads answers from another site."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        response["Referrer-Policy"] = "no-referrer"
        # Django would log the address of a refusal, and with it the key.
        response._has_been_logged = bool(kwargs.get("key"))
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """A refusal; a bug is logged here, since Django would log it with the address and the key in that."""
        try:
            return super().handle_exception(exc)
        except Exception:
            if not self.kwargs.get("key"):
                raise
            _log.exception("The reconciliation service failed")
            return Response(refusal("This failed; the server's log says why.", "error"), status=500)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What a browser asks before it sends a header."""
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": HEADER,
        }
        return Response(status=204, headers=allowed | {"Access-Control-Max-Age": "86400"})

    def check_permissions(self, request: Request) -> None:
        """A browser's question before the request has no key yet."""
        if request.method != "OPTIONS":
            super().check_permissions(request)
