"""The supervisor with real processes: nothing is left behind, however anything dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from enrichment.supervisor.children import Child
from enrichment.supervisor.leash import Leash

ROOT = Path(__file__).resolve().parent.parent.parent


def expect(is_true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something, at most so long on a quiet machine, and three times that on a busy one."""
    end = time.monotonic() + 3 * seconds
    while not is_true():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.1)


def lives(process: psutil.Process) -> bool:
    """Whether a process still runs; a dead one nobody has collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_line(process: psutil.Process) -> str:
    """How a process was started; nothing for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def hear_ctrl_c() -> None:
    """What a terminal starts hears Ctrl-C; what a script starts in the background inherits that it does not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class House:
    """An installation in a folder of its own, run as its users run it."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.database = home / "footnote.sqlite3"
        clean = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        self.env = clean | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FOOTNOTE_HOME": str(home),
            "FOOTNOTE_CLUSTER": home.name,
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.seen: set[psutil.Process] = set()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60
        )

    def start(self, *command: str) -> psutil.Process:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,
        )
        return psutil.Process(self.process.pid)

    def line(self) -> str:
        assert self.process and self.process.stdout
        return self.process.stdout.readline()

    def family(self) -> list[psutil.Process]:
        """All descendants; remembered, so that their end can be checked."""
        assert self.process
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update(found)
        return found

    def members(self, word: str) -> list[psutil.Process]:
        return [process for process in self.family() if word in command_line(process)]

    def beats(self, name: str = "queue") -> list[str]:
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            rows = connection.execute("SELECT at FROM enrichment_heartbeat WHERE name = ?", [name])
            return [at for (at,) in rows]

    def wait_for_beat(self, seconds: float = 30) -> None:
        before = self.beats()
        expect(lambda: self.beats() != before, seconds, "a beat")

    def assert_all_gone(self) -> None:
        assert not [process for process in self.seen if lives(process)]

    def end(self) -> None:
        if self.process:
            if self.process.poll() is None:
                self.process.terminate()
                self.process.wait(60)
            if self.process.stdout:
                self.process.stdout.close()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables, to be copied."""
    house = House(tmp_path_factory.mktemp("template"))
    done = house.run("manage.py", "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    return house.database


@pytest.fixture
def house(tmp_path: Path, migrated: Path) -> Iterator[House]:
    shutil.copy(migrated, tmp_path / migrated.name)
    house = House(tmp_path)
    yield house
    house.end()


def test_up_serves_works_survives_a_killed_worker_and_stops_on_ctrl_c(house: House):
    house.start("manage.py", "up", "--port", "0")
    line = house.line()
    url = line.split()[3]
    with urllib.request.urlopen(f"{url}reconcile", timeout=20) as answer:
        assert (
            json.load(answer)["identifierSpace"] == f"{url}reconcile/view/"
        )  # its own address, as it tells it
    house.wait_for_beat()
    workers = [process for process in house.members("qcluster") if not process.children()]
    workers[0].kill()
    (web,) = house.members("gunicorn")[:1]
    web.kill()
    expect(lambda: len(house.members("gunicorn")) == 2, 10, "a new web server")
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.status == 200

    assert house.process
    house.process.send_signal(signal.SIGINT)
    assert (
        house.process.wait(30) == 0
    )  # within ten seconds on a quiet machine, even if the kill stopped the queue
    house.assert_all_gone()


def test_a_killed_supervisor_takes_its_children_along(house: House):
    supervisor = house.start("manage.py", "up", "--port", "0")
    house.line()
    expect(lambda: len(house.members("qcluster")) >= 4, 20, "workers")
    expect(lambda: len(house.members("gunicorn")) >= 2, 20, "a web server")
    supervisor.kill()
    supervisor.wait(15)
    expect(lambda: not any(map(lives, house.seen)), 5, "the end of all children")


SHORT = """
    import django
    django.setup()
    from enrichment.supervisor import Supervisor, Timing
    Supervisor(web=None, timing=Timing(tick=0.2, beat=1, unanswered=2, stuck=5)).run()
"""


def test_stuck_workers_are_killed_as_a_group_and_started_again(house: House):
    house.start("-c", textwrap.dedent(SHORT))
    expect(lambda: len(house.members("qcluster")) >= 4, 20, "workers")
    house.wait_for_beat()
    stuck = house.members("qcluster")
    for process in stuck:
        process.suspend()
    expect(lambda: not any(map(lives, stuck)), 40, "the end of the stuck workers")
    house.wait_for_beat()


@pytest.mark.redis
def test_the_queue_works_over_redis_too(house: House):
    url = "redis://127.0.0.1:6379/13"
    redis = pytest.importorskip("redis").from_url(url, socket_timeout=3)
    try:
        redis.flushdb()
    except Exception as error:
        pytest.skip(f"needs a Redis server: {error}")
    finally:
        redis.close()
    house.env["REDIS_URL"] = url
    house.start("manage.py", "up", "--workers-only")
    house.wait_for_beat()


def test_a_taken_port_is_said_in_one_sentence_before_anything_starts(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = House(tmp_path).run("manage.py", "up", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"CommandError: Port {port} on 127.0.0.1 is taken: "
        "stop the program that uses it, or choose another with --port.\n"
    )
    assert not (tmp_path / "footnote.sqlite3").exists()


class Clock:
    """Time that passes when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Unheld(Child):
    """A program that begins as soon as it is started."""

    def start(self) -> None:
        super().start()
        self.let_go()


def child(clock: Clock, code: str) -> Child:
    return Unheld("test program", ["/bin/sh", "-c", code], folder=ROOT, clock=clock)


def wait_for_end(program: Child) -> None:
    """Until its leader has ended; the group may live on."""
    assert program.group
    leader = psutil.Process(program.group)
    expect(lambda: not lives(leader), 5, "the end of the leader")


def test_a_program_that_ends_with_status_0_starts_again_after_growing_waits(clock: Clock):
    program = child(clock, "exit 0")
    waits = []
    program.watch()
    for _ in range(7):
        wait_for_end(program)
        program.watch()
        began = clock.now
        while program.group is None:
            clock.now += 0.5
            program.watch()
        waits.append(clock.now - began)
    program.kill()
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_program_that_lived_for_a_minute_starts_again_after_a_second(clock: Clock):
    program = child(clock, "exit 0")
    program.watch()
    for _ in range(4):
        wait_for_end(program)
        clock.now += 60
        program.watch()
        clock.now += 1
        program.watch()
        assert program.group
    program.kill()


def test_orphans_of_a_dead_leader_are_killed_before_the_new_start(clock: Clock, tmp_path: Path):
    program = child(clock, f"sleep 300 & echo $! > {tmp_path}/pid; exit 0")
    program.watch()
    wait_for_end(program)
    orphan = psutil.Process(int((tmp_path / "pid").read_text()))
    assert lives(orphan)
    assert not program.is_gone()
    program.watch()
    expect(lambda: not lives(orphan), 5, "the end of the orphan")


def test_a_program_begins_only_when_it_is_held(clock: Clock, tmp_path: Path):
    program = Child(
        "test program", ["/bin/sh", "-c", f"touch {tmp_path}/begun; sleep 300"], folder=ROOT, clock=clock
    )
    program.start()
    time.sleep(0.3)
    assert not (tmp_path / "begun").exists()
    program.let_go()
    program.let_go()
    expect((tmp_path / "begun").exists, 10, "the program")
    program.kill()


def test_a_program_whose_supervisor_died_at_its_start_never_begins(tmp_path: Path):
    code = f"""
        import os, pathlib, signal
        import django
        django.setup()
        from enrichment.supervisor.children import Child
        child = Child("x", ["/bin/sh", "-c", "touch {tmp_path}/begun"], folder=pathlib.Path("."))
        child.start()
        print(child.group, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True
    )
    orphan = int(done.stdout)
    expect(lambda: not psutil.pid_exists(orphan) or not lives(psutil.Process(orphan)), 10, "its end")
    assert not (tmp_path / "begun").exists()


def test_a_leash_whose_shell_was_killed_is_made_anew():
    leash = Leash()
    sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        leash.hold([sleeper.pid])
        assert leash._process
        leash._process.kill()
        leash._process.wait()
        leash.hold([sleeper.pid])
        assert leash._process.stdin
        leash._process.stdin.close()
        assert sleeper.wait(15) == -signal.SIGKILL
    finally:
        leash.release()
        sleeper.kill()


def test_a_released_leash_kills_nothing():
    leash = Leash()
    sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
    leash.hold([sleeper.pid])
    leash.release()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()
