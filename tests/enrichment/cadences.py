"""A source with a cadence, records it answered about, and one firing of its schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crm.models import Account
from enrichment import schedule
from enrichment.claims import record
from enrichment.models import (
    EnrichmentRun,
    EnrichmentSource,
    ScheduleFiring,
)
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_run, make_source
from tests.fakes import FakeSource

MONDAY = datetime(2026, 1, 12, tzinfo=UTC)  # a week after factories.START, a Monday
WEEK = timedelta(days=7)


def install(fakes, slug="fake", *, adapter=None, **fields) -> EnrichmentSource:
    fakes[slug] = adapter or FakeSource(slug)
    return make_source(slug, **({"cadence": "weekly monday", "rank": 10} | fields))


def asked(source, *records, at=0, **values) -> None:
    """The source answered about the records, `at` days after Monday the 5th."""
    answers = [make_answer(each.pk, source.pk, at, **(values or {"headcount": 5})) for each in records]
    record(run=make_run(status="COMPLETED").pk, kind=Kind.ACCOUNT, answers=answers)


def known(source, number=1, **fields) -> list[Account]:
    """Accounts the source answered about a week before MONDAY."""
    accounts = [make_account(name=f"Acme {n}", domain=f"acme{n}.com", **fields) for n in range(number)]
    asked(source, *accounts)
    return accounts


def tick(source, at=MONDAY, planned=None) -> list[EnrichmentRun]:
    """One firing of the schedule; the runs it made."""
    last = EnrichmentRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    schedule.tick(source.pk, planned or at, at)
    return list(EnrichmentRun.objects.filter(pk__gt=last))


def end(*ended: EnrichmentRun) -> None:
    EnrichmentRun.objects.filter(pk__in=[run.pk for run in ended]).update(status="COMPLETED")


def taken(run) -> list[str]:
    return sorted(item.account.name for item in run.items.select_related("account"))


def notes() -> list[str]:
    return [firing.note for firing in ScheduleFiring.objects.order_by("planned_at", "kind")]
