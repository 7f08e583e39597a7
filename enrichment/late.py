"""Answers that come later: by callback, when they are asked for, or not in time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from enrichment import bulk, ledger, runs, spool
from enrichment.models import Lookup, RunItem
from enrichment.models.check import Outcome
from sources import registry
from sources.contract import Limits, Payload, Pending

_State = RunItem.State
_WITHOUT_IT = (_State.FAILED, _State.COMPLETED, _State.SKIPPED, _State.REVIEW)


def receive(lookup_id: int, *, headers: Mapping[str, str], body: bytes) -> bool:
    """Keep a late answer as received and let its items go on; False: one was there already.

    Of several answers to one lookup the first counts. An answer to a canceled run is kept in the
    ledger, where the next run finds it. Raises Lookup.DoesNotExist.
    """
    return _keep(lookup_id, Payload(status=200, body=body, url=f"callback:{lookup_id}", headers=headers))


def take_spooled() -> int:
    """Bring in the answers that the database did not take when they came; how many."""
    count = 0
    for answers in spool.left_behind():
        for lookup, answer in answers:
            if isinstance(answer, Pending):
                ledger.wait_for([(lookup, answer)])
            else:
                with suppress(Lookup.DoesNotExist):
                    count += _keep(lookup, answer)
    return count


def _keep(lookup_id: int, payload: Payload) -> bool:
    with transaction.atomic():
        lookup = Lookup.objects.select_for_update().get(pk=lookup_id)
        is_new = ledger.store_late(lookup, payload)
    if is_new:
        _bring_back(lookup)
    return is_new


def _bring_back(lookup: Lookup) -> None:
    """Queue the items that wait for the answer, and those that were closed without it: its time was up, or in doubt."""
    named = {f"outcomes__{lookup.source.slug}__lookup": lookup.pk}
    closed = Q(run=lookup.run, state__in=_WITHOUT_IT, **named)
    items = list(RunItem.objects.filter(Q(waits_for=lookup, state=_State.WAITING) | closed))
    for item in items:
        item.outcomes[lookup.source.slug]["outcome"] = Outcome.WAITING.value
    _queue(items)


def _queue(items: list[RunItem]) -> None:
    """Let items go on where they stopped."""
    now = bulk.clock()
    for item in items:
        item.state, item.waits_for, item.finished_at = _State.QUEUED, None, None
        item.not_before = item.not_before or now
    RunItem.objects.bulk_update(items, ["state", "waits_for", "finished_at", "not_before", "outcomes"])
    for run in sorted({item.run_id for item in items}):
        runs.reopen(run)


def sweep(now: datetime) -> int:
    """Close what waited too long, bring back what can go on; how many items."""
    adapters = registry.adapters()
    waiting = Lookup.objects.filter(state=Lookup.State.WAITING).select_related("source")
    for lookup in waiting.iterator():
        adapter = adapters.get(lookup.source.adapter)
        longest = timedelta(seconds=(adapter.limits if adapter else Limits()).late)
        if lookup.sent_at and lookup.sent_at + longest < now:
            _time_out(lookup, longest)
    items = RunItem.objects.filter(state=_State.WAITING)
    is_due = Q(waits_for__poll_at__lte=now) | Q(waits_for=None) | ~Q(waits_for__state=Lookup.State.WAITING)
    ready = list(items.filter(is_due)[:1000])
    _queue(ready)
    return len(ready)


def _time_out(lookup: Lookup, longest: timedelta) -> None:
    """Close a lookup without an answer; one that comes all the same is still taken."""
    source = lookup.source
    text = f"no answer within {longest.total_seconds() / 3600:g} hours; it may still come"
    state = Lookup.State.UNCERTAIN if source.cost else Lookup.State.FAILED
    ledger.close(source, [(lookup.pk, state, lookup.reserved, text)])
    items = list(RunItem.objects.filter(waits_for=lookup, state=_State.WAITING))
    for item in items:
        item.outcomes[source.slug] |= {"outcome": Outcome.FAILED.value, "reason": text}
    _queue(items)
