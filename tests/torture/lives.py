"""The life of one item, from the click that starts its run to the end of it; and what must be left after a crash in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Sum
from django.test import Client as Browser

from crm.models import Account
from enrichment import callbacks, heartbeats, runs, tasks
from enrichment.models import (
    AttributeValue,
    Budget,
    Check,
    EnrichmentRun,
    EnrichmentSource,
    Heartbeat,
    Lookup,
    RunItem,
)
from sources.attributes import Kind
from tests.torture.facts import FINAL
from tests.torture.vendor import FREE, LATE, PAID

LONG = timedelta(seconds=30)  # longer than a lease
MOST_SHIFTS = 12
APART = 100  # numbers of two accounts, so that the vendor treats both alike
PRICE, CREDIT_MICROS = 3, 250_000
ENDED = frozenset({Lookup.State.APPLIED, Lookup.State.FAILED, Lookup.State.UNCERTAIN, Lookup.State.RELEASED})


@dataclass(frozen=True, kw_only=True)
class Case:
    """An item whose life is cut: whom it asks, at what price, and the kind of answer (the account's number says it)."""

    name: str
    source: str
    price: int
    vendor: str = ""
    number: int = 0
    charges_miss: bool = True

    @property
    def logged(self) -> str:
        """The name of the source in the vendor's log."""
        return self.vendor or self.source


CASES = (
    Case(name="free", source=FREE, price=0),
    Case(name="paid", source=PAID, price=PRICE),
    Case(name="paid, refused", source=PAID, price=PRICE, number=13),
    Case(name="answers only", source="answers_only", vendor=PAID, price=PRICE, charges_miss=False),
    Case(name="answers only, miss", source="answers_only", vendor=PAID, price=PRICE, number=7, charges_miss=False),
    Case(name="callback", source=LATE, price=PRICE),
)  # fmt: skip


def prepare(port: int) -> None:
    """Migrate, and set up the sources of all cases."""
    from django.core.management import call_command

    from enrichment.registration import sync_sources

    call_command("migrate", interactive=False, verbosity=0)
    sync_sources()
    for case in CASES:
        EnrichmentSource.objects.update_or_create(
            slug=case.source,
            defaults={
                "adapter": case.logged, "label": case.source, "is_enabled": True, "cost": case.price,
                "charges_miss": case.charges_miss, "per_minute": 1_000_000, "credit_price": "0.25",
                "settings": {"webhook_url": f"http://127.0.0.1:{port}/{LATE}/hook"} if case.source == LATE else {},
            },
        )  # fmt: skip


@dataclass
class Life:
    """One item of a case, with an account of its own. `keeps`: who asked lives on, and so does what was answered."""

    case: Case
    point: int
    log: Path
    keeps: bool = False
    delivered: set[str] = field(default_factory=set)

    @property
    def domain(self) -> str:
        """The account's name in the vendor's log."""
        return f"company{(self.point + 1) * APART + self.case.number}.com"

    @property
    def run(self) -> EnrichmentRun | None:
        """The run, once it was started."""
        return EnrichmentRun.objects.filter(name=self.domain).first()

    @property
    def questions(self) -> int:
        """How many questions about it were written down."""
        return Lookup.objects.filter(run__name=self.domain).count()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        run = self.run
        return run is not None and not run.is_open and not self._undelivered()

    def begin(self) -> None:
        """Make the account; no sweep is due, however slow the machine is, until this asks for one."""
        heartbeats.mark(heartbeats.SWEEPER)
        Heartbeat.objects.filter(name=heartbeats.SWEEPER).update(at=F("at") + timedelta(hours=1))
        Account.objects.create(name=self.domain, name_key=self.domain, domain=self.domain)

    def go_on(self) -> None:
        """What a user, a worker and a vendor that answers later do in turn, from wherever it stands."""
        run = self.run or runs.start(
            kind=Kind.ACCOUNT,
            records=Account.objects.filter(domain=self.domain),
            sources=[self.case.source],
            name=self.domain,
        )
        for _ in range(2):
            tasks.work(run.pk)
            self._deliver()

    def recover(self) -> None:
        """Let time pass, sweep and work until it is over."""
        for _ in range(MOST_SHIFTS):
            pass_time()
            tasks.sweep()
            self.go_on()
            if self.is_over:
                return

    def asked(self) -> list[str]:
        """The questions about the account in the vendor's log, each with the vendor's name for it."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [
            words[-1]
            for words in lines
            if words[0] == "asked" and words[1:3] == [self.case.logged, self.domain]
        ]

    def _undelivered(self) -> list[str]:
        if self.case.source != LATE:
            return []
        done = Path(f"{self.log}.delivered")
        told = done.read_text().split() if done.exists() else []
        return [name for name in self.asked() if name not in told]

    def _deliver(self) -> None:
        """Send the answers that are due, again and again until they are taken."""
        browser = Browser()
        for name in self._undelivered():
            body = {"request_id": name, "kind": "account", "domain": self.domain, "Headcount": 120}
            path = urlsplit(callbacks.url_of(int(name))).path
            answer = browser.post(path, json.dumps(body), content_type="application/json")
            assert answer.status_code in (200, 202), answer.content
            with Path(f"{self.log}.delivered").open("a") as done:
                done.write(f"{name}\n")


def pass_time() -> None:
    """Half a minute later, by every clock that a worker looks at."""
    RunItem.objects.exclude(lease_until=None).update(lease_until=F("lease_until") - LONG)
    RunItem.objects.exclude(not_before=None).update(not_before=F("not_before") - LONG)
    open_ones = Lookup.objects.filter(state__in=Lookup.OPEN, sent_at__isnull=False)
    open_ones.update(sent_at=F("sent_at") - LONG)
    Heartbeat.objects.update(at=F("at") - LONG)


UNASKED, UNKEPT = "sent, not asked", "asked, no answer kept"


def standing(life: Life) -> str:
    """Which row of the crash table a life that was cut stands in."""
    rows = Lookup.objects.filter(run__name=life.domain)
    row = rows.order_by("pk").last()
    if row is None:
        return "before sent"
    if row.state == Lookup.State.SENT:
        return UNKEPT if len(life.asked()) >= rows.count() else UNASKED
    return "settled" if row.state in ENDED else str(row.state)


@dataclass(frozen=True)
class Left:
    """What a life leaves behind, as far as it can be compared with another's."""

    item: str
    run: str
    lookups: tuple[tuple[str, int], ...]  # state, cost
    values: tuple[str, ...]
    outcome: str


def left(life: Life) -> Left:
    """Read from the database."""
    run = life.run
    assert run
    item = run.items.get()
    rows = Lookup.objects.filter(run=run).order_by("pk").values_list("state", "cost")
    values = AttributeValue.objects.filter(
        account=item.account_id, run=run
    )  # without what came with the record
    standing_values = values.filter(superseded_at=None, retracted_at=None)
    entry = item.outcomes.get(life.case.source, {})
    return Left(
        item.state, run.status, tuple((str(state), cost) for state, cost in rows),
        tuple(sorted(standing_values.values_list("attribute", flat=True))), str(entry.get("outcome")),
    )  # fmt: skip


def wrong(life: Life, stood: Sequence[str], calm: Left) -> Iterator[str]:
    """Every sentence that must not be true of a life that was cut each time it `stood` so; `calm` is one that was not."""
    run = life.run
    if run is None or run.items.count() != 1:
        yield "there is not one item"
        return
    found, asked = left(life), len(life.asked())
    doubts = stood.count(UNASKED) + (0 if life.keeps or life.case.source == LATE else stood.count(UNKEPT))
    is_in_doubt = bool(life.case.price and doubts)
    if found.run != "COMPLETED" or found.item not in FINAL:
        yield f"the run is {found.run}, its item {found.item}"
    if is_in_doubt:
        yield from _doubted(found, life.case.price)
    else:
        yield from _settled(found, calm, life.case.price)
    most = 1 + (0 if life.case.price else stood.count(UNKEPT))
    if asked > most or (asked == 0 and not is_in_doubt):
        yield f"asked {asked} times"
    yield from _values(run.items.get().account, found)
    yield from _numbers(life, run, found, asked, stood.count(UNASKED))


def _doubted(found: Left, price: int) -> Iterator[str]:
    """A paid question that nobody can tell the fate of: counted as spent, shown, not put again, nothing believed."""
    if found.lookups != (("uncertain", price),):
        yield f"the ledger says {found.lookups}, not that it is in doubt"
    if found.values:
        yield f"values out of nothing: {found.values}"


def _settled(found: Left, calm: Left, price: int) -> Iterator[str]:
    """Everything else ends as if nothing had happened."""
    if (found.item, found.outcome) != (calm.item, calm.outcome):
        yield f"the item is {found.item} ({found.outcome}), undisturbed {calm.item} ({calm.outcome})"
    if found.values != calm.values:
        yield f"its values are {found.values}, undisturbed {calm.values}"
    if found.lookups[-1:] != calm.lookups[-1:]:
        yield f"the ledger says {found.lookups}, undisturbed {calm.lookups}"
    if sum(cost for _, cost in found.lookups) != sum(cost for _, cost in calm.lookups):
        yield f"it cost {found.lookups}, undisturbed {calm.lookups}"


def _values(account: Account | None, found: Left) -> Iterator[str]:
    if account is None:
        yield "the item has no account"
        return
    if AttributeValue.objects.filter(account=account).exclude(run=None).count() != len(found.values):
        yield "a value was written twice"
    if tuple(sorted(account.current_values)) != found.values:
        yield f"the record shows {sorted(account.current_values)}, its claims are {found.values}"
    checks = Check.objects.filter(account=account).count()
    if checks > 1:
        yield f"{checks} checks of one answer"


def _numbers(life: Life, run: EnrichmentRun, found: Left, asked: int, unasked: int) -> Iterator[str]:
    """The run's counters, its items, the ledger, the budgets and the vendor's log say the same."""
    credits = sum(cost for _, cost in found.lookups)
    summary = run.summary
    progress = runs.progress(run)
    if (progress.total, progress.done, progress.percent) != (1, 1, 100):
        yield f"the run shows {progress.done} of {progress.total} done"
    if summary.get("values") != len(found.values):
        yield f"the run shows {summary.get('values')} values, there are {len(found.values)}"
    if summary.get("sources") != {life.case.source: {found.outcome: 1}}:
        yield f"the run shows {summary.get('sources')}, its item {found.outcome}"
    if sum(summary.get("credits", {}).values()) != credits:
        yield f"the run shows {summary.get('credits')} credits, the ledger {credits}"
    budget = Budget.objects.filter(scope=f"run:{run.pk}").values_list("reserved", "spent").first() or (0, 0)
    if budget != (0, credits):
        yield f"the run's budget is {budget}, the ledger says {credits}"
    sent = [state for state, _ in found.lookups if state != "released"]
    if len(sent) != asked + unasked:
        yield f"{len(sent)} questions in the ledger, {asked} at the vendor"


def wrong_budgets() -> Iterator[str]:
    """The budgets of sources and of the month against the whole ledger."""
    costs: Counter[int] = Counter()
    rows = Lookup.objects.order_by().values_list("source").annotate(Sum("cost"))
    costs.update({source: cost for source, cost in rows if cost})
    if Budget.objects.exclude(reserved=0).exists():
        yield "something stays reserved"
    spent = dict(Budget.objects.values_list("scope", "spent"))
    for source, cost in costs.items():
        said = sum(n for scope, n in spent.items() if scope.startswith(f"source:{source}:"))
        if said != cost:
            yield f"the budget of source {source} says {said} credits, the ledger {cost}"
    money = sum(n for scope, n in spent.items() if scope.startswith("money:"))
    if money != costs.total() * CREDIT_MICROS:
        yield f"the budget of the month says {money}, the ledger {costs.total() * CREDIT_MICROS}"


def hurry() -> None:
    """Make what waits in life not wait here."""
    runs.NAP = 0
    settings.ALLOWED_HOSTS = ["*"]


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases of these names; all when none is given."""
    return [case for case in CASES if not names or case.name in names]
