"""What the runs of an API key may cost: a limit a month, kept by the limits of its runs."""

from __future__ import annotations

from django.db.models import Q

from enrichment import bulk
from enrichment.models import ApiKey, Budget, EnrichmentRun, RunOrigin
from enrichment.models.run import to_follow


def left_of_key(key: ApiKey) -> int | None:
    """Credits that new runs of the key may cost this month; None: no limit.

    A run that may still go on counts with all it may spend, one that has ended with what it spent.
    """
    if key.monthly_limit is None:
        return None
    now = bulk.clock()
    runs = EnrichmentRun.objects.filter(
        origin__key=key, created_at__gte=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    limits = dict(runs.values_list("pk", "credit_limit"))
    spent = {
        int(scope.removeprefix("run:")): used + held
        for scope, used, held in Budget.objects.filter(scope__in=[f"run:{pk}" for pk in limits]).values_list(
            "scope", "spent", "reserved"
        )
    }
    going = Q(status__in=EnrichmentRun.OPEN) | Q(follow_up__status__in=EnrichmentRun.OPEN) | to_follow()
    ended = set(runs.exclude(pk__in=runs.filter(going).values("pk")).values_list("pk", flat=True))
    held = sum(
        spent.get(pk, 0) if pk in ended else max(limit or 0, spent.get(pk, 0)) for pk, limit in limits.items()
    )
    return max(0, key.monthly_limit - held)


def capped(key: ApiKey | None, wish: int | None) -> int | None:
    """The credit limit of a new run: what is wished, and no more than the key has left.

    To be called in the transaction that makes the run; other runs of the key wait for it.
    """
    if key is None or key.monthly_limit is None:
        return wish
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    left = left_of_key(locked)
    if left is None:
        return wish
    return left if wish is None else min(wish, left)


def note_origin(run: EnrichmentRun, key: ApiKey | None, **told: object) -> RunOrigin:
    """Keep who started a run, and how."""
    return RunOrigin.objects.create(run=run, key=key, **told)
