"""Sources with a bulk endpoint, in whole runs: few calls, and every account with a lookup of its own."""

from __future__ import annotations

import pytest

from crm.models import Account
from enrichment import runs
from enrichment.models import AttributeValue, Lookup, RunItem
from sources import registry
from sources.attributes import Kind
from sources.contract import Limits
from sources.errors import SourceUnavailable
from tests.factories import make_account, make_source
from tests.fakes import FakeSource
from tests.torture.bulk import ACCOUNTS, REFUSED, UNKNOWN, VENDORS, asked_at, most_calls, run_over

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


def outcomes(run, slug: str) -> dict[str, str]:
    """What came of each question of a run, by its domain."""
    asked = {lookup.pk: lookup.question["domain"] for lookup in Lookup.objects.filter(run=run)}
    entries = [item.outcomes[slug] for item in RunItem.objects.filter(run=run)]
    return {asked[entry["lookup"]]: entry["outcome"] for entry in entries}


@pytest.mark.parametrize("slug", VENDORS)
def test_a_thousand_accounts_are_asked_about_together(slug: str):
    adapter = registry.adapters()[slug]
    with asked_at(slug, VENDORS[slug]) as (_, counted):
        run = run_over(slug, [f"company{number}.com" for number in range(ACCOUNTS)])
    assert run.status == "COMPLETED"
    assert len(counted.sizes) <= most_calls(adapter.limits.batch)
    assert sum(counted.sizes) == ACCOUNTS and max(counted.sizes) == adapter.limits.batch
    missed = {domain: outcome for domain, outcome in outcomes(run, slug).items() if outcome != "found"}
    assert missed == dict.fromkeys(UNKNOWN, "failed" if slug == "people_data_labs" else "not_found")
    lookups = list(Lookup.objects.filter(run=run))
    assert len({lookup.key for lookup in lookups}) == len(lookups) == ACCOUNTS
    charged = ACCOUNTS if adapter.cost.charges_miss else ACCOUNTS - len(UNKNOWN)
    assert sum(lookup.cost for lookup in lookups) == charged * adapter.cost.credits
    assert not any(lookup.reserved for lookup in lookups)
    assert all(lookup.question["domain"].encode() in bytes(lookup.body or b"") for lookup in lookups[:5])
    values = AttributeValue.objects.filter(run=run, attribute__in=("headcount", "tech_stack"))
    assert len({str(value.references) for value in values}) == values.count() == ACCOUNTS - len(UNKNOWN)


@pytest.mark.parametrize("slug", ["people_data_labs", "apollo", "builtwith"])
def test_a_member_for_which_a_batch_is_turned_away_fails_alone(slug: str):
    batch = registry.adapters()[slug].limits.batch
    domains = [f"company{number}.com" for number in range(300, 299 + 2 * batch)]
    with asked_at(slug, VENDORS[slug]) as (_, counted):
        run = run_over(slug, [*domains, REFUSED])
    came = outcomes(run, slug)
    assert came.pop(REFUSED) == ("not_found" if slug == "builtwith" else "failed")
    assert set(came.values()) == {"found"} and len(came) == len(domains)
    assert len(counted.sizes) <= 2 + 2 * batch.bit_length()
    assert Lookup.objects.filter(run=run).count() == len(domains) + 1


class HalfAnswered(FakeSource):
    """Asks about two at once; to the second no answer comes."""

    limits = Limits(batch=2)

    def fetch(self, call, http):
        subjects = [question.subject for question in call.questions]
        first = self.answer(subjects[0].domain)
        return [first, *[SourceUnavailable("fake did not finish") for _ in subjects[1:]]]


def test_what_was_answered_is_kept_where_the_rest_of_a_batch_is_in_doubt(fakes):
    fakes["fake"] = HalfAnswered(a_com={"headcount": 7}, b_com={"headcount": 8})
    make_source("fake", cost=3, charges_miss=True)
    for name in ("a.com", "b.com"):
        make_account(name=name, domain=name)
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all())
    runs.work(run.pk, until=lambda: False)
    told = sorted(Lookup.objects.values_list("state", "cost", "error"))
    assert told == [("applied", 3, ""), ("uncertain", 3, "fake did not finish")]
    assert Account.objects.exclude(current_values={}).count() == 1
