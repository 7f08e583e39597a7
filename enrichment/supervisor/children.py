"""A program in a session of its own: it can be killed with everything it started."""

from __future__ import annotations

import logging
import os
import signal
import subprocess  # nosec B404
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

LONGEST_WAIT = 30.0  # seconds between two starts of a program that keeps ending
LIVED_WELL = 60.0  # seconds after which a program's earlier ends are forgotten
# Becomes the program when it is told so; when whoever was to tell it died before, it ends.
_GATE = 'read -r go && exec "$@" </dev/null'


class Child:
    """One program, started again with growing waits whenever it ends, with whatever exit code.

    A killed guard of the queue ends its program with exit code 0 and leaves orphans that go on working
    (reliability, finding 3): so every end is a crash, and the whole process group is killed before a new start.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        pass_fds: Sequence[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._folder = folder
        self._pass_fds = tuple(pass_fds)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._ends = 0
        self._start_at = 0.0

    @property
    def group(self) -> int | None:
        """The process group, which is also the leader's process id; None while nothing runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start a session of its own, without the terminal's signals and input; it waits for `let_go`."""
        self._started = self._clock()
        self._process = subprocess.Popen(  # nosec B603
            ["/bin/sh", "-c", _GATE, "sh", *self._command],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self._pass_fds,
        )

    def let_go(self) -> None:
        """Begin the program, if it waits: its group is known by now to whoever ends it should we be killed."""
        gate = self._process.stdin if self._process else None
        if gate and not gate.closed:
            with suppress(BrokenPipeError):  # it was killed while it waited
                gate.write(b"go\n")
                gate.flush()
            with suppress(BrokenPipeError):
                gate.close()

    def watch(self) -> None:
        """See to it that the program runs: to be called often."""
        if self._process is None:
            if self._clock() >= self._start_at:
                self.start()
        elif self._process.poll() is not None:
            code = self._process.returncode
            self.kill()
            _log.warning(
                "The %s ended with code %d; it starts again in %.0f s.", self.name, code, self._plan_start()
            )

    def restart(self) -> None:
        """Kill the whole group; `watch` starts it again."""
        self.kill()
        self._plan_start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the leader, which tells its own children."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def is_gone(self) -> bool:
        """Whether the program and everything in its group has ended."""
        if self._process is None:
            return True
        if self._process.poll() is None:
            return False
        try:
            os.killpg(self._process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False

    def kill(self) -> None:
        """SIGKILL to the whole group, orphans of a dead leader included, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            _log.error("The %s (process %d) does not end, even when killed.", self.name, process.pid)
        _bury(process.pid)

    def _plan_start(self) -> float:
        """Set the time of the next start; returns the wait in seconds: 1, 2, 4 … 30."""
        has_lived_well = self._clock() - self._started >= LIVED_WELL
        self._ends = 1 if has_lived_well else self._ends + 1
        wait = min(LONGEST_WAIT, 2.0 ** (self._ends - 1))
        self._start_at = self._clock() + wait
        return wait


def _bury(group: int) -> None:
    """Collect dead orphans of the group that became ours: so it is where we are process 1, as in a container."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
