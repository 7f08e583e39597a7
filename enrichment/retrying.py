"""Trying again: the sources that failed are asked once more, never what was answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from enrichment import bulk, ledger, runs
from enrichment.models import EnrichmentRun, EnrichmentSource, Lookup, RunItem
from enrichment.models.check import Outcome
from enrichment.winner import WRITERS
from enrichment.work import PARKED, SKIPPED

_State = RunItem.State
_PAGE = 1000
_ENDED = (_State.COMPLETED, _State.DISCARDED, _State.FAILED, _State.SKIPPED, _State.REVIEW)
STATES = (_State.FAILED, _State.SKIPPED, _State.REVIEW)  # that may be tried again as a whole


@dataclass(frozen=True, slots=True)
class Wish:
    """What is tried again: the items of one state, those for which one source failed, or one item by its position.

    Without a state: the failed items; with a source or a position whatever ended.
    """

    source: str = ""
    state: str = ""
    position: int | None = None

    @property
    def states(self) -> Sequence[str]:
        """The states of the items it means."""
        if self.state:
            return (self.state,)
        return _ENDED if self.source or self.position is not None else (_State.FAILED,)


@dataclass(frozen=True, slots=True)
class Again:
    """What one source would be asked again, in items; of it `in_doubt` questions that may have been charged before."""

    slug: str
    label: str
    items: int
    in_doubt: int
    cost: int

    @property
    def credits(self) -> int:
        """What is asked without a doubt costs at most so many credits."""
        return self.items * self.cost

    @property
    def credits_in_doubt(self) -> int:
        """What may be paid a second time, at most."""
        return self.in_doubt * self.cost


@dataclass(frozen=True, slots=True)
class Preview:
    """What trying again would do: items without and with questions in doubt, and each source.

    `left_out`: why sources that failed cannot be asked now, by their label.
    """

    items: int
    items_in_doubt: int
    sources: tuple[Again, ...]
    left_out: Mapping[str, str]

    @property
    def doubts(self) -> int:
        """Questions in doubt of all sources."""
        return sum(each.in_doubt for each in self.sources)


class _Selection:
    """What of the items of a run a wish means, under the plan that the run has now."""

    def __init__(self, run: EnrichmentRun, wish: Wish) -> None:
        self.run, self.wish = run, wish
        plan = runs.plan_of(run)
        self.planned = {step.source.slug for step in plan.steps}
        self.reasons = {left.source.slug: (left.source.label, left.reason) for left in plan.left_out}
        self.left_out: dict[str, str] = {}

    def items(self) -> QuerySet[RunItem]:
        """The items that may be meant."""
        items = RunItem.objects.filter(run=self.run, state__in=self.wish.states)
        if self.wish.position is not None:
            items = items.filter(position=self.wish.position)
        return items.filter(outcomes__has_key=self.wish.source) if self.wish.source else items

    def pages(self) -> Iterator[list[int]]:
        """Their ids, a thousand at a time."""
        rows, last = self.items().order_by("pk").values_list("pk", flat=True), 0
        while ids := list(rows.filter(pk__gt=last)[:_PAGE]):
            yield ids
            last = ids[-1]

    def split(self, item: RunItem, doubtful: Collection[int]) -> tuple[set[str], set[str]]:
        """The sources that an item comes back for: without a doubt, and only when somebody confirms."""
        sure: set[str] = set()
        unsure: set[str] = set()
        is_skip_meant = bool(self.wish.state) or self.wish.position is not None
        told = {
            Outcome.FAILED,
            PARKED,
            *([SKIPPED] if item.state == _State.SKIPPED and is_skip_meant else []),
        }
        for slug, entry in item.outcomes.items():
            is_doubtful = entry.get("lookup") in doubtful
            if (
                slug in WRITERS
                or self.wish.source not in ("", slug)
                or not (is_doubtful or entry["outcome"] in told)
            ):
                continue
            if slug in self.planned:
                (unsure if is_doubtful else sure).add(slug)
            elif slug in self.reasons:
                label, reason = self.reasons[slug]
                self.left_out[label] = reason
        return sure, unsure

    def is_whole(self, item: RunItem) -> bool:
        """Whether an item was given up before any source was done with it."""
        is_untold = not set(item.outcomes) - set(WRITERS)
        return is_untold and not self.wish.source and item.state in (_State.FAILED, _State.SKIPPED)


def preview(run: EnrichmentRun, wish: Wish) -> Preview:
    """What a wish comes to: nothing is changed."""
    items = more = 0
    asked: dict[str, int] = defaultdict(int)
    doubts: dict[str, set[int]] = defaultdict(set)
    meant = _Selection(run, wish)
    for ids in meant.pages():
        part = list(RunItem.objects.filter(pk__in=bulk.among(ids)))
        doubtful = _in_doubt(part)
        for item in part:
            sure, unsure = meant.split(item, doubtful)
            items += bool(sure) or meant.is_whole(item)
            more += not sure and bool(unsure)
            for slug in sure:
                asked[slug] += 1
            for slug in unsure:
                doubts[slug].add(item.outcomes[slug]["lookup"])
    sources = EnrichmentSource.objects.filter(slug__in={*asked, *doubts})
    return Preview(
        items, more,
        tuple(Again(s.slug, s.label, asked[s.slug], len(doubts[s.slug]), s.cost) for s in sources),
        meant.left_out,
    )  # fmt: skip


def retry(run: EnrichmentRun, wish: Wish | None = None, *, with_doubts: bool = False) -> int:
    """Queue what a wish means and let its run go on; how many items.

    `with_doubts`: also questions that were sent and never answered are asked, and perhaps paid, again.
    Raises RunRefused.
    """
    wish = wish or Wish()
    if run.undone_at:
        raise runs.RunRefused("The run was undone; start a new one.")
    count, meant = 0, _Selection(run, wish)
    for ids in meant.pages():
        with transaction.atomic():
            count += _queue(meant, ids, with_doubts=with_doubts)
    if not count:
        reasons = "; ".join(f"{label} {reason}" for label, reason in meant.left_out.items())
        raise runs.RunRefused(f"Nothing can be tried again{f': {reasons}' if reasons else ''}.")
    runs.wake(run.pk)
    return count


def is_retryable(item: RunItem) -> bool:
    """Whether anything of an item may be tried again, as far as it can be told without looking further."""
    said = {entry["outcome"] for slug, entry in item.outcomes.items() if slug not in WRITERS}
    has_failed = bool(said & {Outcome.FAILED, PARKED}) or item.state in (_State.FAILED, _State.SKIPPED)
    return has_failed and item.state in _ENDED and item.run.undone_at is None


def _queue(meant: _Selection, ids: Collection[int], *, with_doubts: bool) -> int:
    """Put items back into the queue, each with the sources that it comes back for."""
    items = list(meant.items().filter(pk__in=bulk.among(ids)).select_for_update().order_by("pk"))
    doubtful = _in_doubt(items)
    now = bulk.clock()
    queued, released = [], set()
    for item in items:
        sure, unsure = meant.split(item, doubtful)
        again = sure | unsure if with_doubts else sure
        if not again and not meant.is_whole(item):
            continue
        for slug in again:
            entry = item.outcomes[slug]
            released |= {entry.get("lookup")} & doubtful
            item.outcomes[slug] = {
                "outcome": PARKED, "reason": "tried again", "lookup": entry.get("lookup"), "claims": 0, "again": True,
            }  # fmt: skip
        # An item that comes back with a date goes on where it stopped: see `Work.is_done_with`.
        item.state, item.reason, item.starts, item.finished_at, item.not_before = (
            _State.QUEUED, "", 0, None, now,
        )  # fmt: skip
        queued.append(item)
    if queued:
        ledger.ask_again(released)
        RunItem.objects.bulk_update(
            queued, ["state", "reason", "starts", "finished_at", "not_before", "outcomes"], batch_size=200
        )
        runs.open_again(meant.run.pk)
    return len(queued)


def _in_doubt(items: Sequence[RunItem]) -> set[int]:
    """Of the lookups that items know of those that were sent and never answered, and perhaps charged."""
    known = {entry.get("lookup") for item in items for entry in item.outcomes.values()} - {None}
    rows = Lookup.objects.filter(pk__in=bulk.among(known), state=Lookup.State.UNCERTAIN, source__cost__gt=0)
    return set(rows.values_list("pk", flat=True))
