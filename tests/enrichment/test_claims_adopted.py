"""Identity fields that were written on a record without a claim survive, and get a footnote."""

from __future__ import annotations

import pytest

from crm.models import Account
from enrichment.claims import pin, rebuild, record, release, switch_policy, undo
from enrichment.models import AttributeValue
from sources.attributes import Kind
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    """An account as code makes it: fields, no claims."""
    make.make_writer("user", rank=1)
    return make.make_account(name="Acme Inc.", domain="acme.com")


def say(account: Account, at: int = 0, source: str = "registry", **values: str) -> int:
    run = make.make_run().pk
    answers = [make.make_answer(account.pk, make.make_source(source).pk, at, **values)]
    record(run=run, kind=Kind.ACCOUNT, answers=answers)
    account.refresh_from_db()
    return run


def identity(account: Account) -> tuple[str, str]:
    account.refresh_from_db()
    return account.name, account.domain


def test_a_source_that_claims_a_domain_does_not_take_the_records_own(acme):
    say(acme, domain="other.com", industry="Toys")

    assert identity(acme) == ("Acme Inc.", "acme.com")
    assert acme.current_values["domain"]["value"] == "acme.com"
    assert acme.current_values["domain"]["source"] == "record"
    assert acme.current_values["domain"]["references"] == [f"record:{acme.pk}"]
    assert acme.current_values["industry"]["source"] == "registry"


def test_a_pin_of_one_value_leaves_the_other_fields(acme):
    pin(acme, "industry", "Toys", user="anna")
    assert identity(acme) == ("Acme Inc.", "acme.com")


def test_a_pinned_domain_wins_and_its_release_brings_the_records_own_back(acme):
    pin(acme, "domain", "acme.org", user="anna")
    assert identity(acme) == ("Acme Inc.", "acme.org")

    release(acme, "domain")
    assert identity(acme) == ("Acme Inc.", "acme.com")


def test_an_import_moves_the_field_and_its_undo_brings_it_back(acme):
    make.make_writer("spreadsheet")
    run = say(acme, source="spreadsheet", domain="acme.org")
    assert identity(acme)[1] == "acme.org"

    undo(run)
    assert identity(acme) == ("Acme Inc.", "acme.com")


def test_a_domain_that_an_undone_import_gave_is_not_taken_for_the_records_own(acme):
    make.make_writer("spreadsheet")
    bare = make.make_account()
    run = say(bare, source="spreadsheet", name="Bare", domain="bare.com")

    undo(run)

    assert identity(bare) == ("", "")
    assert not AttributeValue.objects.filter(account=bare, source__slug="record").exists()


@pytest.mark.parametrize("rework", [rebuild, lambda: switch_policy("newest")])
def test_rebuilding_and_switching_the_policy_keep_the_fields(acme, rework):
    rework()
    assert identity(acme) == ("Acme Inc.", "acme.com")
    assert rebuild().claims == 0


def test_lost_current_values_are_rebuilt_without_adopting_what_a_writer_claimed(acme):
    make.make_writer("spreadsheet")
    say(acme, source="spreadsheet", name="Acme", domain="acme.org")
    say(acme, 1, domain="other.com")
    before = AttributeValue.objects.count()
    Account.objects.filter(pk=acme.pk).update(current_values={}, domain="lost.com")

    rebuild()

    assert identity(acme) == ("Acme", "acme.org")
    assert AttributeValue.objects.count() == before


def test_a_field_is_adopted_once_as_the_catalogue_writes_it(acme):
    Account.objects.filter(pk=acme.pk).update(domain="https://www.Acme.com/about", city="Oslo")
    for at in range(3):
        say(acme, at, domain="other.com", city=f"City {at}")

    claims = AttributeValue.objects.filter(account=acme, source__slug="record")
    assert sorted(claims.values_list("attribute", "value", "original")) == [
        ("city", "Oslo", ""), ("domain", "acme.com", "https://www.Acme.com/about"),
    ]  # fmt: skip
    assert identity(acme) == ("Acme Inc.", "acme.com")
