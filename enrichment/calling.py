"""Calls: what a thread does, HTTP only; the ledger is the main thread's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from enrichment import callbacks
from enrichment.keys import key_of, other_keys
from enrichment.ledger import Poll
from enrichment.plan import Step
from sources.contract import Call, Payload, Pending, Question, Subject, Wanted
from sources.errors import NotSent, PayloadChanged, SourceError
from sources.http import Client

Group = list[tuple[str, Subject]]
Answers = Sequence[Payload | Pending | SourceError]


class Caller:
    """Asks one source for `wanted`, a group of questions a call, as long as nothing was halted.

    `held`: whether the items that the questions are for are surely still this worker's; it must ask nobody.
    """

    def __init__(self, step: Step, wanted: Wanted, held: Callable[[], bool]) -> None:
        self.step, self.wanted, self.held = step, wanted, held
        self._halt = threading.Event()
        self._call = threading.local()

    def halt(self) -> None:
        """Begin no further call; those that wait for their start give up."""
        self._halt.set()

    def leaving(self) -> None:
        """When a request is about to leave; raises NotSent for the first of a call whose items may be others' by now.

        A worker that stood still is back without knowing it. What it began to ask before it ends all the same: others
        who ask in its place have found that question in doubt, and its answer is kept.
        """
        if not self._call.has_left and not self.held():
            raise NotSent
        self._call.has_left = True

    def fetch(
        self,
        group: Group,
        lookups: Mapping[str, int],
        polls: Mapping[str, Poll],
        http: Client,
        start: float,
    ) -> Answers | None:
        """Answers to a group, asked at `start` or as soon as there was a thread free. None: nothing was sent."""
        delay = start - time.monotonic()
        if (self._halt.wait(delay) if delay > 0 else self._halt.is_set()) or not self.held():
            return None
        questions = [
            Question(
                subject=subject,
                lookup=str(lookups[key]),
                callback_url=callbacks.url_of(lookups[key]),
                token=polls[key].token if key in polls else "",
            )
            for key, subject in group
        ]
        source = self.step.source
        call = Call(
            questions=questions,
            wanted=self.wanted,
            settings=source.settings,
            key=key_of(source.slug, self.step.adapter),
            keys=other_keys(self.step.adapter),
        )
        self._call.has_left = False
        try:
            answers = self.step.adapter.fetch(call, http)
        except NotSent:
            return None
        if len(answers) != len(group):
            raise PayloadChanged(f"{len(answers)} answers came to {len(group)} questions")
        return answers
