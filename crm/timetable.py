"""Schedules of tasks: each planned moment makes one run, whoever notices it and however often.

The sweep looks every 30 seconds; what was missed while nobody looked is made up for once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from croniter import croniter
from django.db import transaction

from crm.ingesting import Order, execute
from enrichment import bulk
from enrichment.models import ApiSchedule, EnrichmentRun
from enrichment.names import UnknownName
from enrichment.runs import RunRefused
from sources.cadence import Cadence

_ONCE_A_DAY = re.compile(r"\d{1,2} \d{1,2} ")


class ScheduleRefused(ValueError):
    """The schedule makes no sense; str() is one sentence."""


def normal_cron(text: str) -> str:
    """A cron of five fields that fires once a day at most; raises ScheduleRefused."""
    cron = " ".join(text.split())
    if not _ONCE_A_DAY.match(cron):
        raise ScheduleRefused(
            "Write five fields, minute and hour as numbers: 0 3 * * * daily, 0 3 * * 1 weekly, 0 3 1 * * monthly."
        )
    try:
        Cadence.parse(f"cron {cron}")
    except ValueError:
        raise ScheduleRefused(
            f"'{cron[:60]}' is no cron that ever comes: write for example 0 3 * * 1."
        ) from None
    return cron


def next_moment(cron: str, after: datetime) -> datetime:
    """The first moment after another one, in UTC."""
    moment: datetime = croniter(cron, after.astimezone(UTC)).get_next(datetime)
    return moment


@transaction.atomic
def write_schedule(schedule: ApiSchedule, told: Mapping[str, Any]) -> ApiSchedule:
    """Set what is told; a new rhythm, or an end of a pause, counts from now. Raises ScheduleRefused."""
    was_active, old = schedule.status == ApiSchedule.Status.ACTIVE, schedule.cron
    for name, value in told.items():
        setattr(schedule, name, value)
    schedule.cron = normal_cron(schedule.cron)
    if schedule.pk is None or schedule.cron != old or not was_active:
        schedule.next_at = next_moment(schedule.cron, bulk.clock())
    schedule.save()
    return schedule


def sweep(now: datetime) -> int:
    """Make the runs of all moments that have come; how many schedules were due."""
    due = ApiSchedule.objects.filter(status=ApiSchedule.Status.ACTIVE, next_at__lte=now)
    ids = list(due.order_by("next_at").values_list("pk", flat=True))
    for pk in ids:
        _fire(pk, now)
    return len(ids)


@transaction.atomic
def _fire(pk: int, now: datetime) -> None:
    rows = ApiSchedule.objects.select_for_update(of=("self",)).select_related("task", "profile", "key")
    schedule = rows.filter(pk=pk, status=ApiSchedule.Status.ACTIVE, next_at__lte=now).first()
    if schedule is None:
        return
    planned, schedule.next_at = schedule.next_at, next_moment(schedule.cron, now)
    schedule.note = (_refusal(schedule) or _start(schedule, planned))[:300]
    schedule.save(update_fields=["next_at", "note"])


def _refusal(schedule: ApiSchedule) -> str:
    """Why no run is made this time; "" when one is."""
    key = schedule.key
    if key and (key.revoked or key.has_expired):
        return "Skipped: the API key that made this schedule is revoked or expired."
    going = EnrichmentRun.objects.filter(origin__schedule=schedule, status__in=EnrichmentRun.OPEN).first()
    return f"Skipped: run {going.pk} of the last moment is still going." if going else ""


def _start(schedule: ApiSchedule, planned: datetime) -> str:
    order = Order(
        profile=schedule.profile, parameters=schedule.parameters, key=schedule.key,
        user=schedule.key.owner if schedule.key else None, schedule=schedule, planned_at=planned,
    )  # fmt: skip
    try:
        with transaction.atomic():
            execute(schedule.task, order)
    except (RunRefused, UnknownName) as refused:
        return str(refused)
    return ""
