"""Two runs over the same accounts: what one asks, the other does not ask and pay again."""

from __future__ import annotations

import pytest

from crm.models import Account
from enrichment import limits, runs
from enrichment.models import Budget, EnrichmentRun, Lookup
from sources.attributes import Kind
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


def work(run: EnrichmentRun) -> None:
    while runs.work(run.pk, until=lambda: False):
        pass


@pytest.mark.parametrize("cost", [0, 2])
def test_what_another_run_was_answered_after_we_looked_is_not_asked_again(
    fakes, monkeypatch: pytest.MonkeyPatch, cost: int
) -> None:
    domains = ["a.com", "b.com", "c.com"]
    fakes["fake"] = FakeSource("fake", **{domain.replace(".", "_"): {"headcount": 5} for domain in domains})
    make_source("fake", cost=cost)
    for domain in domains:
        make_account(name=domain, domain=domain)
    first, second = (runs.start(kind=Kind.ACCOUNT, records=Account.objects.all()) for _ in range(2))
    admit = limits.admit

    def admit_after_the_other_run(*arguments, **named):
        monkeypatch.setattr(limits, "admit", admit)
        work(second)
        return admit(*arguments, **named)

    monkeypatch.setattr(limits, "admit", admit_after_the_other_run)
    work(first)
    assert sorted(fakes["fake"].asked) == domains
    assert set(Lookup.objects.values_list("run", "state")) == {(second.pk, "applied")}
    for run in (first, second):
        assert run.items.filter(state="completed").count() == 3
    budgets = Budget.objects.filter(scope__startswith="run:").values_list("scope", "reserved", "spent")
    assert set(budgets) == ({(f"run:{first.pk}", 0, 0), (f"run:{second.pk}", 0, 6)} if cost else set())
