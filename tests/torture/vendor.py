"""Vendors on a loopback port: a paid one, a free one, one that answers later. They write down every question first.

`python -m tests.torture.vendor LOG SECONDS`: answers in SECONDS on average; prints its port.
Lines of the log: `asked SOURCE DOMAIN PEER TIME`, `told SOURCE DOMAIN PEER TIME`; of the one that answers later
`asked SOURCE DOMAIN PEER TIME REQUEST`, for whoever sends its answers.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

PAID, FREE, LATE = "clearbit", "github_organization", "clay"
Answer = tuple[int, Any]


def number_of(domain: str) -> int:
    """17 of company17.com."""
    return int("".join(filter(str.isdigit, domain)))


def paid(domain: str) -> Answer:
    """What the paid vendor says: mostly a company, sometimes nothing, rarely that it does not understand."""
    number = number_of(domain)
    if number % 50 == 13:
        return 422, {"error": {"type": "params_invalid", "message": "cannot read this domain"}}
    if number % 20 == 7:
        return 404, {"error": {"type": "unknown_record"}}
    return 200, {
        "id": f"id-{number}", "name": f"Company {number}", "domain": domain, "foundedYear": 1900 + number % 120,
        "category": {"industry": f"Trade {number % 97}"}, "metrics": {"employees": 10 + number},
    }  # fmt: skip


def free(domain: str) -> Answer:
    """What the free vendor says of an organisation."""
    number = number_of(domain)
    if number % 10 == 3:
        return 404, {"message": "Not Found"}
    return 200, {
        "login": f"company{number}", "name": f"Company {number}", "blog": f"https://{domain}",
        "description": f"Makes thing {number}", "location": f"City {number % 31}",
    }  # fmt: skip


def repositories(domain: str) -> Answer:
    """The second half of the free vendor's answer."""
    return 200, [{"language": language} for language in ("Python", f"Tongue {number_of(domain) % 7}")]


def routed(url: str) -> tuple[str, str, Callable[[str], Answer], bool, bool]:
    """Of a request: source, domain, what answers, whether it begins and whether it ends a question."""
    parts = urlsplit(url)
    if parts.path == f"/{PAID}/companies/find":
        return PAID, parse_qs(parts.query)["domain"][0], paid, True, True
    domain = f"{parts.path.split('/')[3]}.com"
    if parts.path.endswith("/repos"):
        return FREE, domain, repositories, False, True
    return FREE, domain, free, True, free(domain)[0] != 200


class Vendor(BaseHTTPRequestHandler):
    """Both vendors, told apart by the path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    log_file: ClassVar[int] = -1
    mean_seconds: ClassVar[float] = 0.0

    def do_GET(self) -> None:
        """Write the question down, take some time, answer."""
        source, domain, answer, begins, ends = routed(self.path)
        if begins:
            self.write("asked", source, domain)
        time.sleep(random.uniform(0, 2 * self.mean_seconds))
        status, body = answer(domain)
        data = json.dumps(body).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        if ends:
            self.write("told", source, domain)

    def do_POST(self) -> None:
        """Take a row whose answer comes later."""
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.write("asked", LATE, row["domain"], row["request_id"])
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def write(self, what: str, source: str, domain: str, *more: str) -> None:
        """One line, in one write, so that lines of threads never mix."""
        line = (
            " ".join((what, source, domain, str(self.client_address[1]), f"{time.time():.3f}", *more)) + "\n"
        )
        os.write(self.log_file, line.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is said on the terminal."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, ended with the process."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is the point of it all."""


def main(log: str, seconds: str) -> None:
    """Serve until killed."""
    Vendor.log_file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    Vendor.mean_seconds = float(seconds)
    server = Server(("127.0.0.1", 0), Vendor)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
