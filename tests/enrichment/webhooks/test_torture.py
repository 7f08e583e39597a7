"""F21: half of all answers are failures, the sender is killed again and again; every event arrives, under one id."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import databases
from tests.enrichment.webhooks.receivers import Message, Receiver, receiving
from tests.torture.house import ROOT, House, query

ACCOUNTS, KILLS, SEED = 40, int(os.environ.get("WEBHOOK_KILLS", "5")), 21
EVENTS = 2 * ACCOUNTS + 2  # a signal and a changed value of each account, and two runs
LONGEST = 240.0  # seconds until whatever is still missing has been lost
MODULE = "tests.enrichment.webhooks.sender"


class Unreliable:
    """Answers half of all messages with an error, or not at all."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.taken: set[str] = set()

    def __call__(self, message: Message) -> int:
        if self.dice.random() < 0.5:
            return self.dice.choice([500, 503, 404, 0])
        self.taken.add(message.id)
        return 200


@contextmanager
def sender(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A sender that works; killed at the end."""
    command = [sys.executable, "-m", MODULE, "send"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once it holds; after long without it, leave the rest to the assertions."""
    end = time.monotonic() + LONGEST
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)


def prepare(environment: dict[str, str], *urls: str) -> None:
    """Endpoints, and runs that nobody has looked at."""
    command = [sys.executable, "-m", MODULE, "prepare", str(ACCOUNTS), *urls]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def test_every_event_arrives_although_the_sender_is_killed():
    database = os.environ.get("DATABASE_URL", "sqlite")
    answers, dice = Unreliable(SEED), random.Random(SEED)
    with (
        databases.scratch(database) as scratch,
        receiving(Receiver(status=answers, seconds=0.02)) as receiver,
        receiving(Receiver()) as inner,
    ):
        environment = scratch | {"EGRESS_ALLOW": receiver.netloc}
        urls = [receiver.url, inner.url, "https://localhost/hook", "https://169.254.169.254/latest"]
        prepare(environment, *urls)

        for _ in range(KILLS):
            with sender(environment):
                time.sleep(dice.uniform(0.1, 1.2))
        with sender(environment):
            wait_for(lambda: len(answers.taken) == EVENTS)
            wait_for(lambda: not _of_receiver(environment, "state = 'pending'"))
            # Read while somebody works: a read-only look at SQLite cannot put right what a kill left behind.
            rows = _of_receiver(environment)

    assert {state for _, state in rows} == {"delivered"}
    assert len(rows) == EVENTS
    assert answers.taken == {event_id for event_id, _ in rows}
    bodies = defaultdict(set)
    for message in receiver.messages:
        bodies[message.id].add(message.body)
    assert all(len(each) == 1 for each in bodies.values()), "an id always says the same"
    assert len(set().union(*bodies.values())) == EVENTS, "an event has one id"
    assert len(receiver.messages) > EVENTS
    assert inner.messages == []


def _of_receiver(environment: dict[str, str], condition: str = "1 = 1") -> list[tuple[str, str]]:
    """Id and state of the messages for the first endpoint."""
    return query(
        environment,
        f"SELECT event_id, state FROM enrichment_webhookdelivery WHERE endpoint_id = 1 AND {condition}",
    )


def test_workers_look_at_runs_and_send_messages_by_themselves():
    database = os.environ.get("DATABASE_URL", "sqlite")
    with databases.scratch(database) as scratch, receiving(Receiver()) as receiver:
        environment = scratch | {"EGRESS_ALLOW": receiver.netloc, "FOOTNOTE_CLUSTER": "webhooks"}
        prepare(environment, receiver.url)
        house = House(environment, arguments=("--workers-only",))
        house.start()
        try:
            wait_for(lambda: len(receiver.messages) >= EVENTS)
        finally:
            house.stop()
    assert len({message.id for message in receiver.messages}) == EVENTS
