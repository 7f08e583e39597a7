"""Lets no child outlive its supervisor, however that one dies."""

from __future__ import annotations

import subprocess  # nosec B404
from collections.abc import Iterable
from contextlib import suppress

# Reads lists of process groups until the pipe closes, which the kernel does at the supervisor's death.
_SCRIPT = (
    'while read -r line; do groups=$line; done; for group in $groups; do kill -s KILL -- "-$group"; done'
)


class Leash:
    """A small shell at the other end of a pipe, which kills the last groups it was told when the pipe closes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._held: tuple[int, ...] = ()

    def hold(self, groups: Iterable[int | None]) -> None:
        """Tell which process groups live now; starts the shell again if something killed it."""
        held = tuple(group for group in groups if group)
        is_alive = self._process is not None and self._process.poll() is None
        if is_alive and held == self._held:
            return
        if not is_alive:
            self._process = self._spawn()
        self._held = held
        self._write(" ".join(map(str, held)))

    def release(self) -> None:
        """Hold nothing and end the shell."""
        if self._process is None:
            return
        self._write("")
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()
        self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # nosec B603
            ["/bin/sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _write(self, line: str) -> None:
        if self._process and self._process.stdin and not self._process.stdin.closed:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()
