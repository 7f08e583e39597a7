"""Reading values: current, history, as of a date, coverage, filters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.models import Account
from enrichment.claims import Answer, pin, record, undo
from enrichment.models import CustomAttribute
from enrichment.models.check import Outcome
from enrichment.queries import Op, as_of, attributes_of, coverage, current, filter_by_value, history
from sources.attributes import Kind
from tests import factories as make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def say(account, source, at=0, run=None, **values):
    """Record what a source says about an account `at` days after the start; returns the run."""
    run = run or make.make_run()
    answer = make.make_answer(account.pk, source.pk, at, **values)
    record(run=run.pk, kind=Kind.ACCOUNT, answers=[answer])
    account.refresh_from_db()
    return run


@pytest.fixture
def acme():
    return make.make_account()


@pytest.fixture
def registry():
    return make.make_source("registry", rank=10)


def test_current_shows_each_value_with_its_source_and_references(acme, registry, django_assert_num_queries):
    say(acme, registry, industry="Robotics", headcount=1200)

    with django_assert_num_queries(2):
        industry, headcount = current(acme)

    assert (industry.slug, industry.display, industry.source_label) == ("industry", "Robotics", "Registry")
    assert (headcount.display, headcount.unit) == ("1,200", "people")
    assert industry.references == ("https://example.com/0",)
    assert industry.created_at == industry.updated_at == make.START


def test_a_check_that_finds_the_same_moves_only_the_updated_date(acme, registry):
    say(acme, registry, 0, industry="Robotics")
    say(acme, registry, 3, industry="Robotics")

    (shown,) = current(acme)

    assert (shown.created_at, shown.updated_at) == (make.START, make.START + 3 * DAY)


def test_a_check_of_an_undone_run_or_without_a_finding_moves_no_date(acme, registry):
    say(acme, registry, 0, industry="Robotics")
    undo(say(acme, registry, 3, industry="Robotics").pk)
    say(acme, registry, 5)

    (shown,) = current(acme)

    assert shown.updated_at == make.START


def test_a_pin_is_shown_as_one(acme, registry):
    make.make_writer("user", rank=1)
    say(acme, registry, industry="Robotics")
    pin(acme, "industry", "Toys", user="anna")
    acme.refresh_from_db()

    (shown,) = current(acme)

    assert shown.is_pinned
    assert (shown.display, shown.references) == ("Toys", ("user:anna",))


def test_history_keeps_every_claim_of_every_source(acme, registry, django_assert_num_queries):
    other = make.make_source("other", rank=20)
    say(acme, registry, 0, industry="Robotics")
    say(acme, registry, 1, industry="Toys", headcount=5)
    undo(say(acme, other, 2, industry="Games").pk)

    with django_assert_num_queries(1):
        claims = history(acme)

    assert [(c.slug, c.display, c.source, c.state) for c in claims if c.slug == "industry"] == [
        ("industry", "Games", "other", "retracted"),
        ("industry", "Toys", "registry", "live"),
        ("industry", "Robotics", "registry", "superseded"),
    ]
    assert [c.slug for c in history(acme, "headcount")] == ["headcount"]


def test_as_of_tells_what_was_shown_then(acme, registry, django_assert_num_queries):
    other = make.make_source("other", rank=20)
    say(acme, other, 0, industry="Games")
    say(acme, registry, 2, industry="Robotics")
    say(acme, registry, 4, industry="Toys")

    with django_assert_num_queries(3):
        early = as_of(Kind.ACCOUNT, [acme.pk], make.START + DAY)
    later = as_of(Kind.ACCOUNT, [acme.pk], make.START + 3 * DAY)

    assert early[acme.pk]["industry"]["display"] == "Games"
    assert later[acme.pk]["industry"]["display"] == "Robotics"
    assert as_of(Kind.ACCOUNT, [acme.pk], make.START + 9 * DAY)[acme.pk] == acme.current_values
    assert as_of(Kind.ACCOUNT, [acme.pk], make.START - DAY) == {acme.pk: {}}


def test_as_of_leaves_out_what_was_undone_since(acme, registry):
    say(acme, make.make_source("other", rank=20), 0, industry="Games")
    undo(say(acme, registry, 1, industry="Robotics").pk)

    assert as_of(Kind.ACCOUNT, [acme.pk], make.START + 2 * DAY)[acme.pk]["industry"]["display"] == "Games"


def test_coverage_counts_in_one_query(registry, django_assert_num_queries):
    for industry in ("Robotics", "Toys"):
        say(make.make_account(), registry, industry=industry)
    make.make_account()

    with django_assert_num_queries(1):
        found = coverage(Account.objects.all(), ["industry", "headcount"])

    assert found == {"industry": (2, 3), "headcount": (0, 3)}


def test_custom_attributes_join_the_catalogue(acme, registry):
    CustomAttribute.objects.create(slug="tier", label="Tier", kind="account")

    assert attributes_of(Kind.ACCOUNT)["tier"].label == "Tier"
    assert "tier" not in attributes_of(Kind.CONTACT)


@pytest.fixture
def three(registry):
    """Three companies, of which the last says nothing."""
    rows = {
        "acme": {
            "industry": "Robotics 100%", "headcount": 1200, "tech_stack": ["AWS", "Kafka_1"],
            "funding_stage": "Series B", "last_funding_date": "2025-03-01", "employee_growth_6mo": 12.5,
        },
        "ikea": {
            "industry": "Möbel", "headcount": 90, "tech_stack": ["AWS Lambda"],
            "funding_stage": "Seed", "last_funding_date": "2024-11-30", "employee_growth_6mo": -3,
        },
        "none": {},
    }  # fmt: skip
    for name, values in rows.items():
        say(make.make_account(comments=name), registry, **values)


@pytest.mark.parametrize(
    ("slug", "op", "text", "expected"),
    [
        ("headcount", "gt", "200", {"acme"}),
        ("headcount", "lt", "1,200", {"ikea"}),
        ("headcount", "is", "90", {"ikea"}),
        ("headcount", "is_not", "90", {"acme", "none"}),
        ("employee_growth_6mo", "lt", "0", {"ikea"}),
        ("tech_stack", "contains", "aws", {"acme"}),
        ("tech_stack", "contains", "aws lambda", {"ikea"}),
        ("tech_stack", "contains", "kafka%", set()),
        ("tech_stack", "contains", "kafkaX1", set()),
        ("tech_stack", "is_not", "AWS", {"ikea", "none"}),
        ("funding_stage", "is", "series b", {"acme"}),
        ("industry", "contains", "100%", {"acme"}),
        ("industry", "contains", "0%%", set()),
        ("industry", "contains", "MÖB", {"ikea"}),
        ("industry", "is", "möbel", {"ikea"}),
        ("last_funding_date", "gt", "2024-12-01", {"acme"}),
        ("last_funding_date", "lt", "2024-12-01", {"ikea"}),
        ("industry", "empty", "", {"none"}),
        ("industry", "filled", "", {"acme", "ikea"}),
        ("unheard_of", "filled", "", set()),
    ],
)
def test_records_are_found_by_their_values(three, slug, op, text, expected):
    found = filter_by_value(Account.objects.all(), slug, op, text)

    assert {account.comments for account in found} == expected


def test_several_filters_narrow_each_other(three):
    rows = filter_by_value(Account.objects.all(), "headcount", Op.GT, "50")
    rows = filter_by_value(rows, "tech_stack", Op.CONTAINS, "aws")
    rows = filter_by_value(rows, "industry", Op.IS_NOT, "Möbel")

    assert [account.comments for account in rows] == ["acme"]


@pytest.mark.parametrize(
    ("slug", "op", "text", "sentence"),
    [
        ("headcount", "gt", "many", "Headcount is a number; 'many' is none."),
        ("headcount", "gt", " ", "Write what Headcount is compared to."),
        ("last_funding_date", "gt", "someday", "Last funding date is a date; write it as 2025-01-31."),
        ("tech_stack", "gt", "AWS", "Tech stack is a list: ask what it contains."),
        ("industry", "like", "x", "'industry like' is not a filter."),
        ("a'b", "is", "x", "'a'b is' is not a filter."),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_in_one_sentence(slug, op, text, sentence):
    with pytest.raises(ValueError) as refused:
        filter_by_value(Account.objects.all(), slug, op, text)

    assert str(refused.value) == sentence


def test_an_answer_without_claims_leaves_no_history(acme, registry):
    answer = Answer(record=acme.pk, source=registry.pk, at=make.START, outcome=Outcome.NOT_FOUND)
    record(run=make.make_run().pk, kind=Kind.ACCOUNT, answers=[answer])

    assert history(acme) == []
