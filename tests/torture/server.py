"""A PostgreSQL server of our own: it may be stopped, and the disk of its tables may be full."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

OWNER = "postgres"  # a server refuses to be root's
FULL = "No space left on device"
_BINARIES = Path("/usr/lib/postgresql")


def can_run() -> bool:
    """Whether a server can be started here: by root, where PostgreSQL is installed."""
    has_owner = OWNER in {each.pw_name for each in pwd.getpwall()}
    return sys.platform == "linux" and os.geteuid() == 0 and has_owner and bool(_programs())


@dataclass
class Server:
    """A server with its files in `folder`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where databases may be made."""
        return f"postgres://{OWNER}@127.0.0.1:{self.port}/postgres"

    @property
    def said_full(self) -> int:
        """How often it answered that its disk is full."""
        return (self.folder / "log").read_text(errors="replace").count(FULL)

    def start(self) -> None:
        """Start it; done when it answers."""
        listens = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._control("start", "-l", str(self.folder / "log"), "-o", listens)

    def stop(self, how: str) -> None:
        """End it: `fast` cuts all connections, `immediate` is a crash."""
        self._control("stop", "-m", how)

    def restart(self, how: str, seconds: float) -> None:
        """Stop it and start it again after a while."""
        self.stop(how)
        time.sleep(seconds)
        self.start()

    def put_tables_in(self, folder: Path) -> None:
        """From now on all databases are made there."""
        shutil.chown(folder, OWNER)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            connection.execute("ALTER DATABASE template1 SET TABLESPACE small")

    def _control(self, *arguments: str) -> None:
        _run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-t", "120", *arguments)


@contextmanager
def server() -> Iterator[Server]:
    """A new server, gone afterwards."""
    with TemporaryDirectory() as folder, socket.socket() as free:
        shutil.chown(folder, OWNER)
        free.bind(("127.0.0.1", 0))
        own = Server(Path(folder), free.getsockname()[1])
        free.close()
        _run("initdb", "-D", f"{folder}/data", "-U", OWNER, "-A", "trust", "--no-sync")
        own.start()
        try:
            yield own
        finally:
            own.stop("immediate")


def _run(program: str, *arguments: str) -> None:
    command = [str(_programs()[-1] / program), *arguments]
    subprocess.run(command, user=OWNER, cwd="/", check=True, stdout=subprocess.DEVNULL)


def _programs() -> list[Path]:
    """The folders of programs, of the newest version last."""
    return sorted(_BINARIES.glob("*/bin"))
