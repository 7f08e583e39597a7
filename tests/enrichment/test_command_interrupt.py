"""Ctrl-C while `enrich` works, typed at a process of its own with a database of its own."""

from __future__ import annotations

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

CODE = """
import sys, time
import django
django.setup()
from django.core.management import call_command, execute_from_command_line
from sources import registry
from tests.fakes import FakeSource

class Slow(FakeSource):
    def fetch(self, call, http):
        time.sleep({seconds})
        return super().fetch(call, http)

registry.adapters = lambda: {{"slow": Slow("slow", **{{f"a{{n}}_com": {{"headcount": n + 1}} for n in range(60)}})}}
call_command("migrate", verbosity=0)
from enrichment.models import EnrichmentSource
EnrichmentSource.objects.get_or_create(
    slug="slow", defaults={{"adapter": "slow", "label": "Slow", "is_enabled": True, "cadence": "monthly", "cost": {cost}}}
)
print("ready", flush=True)
execute_from_command_line(["manage.py", "enrich", *sys.argv[1:]])
"""


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text("name,domain\n" + "".join(f"Company {n},a{n}.com\n" for n in range(60)))
    return path


def begin(home: Path, *options: str, seconds: float, cost: int = 0) -> subprocess.Popen[str]:
    """Start `enrich` and wait until it works."""
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "FOOTNOTE_HOME": str(home), "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": f"sqlite:///{home}/footnote.sqlite3",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", CODE.format(seconds=seconds, cost=cost), *options],
        cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def state(home: Path) -> tuple[str, set[str]]:
    """The status of the run, and the states of its questions."""
    with closing(sqlite3.connect(home / "footnote.sqlite3")) as database:
        ((status,),) = database.execute("SELECT status FROM enrichment_enrichmentrun")
        return status, {row[0] for row in database.execute("SELECT state FROM enrichment_lookup")}


def interrupt(process: subprocess.Popen[str]) -> tuple[str, float]:
    """Press Ctrl-C once the run works; what it says, and after how many seconds it has ended."""
    assert process.stderr
    assert process.stderr.readline() == "Importing accounts.csv …\n"
    assert "rows done" in process.stderr.readline()
    time.sleep(1)
    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = end(process, 20)
    return said, time.monotonic() - pressed


def end(process: subprocess.Popen[str], seconds: float) -> tuple[str, str]:
    """What a process says until it ends; one that does not is killed."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def resume(home: Path, *, seconds: float, cost: int = 0) -> str:
    return "".join(end(begin(home, "--resume", "1", seconds=seconds, cost=cost), 60))


def found(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["headcount"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("seconds", [0.2, 10])
def test_ctrl_c_stops_within_two_seconds_and_says_how_to_go_on(accounts: Path, seconds: float) -> None:
    process = begin(accounts.parent, "--input", str(accounts), seconds=seconds)
    said, took = interrupt(process)
    assert process.returncode == 130
    assert took < 6  # two seconds and the end of the interpreter, on a quiet machine
    assert "Run 1 is paused" in said
    assert "manage.py enrich --resume 1" in said
    assert "Traceback" not in said
    assert not (accounts.parent / "accounts_enriched.csv").exists()
    status, questions = state(accounts.parent)
    assert status == "PAUSED"
    assert ("failed" in questions) is (seconds > 2)  # calls that end in time are kept
    assert "sent" not in questions

    resume(accounts.parent, seconds=0)
    assert found(accounts.parent / "accounts_enriched.csv") == [str(n + 1) for n in range(60)]


def test_a_paid_question_given_up_is_not_sent_again(accounts: Path) -> None:
    interrupt(begin(accounts.parent, "--input", str(accounts), seconds=10, cost=1))
    said = resume(accounts.parent, seconds=0, cost=1)
    counts = found(accounts.parent / "accounts_enriched.csv")
    assert counts.count("") == 4  # as many as were in flight
    assert "asked before without an answer" in said
