"""Records, sources and runs for tests: plain functions with sensible defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from crm.models import Account, Contact
from enrichment.claims import Answer, CleanClaim
from enrichment.models import EnrichmentRun, EnrichmentSource
from enrichment.models.check import Outcome

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
_number = count(1)


def make_account(**fields: Any) -> Account:
    """A saved account."""
    return Account.objects.create(**fields)


def make_contact(**fields: Any) -> Contact:
    """A saved contact."""
    return Contact.objects.create(**fields)


def make_source(slug: str = "", **fields: Any) -> EnrichmentSource:
    """A saved source that is on."""
    slug = slug or f"source-{next(_number)}"
    defaults: dict[str, Any] = {"label": slug.title(), "adapter": slug, "is_enabled": True, "rank": 100}
    return EnrichmentSource.objects.get_or_create(slug=slug, defaults=defaults | fields)[0]


def make_writer(slug: str = "spreadsheet", rank: int = 50) -> EnrichmentSource:
    """A source that tells without being asked: user, api or spreadsheet."""
    return make_source(slug, adapter="", rank=rank, cadence="never")


def make_run(**fields: Any) -> EnrichmentRun:
    """A saved run."""
    return EnrichmentRun.objects.create(**({"name": "Test run", "status": "RUNNING"} | fields))


def make_answer(record: int, source: int, at: int = 0, **values: Any) -> Answer:
    """An answer given `at` days after START that claims `values`; none means not found."""
    return Answer(
        record=record,
        source=source,
        at=START + timedelta(days=at),
        outcome=Outcome.FOUND if values else Outcome.NOT_FOUND,
        claims=tuple(
            CleanClaim(slug, value, (f"https://example.com/{at}",)) for slug, value in values.items()
        ),
    )
