"""Accounts with what sources said about them, for the tests of agents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crm.models import Account
from enrichment import claims
from enrichment.claims import Answer, CleanClaim
from enrichment.models.check import Outcome
from sources.attributes import Kind
from tests.factories import make_account, make_run, make_source, make_writer


def say(
    account: Account, source: int, at: datetime, reference: str, run: int | None = None, **values: Any
) -> None:
    """Let a source claim values of an account."""
    told = tuple(CleanClaim(slug, value, (reference,)) for slug, value in values.items())
    answer = Answer(record=account.pk, source=source, at=at, outcome=Outcome.FOUND, claims=told)
    claims.record(run=run or make_run(status="COMPLETED").pk, kind=Kind.ACCOUNT, answers=[answer])
    account.refresh_from_db()


def day(month: int, number: int) -> datetime:
    """A moment of 2026."""
    return datetime(2026, month, number, 9, tzinfo=UTC)


def fund_some() -> dict[str, Account]:
    """Three accounts; two raised money in the fourth quarter of 2026, one of them after an earlier round."""
    press = make_source("crunchbase", label="Crunchbase", adapter="", rank=10).pk
    sheet = make_writer("spreadsheet").pk
    made: dict[str, Account] = {}
    for name, domain in (("Acme Robotics", "acme.com"), ("Globex", "globex.de"), ("Initech", "initech.com")):
        made[name] = make_account()
        say(made[name], sheet, day(1, 5), "csv_import", name=name, domain=domain)
    acme, globex, initech = made.values()
    page = "https://www.crunchbase.com/organization"
    say(acme, press, day(3, 2), f"{page}/acme", funding_stage="Series A", last_funding_date="2025-06-30")
    say(
        acme, press, day(10, 20), f"{page}/acme",
        funding_stage="Series B", last_funding_date="2026-10-14", last_funding_amount=42_000_000,
    )  # fmt: skip
    say(globex, press, day(11, 3), f"{page}/globex", funding_stage="Seed", last_funding_date="2026-11-02")
    say(
        initech,
        press,
        day(11, 3),
        f"{page}/initech",
        funding_stage="Series C",
        last_funding_date="2024-02-01",
    )
    return made
