"""The web server: its port, taken before anything starts, and its program."""

from __future__ import annotations

import errno
import socket
import sys
from ipaddress import ip_address

from django.conf import settings
from django.db import connection

from enrichment.supervisor.children import Child

_REASONS = {
    errno.EADDRINUSE: "is taken: stop the program that uses it, or choose another with --port",
    errno.EACCES: "may not be used by this user: choose one above 1023 with --port",
    errno.EADDRNOTAVAIL: "cannot be used: this machine has no such address",
}


class PortRefused(OSError):
    """The port cannot be used; the text is one sentence for the user."""


def take_port(host: str, port: int) -> socket.socket:
    """A listening socket; it outlives restarts of the web server, so that no caller is refused meanwhile.

    Port 0 takes any free one. Raises PortRefused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0, f"cannot be used: {error}")
        raise PortRefused(f"Port {port} on {host} {reason}.") from None


def address_of(listener: socket.socket) -> str:
    """The URL a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def web_server(listener: socket.socket) -> Child:
    """gunicorn on the given socket: its own log shows warnings only, and it opens no control socket.

    SQLite gets one process, since its processes wait for each other in writing.
    """
    processes = 1 if connection.vendor == "sqlite" else 2
    command = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application"),
        *("--bind", f"fd://{listener.fileno()}"),
        *("--workers", str(processes), "--threads", "4"),
        *(
            "--graceful-timeout",
            "6",
            "--log-level",
            "warning",
            "--logger-class",
            "config.server_log.ServerLog",
        ),
        "--no-control-socket",
    ]
    return Child("web server", command, folder=settings.BASE_DIR, pass_fds=[listener.fileno()])
