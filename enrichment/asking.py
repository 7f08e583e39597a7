"""Asking: threads speak to the source, the one main thread keeps the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError

from enrichment import bulk, ledger, limits, spool
from enrichment.calling import Answers, Caller, Group
from enrichment.clients import client_of
from enrichment.line import Ended, Line
from enrichment.models import Lookup
from enrichment.outcomes import consequence, without_keys
from enrichment.plan import Step
from enrichment.reply import Reply
from enrichment.seats import Seats
from enrichment.subjects import asked_subject
from sources.contract import Payload, Pending, Subject, Wanted
from sources.errors import PayloadChanged, SourceError, Unreachable
from sources.http import Client

_log = logging.getLogger(__name__)

LOOKS_APART = 0.2  # seconds at least between two looks at whether the run still goes on
HANDED_APART = 0.5  # seconds at least between two parts of the replies: recording few at a time costs more
NO_ROOM = timedelta(minutes=1)  # until the disk is looked at again
BUSY = timedelta(seconds=5)  # until a question that is in flight elsewhere is looked at again

_Ended = Ended[Group, Answers | None]


class Asker:
    """Puts questions to one source, at most `parallel` calls at once and no more than it takes, and stores each answer.

    `wanted` is what the source is asked for; of an answer everything in the `catalogue` is read. `alive`: whether to go
    on, and a sign that this worker does; `held`: as `enrichment.calling` has it.
    """

    def __init__(
        self,
        step: Step,
        *,
        run: int,
        parallel: int,
        wanted: Wanted,
        catalogue: Wanted,
        alive: Callable[[], bool],
        held: Callable[[], bool],
    ) -> None:
        self.step, self.run, self.alive, self.catalogue = step, run, alive, catalogue
        self._seats = Seats(step, parallel)
        self.batch = step.adapter.limits.batch
        self._rest: Reply | None = None  # what the questions not yet asked are told
        self._interval = 0.0  # seconds between two calls that the source takes
        self._is_trial = False  # whether it failed lately
        self._late: Mapping[str, ledger.Poll] = {}
        self._priorities: ledger.Priorities | None = None
        self._subjects: Mapping[str, Subject] = {}
        self._caller = Caller(step, wanted, held)
        self._looked = 0.0
        self._handed = time.monotonic()

    def ask(
        self,
        subjects: Mapping[str, Subject],
        priorities: ledger.Priorities | None = None,
        *,
        told: Collection[int] = (),
    ) -> dict[str, Reply]:
        """All of `parts` together."""
        replies: dict[str, Reply] = {}
        for part in self.parts(subjects, priorities, told=told):
            replies |= part
        return replies

    def parts(
        self,
        subjects: Mapping[str, Subject],
        priorities: ledger.Priorities | None = None,
        *,
        told: Collection[int] = (),
    ) -> Generator[dict[str, Reply], None, None]:
        """Replies by question key, a part now and then: the threads go on asking while the caller works on one.

        Keys that could not be asked are answered with a reason. `priorities`: of the records that ask, by key (of ""
        where left out). `told`: lookups of this run whose errors their items know of; such a question is put again.
        """
        self._subjects, self._priorities = subjects, priorities
        kept = ledger.cached(self.step.source, subjects, run=self.run, priorities=priorities)
        replies = self._read_kept(kept)
        replies |= self._refused([key for key in subjects if key not in kept], told)
        todo = [(key, subject) for key, subject in subjects.items() if key not in replies]
        if todo:
            with (
                self._seats,
                client_of(self.step.adapter, leaving=self._caller.leaving) as http,
                ThreadPoolExecutor(self._seats.wish) as pool,
                spool.opened(is_paid=self.step.source.cost > 0) as self._spool,
            ):
                for found in self._put(todo, http, pool):
                    replies |= {key: reply for key, reply in found.items() if key in subjects}
                    if time.monotonic() - self._handed >= HANDED_APART:
                        yield replies
                        replies, self._handed = {}, time.monotonic()
        yield replies

    def _put(self, todo: Group, http: Client, pool: ThreadPoolExecutor) -> Iterator[dict[str, Reply]]:
        """Ask for the late answers that are due, then what is new; replies as they come."""
        lease = timedelta(seconds=2 * self.step.adapter.limits.deadline) + ledger.MARGIN
        self._late = ledger.take_polls(
            self.step.source, [key for key, _ in todo], lease=lease, together=self.batch > 1
        )
        groups = self._due_groups()
        while groups and self._is_seated():
            delays = self._slots(min(self._seats.count, len(groups)))
            lookups = {key: poll.lookup for key, poll in self._late.items()}
            now, later = groups[: len(delays)], groups[len(delays) :]
            groups = (yield from self._calls(now, delays, lookups, http, pool, bulk.clock())) + later
        yield self._told_rest([pair for group in groups for pair in group])
        todo = [(key, subject) for key, subject in todo if key not in self._late]
        has_settled = False
        while todo and self._is_seated():
            part, delays = self._admitted(todo)
            unpaid, unsent = yield from self._window(part, delays, http, pool)
            left = [pair for pair in part if pair[0] in unpaid]
            if left and len(left) == len(part) and has_settled:
                self._stop(Reply(None, bulk.clock(), reason=unpaid[left[0][0]]))
            has_settled = bool(left)
            if has_settled:
                # Answers may cost less than was set aside for them: what came is settled, then tried again.
                self._handed = 0.0
                yield {}
            todo = [*left, *unsent, *todo[len(part) :]]
        yield self._told_rest(todo)

    def _due_groups(self) -> list[Group]:
        """Late answers to ask for: one call for each token, for it may be given once only; also by questions of others."""
        groups: dict[str, Group] = {}
        for key, poll in self._late.items():
            subject = self._subjects.get(key) or asked_subject(poll.question)
            groups.setdefault(poll.token if self.batch > 1 else key, []).append((key, subject))
        return list(groups.values())

    def _read_kept(self, kept: Mapping[str, ledger.Kept]) -> dict[str, Reply]:
        return {
            key: self._read(key, each.lookup, each.payload, each.asked_at, is_open=not each.is_applied)
            for key, each in kept.items()
        }

    def _refused(self, keys: Collection[str], told: Collection[int]) -> dict[str, Reply]:
        """What the source refused for good before this run was interrupted: asking again would only cost again."""
        refusals = ledger.refusals(self.step.source, keys, run=self.run, told=told)
        replies = {
            key: self._read(key, each.lookup, each.payload, each.asked_at, is_open=False)
            for key, each in refusals.items()
        }
        return {
            key: reply
            for key, reply in replies.items()
            if reply.error is None or consequence(reply.error).tries == 1
        }

    def _goes_on(self) -> bool:
        now = time.monotonic()
        if self._rest is None and now - self._looked >= LOOKS_APART:
            self._looked = now
            self._seats.keep()
            if not self.alive():
                self._stop(Reply(None, bulk.clock(), reason="the run was stopped"))
        return self._rest is None

    def _is_seated(self) -> bool:
        """Whether to go on, and the source takes one more call at once at least."""
        if self._goes_on() and not self._seats.take(self._goes_on):
            self._stop(Reply(None, now := bulk.clock(), reason=self._seats.full, again_at=now))
        return self._rest is None

    def _stop(self, rest: Reply) -> None:
        """Ask nothing more; calls that wait for their slot give up."""
        self._rest = self._rest or rest
        self._caller.halt()

    def _admitted(self, todo: Group) -> tuple[Group, tuple[float, ...]]:
        """The questions that may be asked now, with the seconds until each call may start."""
        # Of a paid source only what can leave at once is written down as sent: a crash loses no more.
        window = self._seats.count * self.batch if self.step.source.cost else max(len(todo), 1)
        delays = self._slots(-(-min(window, len(todo)) // self.batch))
        return todo[: min(window, len(delays) * self.batch)], delays

    def _slots(self, calls: int) -> tuple[float, ...]:
        """The seconds until each of the calls that are admitted may start; with none the rest is stopped."""
        source = self.step.source
        if reason := self._spool.want_of_room(self.step.adapter.limits.max_bytes):
            self._stop(Reply(None, now := bulk.clock(), reason=reason, again_at=now + NO_ROOM))
            return ()
        slots = limits.admit(source, source.per_minute or self.step.adapter.limits.per_minute, calls)
        self._is_trial |= slots.is_trial
        if not slots.delays:
            self._stop(Reply(None, bulk.clock(), reason=slots.reason, again_at=slots.again_at))
            self._interval = slots.interval
        return slots.delays

    def _told_rest(self, todo: Group) -> dict[str, Reply]:
        """What the questions left over are told; parked ones come back spread over the pace of the source."""
        if self._rest is None or self._rest.again_at is None:
            return {key: self._rest for key, _ in todo if self._rest}
        pace = timedelta(seconds=self._interval)
        return {
            key: replace(self._rest, again_at=self._rest.again_at + pace * (number // self.batch))
            for number, (key, _) in enumerate(todo)
        }

    def _window(
        self, part: Group, delays: Sequence[float], http: Client, pool: ThreadPoolExecutor
    ) -> Generator[dict[str, Reply], None, tuple[Mapping[str, str], Group]]:
        """The replies of questions that may leave now, as they come.

        In the end the keys without budget and why, and the questions that did not leave after all.
        """
        adapter = self.step.adapter
        asked = {key: ledger.question(adapter, subject) for key, subject in part}
        opened = ledger.open_questions(
            self.step.source, adapter, run=self.run, asked=asked, priorities=self._priorities
        )
        yield self._read_kept(opened.known)
        yield {key: self._busy(lookup, state, opened.at) for key, (lookup, state) in opened.busy.items()}
        ready = [(key, subject) for key, subject in part if key in opened.lookups]
        groups = [ready[start : start + self.batch] for start in range(0, len(ready), self.batch)]
        unsent = yield from self._calls(groups, delays, opened.lookups, http, pool, opened.at)
        return opened.unpaid, [pair for group in unsent for pair in group]

    def _calls(
        self,
        groups: Sequence[Group],
        delays: Sequence[float],
        lookups: Mapping[str, int],
        http: Client,
        pool: ThreadPoolExecutor,
        asked_at: datetime,
    ) -> Generator[dict[str, Reply], None, list[Group]]:
        """A call for each group, begun after its delay; replies as they come, in the end the groups that did not leave."""
        began = time.monotonic()
        unsent: list[Group] = []
        line = Line(
            lambda group, start: self._caller.fetch(group, lookups, self._late, http, start),
            [(group, began + delay) for group, delay in zip(groups, delays, strict=False)],
        )
        for _ in range(min(self._seats.count, line.open)):
            pool.submit(line.work)
        try:
            while line.open:
                done = line.ended()
                yield self._keep(done, lookups, asked_at)
                back = [each.group for each in done if each.result is None and not each.error]
                back += [] if self._goes_on() else line.call_off()
                self._release(back, lookups)
                unsent += back
        finally:
            if line.open:  # whoever listened has failed: nothing more is asked, what comes is kept
                self._rescue(line, lookups)
        return unsent

    def _busy(self, lookup: int, state: str, now: datetime) -> Reply:
        """A question that somebody else asks just now, or that is in doubt."""
        if state == Lookup.State.UNCERTAIN:
            return Reply(
                lookup, now, reason="asked before without an answer; whether it was charged is in doubt"
            )
        if state == Lookup.State.WAITING:
            return Reply(lookup, now, reason="the answer comes later", waits=True)
        return Reply(lookup, now, reason="the same question is in flight", again_at=now + BUSY)

    def _release(self, groups: Sequence[Group], lookups: Mapping[str, int]) -> None:
        """Give back questions that were written down but never left."""
        keys = [key for group in groups for key, _ in group if key not in self._late]
        closed = [(lookups[key], Lookup.State.RELEASED, 0, "never sent") for key in keys]
        ledger.close(self.step.source, closed)

    def _keep(
        self, done: Sequence[_Ended], lookups: Mapping[str, int], asked_at: datetime
    ) -> dict[str, Reply]:
        """Store the answers as received, then read them: an error in one stops what makes no sense to ask."""
        self._spool.store(spool.answers_of(done, lookups))
        replies: dict[str, Reply] = {}
        unanswered: dict[SourceError, Group] = {}
        for group, answers, error in done:
            if error:
                if not isinstance(error, SourceError):
                    error = self._mistake(error, lookups[group[0][0]])
                replies |= self._failed(group, lookups, asked_at, error)
            for (key, subject), each in zip(group, answers or (), strict=False):
                if isinstance(each, SourceError):
                    unanswered.setdefault(each, []).append((key, subject))
                elif isinstance(each, Pending):
                    reply = Reply(lookups[key], asked_at, reason="the answer comes later", waits=True)
                    replies[key] = self._heard(reply)
                elif key in self._subjects:  # whoever waits for another reads it
                    replies[key] = self._heard(self._read(key, lookups[key], each, asked_at, is_open=True))
        for failure, group in unanswered.items():
            replies |= self._failed(group, lookups, asked_at, failure)
        return replies

    def _heard(self, reply: Reply) -> Reply:
        """The same; of a source that failed lately an answer says that it works again."""
        if self._is_trial and (reply.waits or reply.findings is not None):
            self._is_trial = False
            limits.note_answer(self.step.source)
        return reply

    def _rescue(self, line: Line[Group, Answers | None], lookups: Mapping[str, int]) -> None:
        """Keep the answers of calls in flight, give back what was not sent; a database that fails again is left alone."""
        unsent = line.call_off()
        while line.open:
            with suppress(DatabaseError):
                self._spool.store(spool.answers_of(line.ended(), lookups), patience=0)
        with suppress(DatabaseError):
            self._release(unsent, lookups)

    def _read(self, key: str, lookup: int, payload: Payload, asked_at: datetime, *, is_open: bool) -> Reply:
        """Parse an answer; the lookup of one that is an error is closed with the error's consequence."""
        try:
            findings = tuple(self.step.adapter.parse(payload, self.catalogue))
        except SourceError as error:
            failure = without_keys(error)
        except Exception as error:  # an adapter's own mistake fails its rows, never the run
            failure = self._mistake(error, lookup)
        else:
            return Reply(lookup, asked_at, findings, is_open=is_open)
        if is_open:
            return self._failed([(key, Subject())], {key: lookup}, asked_at, failure)[key]
        return Reply(lookup, asked_at, error=failure, reason=str(failure))

    def _mistake(self, error: BaseException, lookup: int) -> PayloadChanged:
        """Log what an adapter did wrong, for its author; the item is told less."""
        slug = self.step.source.slug
        _log.error(
            "The adapter of %s failed.", slug, exc_info=error, extra={"source": slug, "lookup": lookup}
        )
        return PayloadChanged(f"the adapter failed: {type(error).__name__}")

    def _failed(
        self, group: Group, lookups: Mapping[str, int], asked_at: datetime, error: SourceError
    ) -> dict[str, Reply]:
        effect, source, error = consequence(error), self.step.source, without_keys(error)
        self._is_trial |= effect.tries > 1
        state = effect.paid_state if source.cost else effect.free_state
        cost = source.cost if effect.is_charged else 0
        ledger.close(source, [(lookups[key], state, cost, str(error)) for key, _ in group])
        has_one_address = bool(self.step.adapter.base_url)
        paused = limits.note_error(source, error, has_one_address=has_one_address)
        # A site that nobody serves is no passing trouble, a vendor that cannot be reached is.
        is_final = effect.tries == 1 or (isinstance(error, Unreachable) and not has_one_address)
        if paused:
            again = None if is_final else paused
            self._stop(Reply(None, asked_at, reason=f"{source.label}: {error}", again_at=again))
        if is_final or state is Lookup.State.UNCERTAIN:
            again, tries = None, 1
        else:
            again, tries = paused or limits.retry_at(error), effect.tries
        return {
            key: Reply(
                lookups[key], asked_at, error=error, reason=str(error), again_at=again, most_tries=tries
            )
            for key, _ in group
        }
