"""Loopback servers for tests: one that says raw bytes over TCP or TLS, one that answers DNS over UDP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = bytes | Callable[[socket.socket, bytes], None]
"""What a request is answered with: bytes, or a function of the connection and the request's head."""


@dataclass
class Server:
    """A listening server: `host:port`, the heads it read, and how many connections it took."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    host: str = "127.0.0.1"

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP answer; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Answer each request on a loopback port with `answer`, in a thread for each connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = Server(port=listener.getsockname()[1])
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                connection.settimeout(20)
                while not stop.is_set() and (head := _read_head(connection)):
                    server.heads.append(head)
                    if callable(answer):
                        answer(connection, head)
                        return
                    connection.sendall(answer)

    def listen() -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                if stop.is_set():
                    connection.close()
                    return
                server.connections += 1
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        thread.join(timeout=2)
        listener.close()


def _read_head(connection: socket.socket) -> bytes:
    """One request: its head, with its body read and thrown away."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def resolving(
    zone: Mapping[tuple[str, str], Sequence[str]], *, rcode: int = 0, silent: bool = False
) -> Iterator[str]:
    """Answer DNS questions from `zone` ((name, kind) → record texts); yields `address:port`.

    A name without any record does not exist. `rcode` answers every question with that error.
    """
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    endpoint.bind(("127.0.0.1", 0))
    endpoint.settimeout(0.1)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                wire, sender = endpoint.recvfrom(4_096)
                if not silent:
                    endpoint.sendto(_dns_answer(wire, zone, rcode).to_wire(), sender)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{endpoint.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(timeout=2)
        endpoint.close()


def _dns_answer(
    wire: bytes, zone: Mapping[tuple[str, str], Sequence[str]], rcode: int
) -> dns.message.Message:
    question = dns.message.from_wire(wire)
    answer: Any = dns.message.make_response(question)
    answer.flags |= dns.flags.RA
    asked = question.question[0]
    name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
    if rcode:
        answer.set_rcode(rcode)
    elif texts := zone.get((name, kind)):
        answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *texts))
    elif not any(known == name for known, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer  # type: ignore[no-any-return]
