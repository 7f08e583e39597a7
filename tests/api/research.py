"""A model's server and a reader of pages on one loopback port; both count what they are asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fact = dict[str, str]


def fact(attribute: str, value: str, quote: str = "") -> Fact:
    return {"attribute": attribute, "value": value, "quote": quote or value}


class Research:
    """Pages by address as Markdown, and what the model states: a function of what it is asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, str] = {}
        self.states: Callable[[str], list[Fact]] = lambda asked: []
        self.questions: list[str] = []
        self.enums: list[list[str]] = []
        self.scraped: list[str] = []

    @property
    def env(self) -> dict[str, str]:
        """The environment in which AI research asks here."""
        return {
            "AI_RESEARCH_BASE_URL": f"http://127.0.0.1:{self.port}/v1", "AI_RESEARCH_API_KEY": "model-key",
            "FIRECRAWL_API_KEY": "pages-key", "EGRESS_ALLOW": f"127.0.0.1:{self.port}",
        }  # fmt: skip

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the source that reads its pages here."""
        return {"firecrawl_url": f"http://127.0.0.1:{self.port}/v2"}

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/v2/scrape":
            self.scraped.append(body["url"])
            markdown = self.pages.get(body["url"].rstrip("/"))
            links = [url for url in self.pages if url != body["url"].rstrip("/")]
            metadata = {"sourceURL": body["url"], "statusCode": 200 if markdown else 404}
            return 200, {
                "success": True,
                "data": {"markdown": markdown or "", "links": links, "metadata": metadata},
            }
        schema = body["response_format"]["json_schema"]["schema"]
        self.enums.append(schema["properties"]["facts"]["items"]["properties"]["attribute"]["enum"])
        self.questions.append(body["messages"][1]["content"])
        content = json.dumps({"facts": self.states(self.questions[-1])})
        return 200, {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}


@contextmanager
def researching() -> Iterator[Research]:
    """The servers, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, told = world.answer(self.path, asked)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world = Research(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)
