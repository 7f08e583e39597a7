"""The tools as a server of the official SDK, over stdin and stdout or for one HTTP request.

The SDK is an extra: only this module imports it, and nothing imports this module before an agent comes.
"""

from __future__ import annotations

import logging
from typing import Any

import mcp_types as types
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from enrichment.agents.calling import INSTRUCTIONS, TOOLS, call
from enrichment.agents.tools import Agent, Tool, ToolRefused

_log = logging.getLogger(__name__)
_MOST_BYTES = 1_000_000

Message = dict[str, Any]


def server_for(agent: Agent) -> Server[Any]:
    """A server whose tools are called in the name of an agent."""

    async def listed(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS.values()])

    async def called(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        # In a web process this is the request's own thread, with its connection to the database.
        return await sync_to_async(_answered)(agent, params.name, params.arguments)

    return Server(
        "footnote", title="Footnote", instructions=INSTRUCTIONS, on_list_tools=listed, on_call_tool=called
    )


def _described(tool: Tool) -> types.Tool:
    hints = types.ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=tool.undoes,
        open_world_hint=tool.name == "start_run",
    )
    return types.Tool(
        name=tool.name, description=tool.description, input_schema=tool.schema, annotations=hints
    )


def _answered(agent: Agent, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
    close_old_connections()  # a server over stdin lives for days, longer than its connection may
    try:
        text, is_error = call(agent, name, arguments), False
    except ToolRefused as refused:
        text, is_error = str(refused), True
    except Exception:  # a bug: it is logged here, and the agent hears no inner words
        _log.exception("The tool %s failed", name)
        text, is_error = (
            "This failed for a reason that is in the server's log: tell the person you work for.",
            True,
        )
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)


async def serve_stdio(agent: Agent) -> None:
    """Serve until the other side closes its end."""
    server = server_for(agent)
    async with stdio_server() as (reads, writes):
        await server.run(reads, writes, server.create_initialization_options())


async def answer_http(
    agent: Agent, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer to one POST.

    The SDK's own transport answers it, without a session and as plain JSON, so that any web process can answer any
    request and no thread is held open for a stream.
    """
    manager = StreamableHTTPSessionManager(
        server_for(agent), stateless=True, json_response=True, max_request_body_size=_MOST_BYTES
    )
    sent: list[Message] = []
    scope: Message = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "query_string": b"", "headers": headers,
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async with manager.run():
        await manager.handle_request(scope, receive, send)
    return _gathered(sent)


def _gathered(sent: list[Message]) -> tuple[int, str, bytes]:
    start = next(message for message in sent if message["type"] == "http.response.start")
    told = {name.lower(): value for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return int(start["status"]), told.get(b"content-type", b"application/json").decode("latin-1"), body
