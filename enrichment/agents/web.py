"""`/mcp`: the tools over HTTP, for agents that hold an API key."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from enrichment.agents.tools import Agent
from enrichment.api.auth import KeyAuthentication, caller_of
from enrichment.api.base import ApiView

MISSING = "Agents need one more package: .venv/bin/pip install 'mcp>=2.3,<3'."
_PASSED_ON = ("accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name")


class NotInstalled(APIException):
    """The extra is missing."""

    status_code = 501
    default_code = "not_installed"


class McpView(ApiView):
    """Streamable HTTP without sessions: each POST has its own answer, so there is nothing to stream or to end.

    A key is always needed: a browser's session must not let a page of another site call tools.
    """

    authentication_classes = [KeyAuthentication]
    schema = None  # described by its own protocol, not by the OpenAPI pages

    def scope_of(self, method: str) -> str:
        """Any key may come; each tool asks for its own scope."""
        return ""

    def post(self, request: Request) -> HttpResponse:
        """The answer to one message."""
        if find_spec("mcp") is None:
            raise NotInstalled(MISSING)
        from enrichment.agents.server import answer_http  # imports the extra

        status, kind, body = async_to_sync(answer_http)(_agent(request), _headers(request), request.body)
        return HttpResponse(body, status=status, content_type=kind)


def _agent(request: Request) -> Agent:
    caller = caller_of(request)
    return Agent(f"the key {caller.label}", frozenset(caller.scopes), caller.key, caller.owner)


def _headers(request: Any) -> list[tuple[bytes, bytes]]:
    """What the protocol reads of a request; the key stays here."""
    told = {name.lower(): value for name, value in request.headers.items()}
    return [
        (name.encode("latin-1"), value.encode("latin-1", errors="replace"))
        for name, value in told.items()
        if name in _PASSED_ON or name.startswith("mcp-param-")
    ]
