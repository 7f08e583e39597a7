"""An installation under torture: its database, its vendor, its processes and who is who among them."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from benchmarks import databases

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 2  # of each cluster
FROZEN = "frozen worker"  # stopped in the middle, and let go on when its lease is over
ROLES = (
    "busy worker", "idle worker", FROZEN, "pusher", "monitor", "guard", "main", "web", "supervisor", "all",
)  # fmt: skip
LEASE = 8  # seconds
FROZEN_FOR = 2 * LEASE

Process = psutil.Process


@contextmanager
def vendor(log: Path, seconds: float) -> Iterator[int]:
    """The vendors' process; yields its port."""
    command = [sys.executable, "-m", "tests.torture.vendor", str(log), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()


def inside(database: str, module: str, *arguments: str, **more: str) -> int:
    """Run `module LOG PORT ARGUMENTS` on a scratch database, with a vendor that answers at once; its exit code."""
    with databases.migrated(database) as scratch, TemporaryDirectory() as folder:
        log = Path(folder) / "vendor.log"
        with vendor(log, 0.0) as port:
            command = [sys.executable, "-m", module, str(log), str(port), *arguments]
            own = {"FOOTNOTE_LOG_LEVEL": "CRITICAL", "FOOTNOTE_LEASE": "25"} | more
            return subprocess.run(command, cwd=ROOT, env=settings_for(scratch, port, **own)).returncode


def settings_for(environment: dict[str, str], port: int, **more: str) -> dict[str, str]:
    """The environment of an installation whose sources are the vendor at `port`."""
    vendors = {
        f"{slug.upper()}{name}": value
        for slug in ("clearbit", "github_organization", "clay", "answers_only")
        for name, value in (("_BASE_URL", f"http://127.0.0.1:{port}/{slug}"), ("_API_KEY", "only-for-tests"))
    }
    own = {"EGRESS_ALLOW": f"127.0.0.1:{port}", "FOOTNOTE_LEASE": str(LEASE)}
    return environment | vendors | own | more


def query(environment: dict[str, str], sql: str) -> list[tuple[Any, ...]]:
    """Rows of the installation's database, read without any of its code."""
    url = environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        path = urlsplit(url).path[1:]
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql).fetchall()
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        return connection.execute(sql).fetchall()


@dataclass
class House:
    """One supervisor with its cluster; `roles` remembers who is who in the cluster by process id."""

    environment: dict[str, str]
    command: Sequence[str] = ("-m", "tests.torture.up")
    arguments: Sequence[str] = ("--port", "0")
    process: subprocess.Popen[bytes] | None = None
    roles: dict[int, str] = field(default_factory=dict)
    guard: int = 0

    def start(self) -> None:
        """Start the supervisor, and through it all the rest."""
        self.process = subprocess.Popen(
            [sys.executable, *self.command, *self.arguments], cwd=ROOT, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    @property
    def is_up(self) -> bool:
        """Whether the supervisor runs."""
        return self.process is not None and self.process.poll() is None

    def family(self) -> list[Process]:
        """The supervisor and all that descends from it."""
        if not self.process:
            return []
        with suppress(psutil.NoSuchProcess):
            supervisor = Process(self.process.pid)
            return [supervisor, *supervisor.children(recursive=True)]
        return []

    def members(self) -> dict[str, list[Process]]:
        """Processes by role; a role nobody has at the moment is left out."""
        found: dict[str, list[Process]] = {}
        family = self.family()
        if not family:
            return found
        found["supervisor"] = [family[0]]
        with suppress(psutil.NoSuchProcess):
            for child in family[0].children():
                words = " ".join(child.cmdline())
                if "gunicorn" in words:
                    found["web"] = [child, *child.children()]
                elif "qcluster" in words:
                    found |= self._cluster(child)
        return found

    def _cluster(self, main: Process) -> dict[str, list[Process]]:
        found = {"main": [main]}
        with suppress(psutil.NoSuchProcess):
            for guard in main.children()[:1]:
                found["guard"] = [guard]
                for child, role in self._told_apart(guard):
                    found.setdefault(role, []).append(child)
        return found

    def _told_apart(self, guard: Process) -> list[tuple[Process, str]]:
        """The guard's children with their roles: it starts workers, then monitor, then pusher; later one for one dead."""
        children = sorted(guard.children(), key=lambda child: (child.create_time(), child.pid))
        if self.guard != guard.pid:
            self.guard, self.roles = guard.pid, {}
        alive = {child.pid for child in children}
        free = ["worker"] * int(self.environment["FOOTNOTE_WORKERS"]) + ["monitor", "pusher"]
        self.roles = {pid: role for pid, role in self.roles.items() if pid in alive}
        for taken in self.roles.values():
            free.remove(taken)
        for child in children:
            if child.pid not in self.roles and free:
                self.roles[child.pid] = free.pop(0)
        return [
            (child, f"{'busy' if _talks(child) else 'idle'} worker" if role == "worker" else role)
            for child in children
            if (role := self.roles.get(child.pid, ""))
        ]

    def victims(self, roles: Sequence[str], dice: random.Random) -> tuple[str, list[Process]]:
        """One of `roles` that somebody has at the moment, and whom a kill of it hits: one process, or everything."""
        members = self.members()
        if "busy worker" in members:
            members[FROZEN] = members["busy worker"]
        there = [role for role in roles if role in members or (role == "all" and members)]
        if not there:
            return "", []
        role = dice.choice(there)
        return role, self.everybody() if role == "all" else [dice.choice(members[role])]

    def kill_all(self) -> None:
        """SIGKILL to everything that belongs to this installation and cluster, orphans and what is just being started too."""
        while everybody := self.everybody():
            kill(everybody)
            psutil.wait_procs(everybody, timeout=5)

    def everybody(self) -> list[Process]:
        """All processes of this cluster, whoever their parents are."""
        mine = {name: self.environment[name] for name in ("FOOTNOTE_HOME", "FOOTNOTE_CLUSTER")}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if mine.items() <= process.environ().items() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self) -> None:
        """End it as a user does, and make sure that it has ended."""
        if self.process and self.is_up:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.kill_all()
        if self.process:
            self.process.wait()


def kill(processes: Sequence[Process]) -> None:
    """SIGKILL to each of these processes that still runs."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def freeze(processes: Sequence[Process]) -> None:
    """SIGSTOP, and SIGCONT when others have long taken over."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            threading.Timer(FROZEN_FOR, _thaw, [process]).start()


def _thaw(process: Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


def ports(processes: Sequence[Process]) -> set[int]:
    """The local ports of the connections that processes hold."""
    found: set[int] = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found |= {each.laddr.port for each in process.net_connections("tcp4") if each.laddr}
    return found


def _talks(process: Process) -> bool:
    """Whether a worker holds a connection to the vendor (which is no database)."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        connections = process.net_connections("tcp4")
        return any(each.raddr and each.raddr.port not in (5432, 6379) for each in connections)
    return False
