"""The run that follows a run: about the chief executives of its companies, or the companies of its people.

A run says itself what its follow-up asks (`asks_next`), and up to which of its ends it was followed; so whoever looks, and
however often, it has one follow-up. That is paid for by the same cap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crm.models import Account, Contact
from enrichment import bulk, runs
from enrichment.claims import RunUndone
from enrichment.enlisting import enlist
from enrichment.models import EnrichmentRun, RunItem
from enrichment.models.run import to_follow
from enrichment.people import introduce
from enrichment.undoing import end_follow_up
from sources.attributes import Kind

_GOES_ON = (*EnrichmentRun.OPEN, EnrichmentRun.Status.COMPLETED)


def is_waiting() -> bool:
    """Whether a run ended that is to be followed."""
    return EnrichmentRun.objects.filter(to_follow()).exists() or _undone().exists()


def sweep(*, until: Callable[[], bool] = lambda: False, on_run: Callable[[], None] = lambda: None) -> int:
    """Begin the follow-ups that are due, end those of runs that were undone; how many were looked at."""
    for undone in _undone():
        end_follow_up(undone)
    done = 0
    for run in EnrichmentRun.objects.filter(to_follow()).order_by("pk"):
        if until():
            break
        follow_up(run)
        on_run()
        done += 1
    return done


def follow_up(run: EnrichmentRun) -> EnrichmentRun | None:
    """The run that follows, begun or gone on with when that is due; None: there is nobody to ask about, or to ask."""
    if EnrichmentRun.objects.filter(to_follow(), pk=run.pk).exists():
        try:
            whom, made = _whom(run)
        except RunUndone:
            return None
        _begin(run, whom, made)
    return EnrichmentRun.objects.filter(follows=run).first()


def _undone() -> QuerySet[EnrichmentRun]:
    """Runs that were undone and whose follow-up goes on."""
    return EnrichmentRun.objects.filter(undone_at__isnull=False, follow_up__status__in=EnrichmentRun.OPEN)


def _whom(run: EnrichmentRun) -> tuple[QuerySet[Any], list[int]]:
    """Whom the follow-up is about, and which of them the run made. Raises RunUndone."""
    if run.kind == Kind.CONTACT:
        return Account.objects.filter(pk__in=run.items.values("contact__account")), []
    accounts = Account.objects.filter(pk__in=run.items.values("account"))
    everybody, made = introduce(run, accounts)
    return Contact.objects.filter(pk__in=bulk.among(everybody)), made


def _begin(run: EnrichmentRun, whom: QuerySet[Any], made: list[int]) -> None:
    """Start the follow-up or go on with it; nothing when somebody else did, or the run goes on."""
    ended_at = run.finished_at
    with transaction.atomic():
        run = EnrichmentRun.objects.select_for_update().get(pk=run.pk)
        due = EnrichmentRun.objects.filter(to_follow(), pk=run.pk, finished_at=ended_at)
        if not due.update(followed_at=ended_at):
            return
        follower = EnrichmentRun.objects.filter(follows=run).first()
        if follower:
            _go_on(follower, whom)
        elif whom.exists():
            follower = _started(run, whom)
        if follower and made:
            RunItem.objects.filter(run=follower, contact__in=bulk.among(made)).update(has_created_record=True)


def _go_on(follower: EnrichmentRun, whom: QuerySet[Any]) -> None:
    """Let a follow-up go on with those who are not in it yet; one that was canceled or undone stays as it is."""
    follower = EnrichmentRun.objects.select_for_update().get(pk=follower.pk)
    more = whom.exclude(pk__in=follower.items.exclude(**{follower.kind: None}).values(follower.kind))
    if follower.status in _GOES_ON and not follower.undone_at and enlist(follower, more):
        runs.reopen(follower.pk)


def _started(run: EnrichmentRun, whom: QuerySet[Any]) -> EnrichmentRun | None:
    kind = Kind.CONTACT if run.kind == Kind.ACCOUNT else Kind.ACCOUNT
    wanted, sources = run.asks_next["wanted"], run.asks_next["sources"]
    if not runs.plan_for(kind, wanted=wanted, sources=sources).steps:
        return None
    what = "Companies" if kind is Kind.ACCOUNT else "Chief executives"
    return runs.start(
        kind=kind, records=whom, wanted=wanted, sources=sources, parallel=run.parallel, follows=run, user=run.created_by,
        credit_limit=run.credit_limit, name=f"{what} of {run.file_name or run.name}"[:200],
    )  # fmt: skip
