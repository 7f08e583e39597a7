"""Query documents of MongoDB, as the V1 dialect filters entities."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Account
from enrichment.queries import meant_by
from sources.attributes import Kind
from tests.api.world import tell
from tests.factories import make_account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def accounts() -> None:
    tell(
        make_account(status="reviewed", segment="Enterprise"), name="Acme", headcount=50, industry="Software"
    )
    tell(make_account(comments="Call them"), name="Bolt", headcount=500, tech_stack=["Django", "React"])
    tell(make_account(status="passed"), name="Cove", domain="cove.io", last_funding_date="2026-01-02")


def found(query: Any) -> list[str]:
    return list(Account.objects.filter(meant_by(Kind.ACCOUNT, query)).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Acme", "Bolt", "Cove"]),
        ({"status": "new"}, ["Bolt"]),
        ({"status": {"$in": ["new", "reviewed"]}}, ["Acme", "Bolt"]),
        ({"status": {"$nin": ["new", "reviewed"]}}, ["Cove"]),
        ({"status": {"$ne": "passed"}}, ["Acme", "Bolt"]),
        ({"segment": {"$exists": True}}, ["Acme"]),
        ({"comments": {"$regex": "call", "$options": "i"}}, ["Bolt"]),
        ({"comments": None}, ["Acme", "Cove"]),
        ({"data.industry.value": "software"}, ["Acme"]),
        ({"industry": {"$ne": "Software"}}, ["Bolt", "Cove"]),
        ({"data.employees.value": {"$gt": 50}}, ["Bolt"]),
        ({"data.employees.value": {"$gte": 50, "$lt": 500}}, ["Acme"]),
        ({"data.employees": {"$lte": 500}}, ["Acme", "Bolt"]),
        ({"data.employees": {"$not": {"$lte": 500}}}, ["Cove"]),
        ({"data.employees.value": None}, ["Cove"]),
        ({"data.website.value": "https://cove.io/"}, ["Cove"]),
        ({"last_funding_date": {"$gt": "2026-01-01"}}, ["Cove"]),
        ({"tech_stack": "django"}, ["Bolt"]),
        ({"tech_stack": {"$in": ["React", "Vue"]}}, ["Bolt"]),
        ({"$or": [{"status": "passed"}, {"headcount": 50}]}, ["Acme", "Cove"]),
        ({"$nor": [{"status": "passed"}, {"headcount": 50}]}, ["Bolt"]),
        ({"$and": [{"status": "reviewed"}, {"headcount": {"$gt": 50}}]}, []),
    ],
    ids=str,
)
def test_a_document_means_records(query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ([], "object"), ({"$where": "1"}, "$and"), ({"$or": []}, "list of filters"), ({"nothing": 1}, "no attribute nothing"),
        ({"headcount": {"$mod": [2, 0]}}, "$mod"), ({"headcount": [1]}, "compared"), ({"headcount": "many"}, "number"),
        ({"industry": {"$regex": "^Soft"}}, "plain words"), ({"status": {"$gt": "new"}}, "neither more nor less"),
        ({"industry": {"$in": "Software"}}, "list"), ({"$or": [{"name": str(n)} for n in range(60)]}, "at most 50"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_understood_is_refused_in_a_sentence(query, why):
    with pytest.raises(ValueError, match=why.replace("$", r"\$")):
        found(query)
