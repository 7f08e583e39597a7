"""A client of the reconciliation service, and a small CRM behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crm.reconcile import known
from tests.crm.reconcile.world import Refine, company, person


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    known.forget()
    yield
    known.forget()


@pytest.fixture
def refine(db: None) -> Refine:
    return Refine()


@pytest.fixture
def crm(db: None) -> dict[str, Any]:
    acme = company(
        name="Acme Robotics, Inc.", domain="acme.com", city="Boston", country="United States", headcount=420,
        tech_stack=["Django", "PostgreSQL"], last_funding_date="2026-10-02", employee_growth_6mo=12.5,
        company_linkedin_url="https://www.linkedin.com/company/acme-robotics",
    )  # fmt: skip
    globex = company(name="Globex GmbH", domain="globex.de", city="Berlin", country="Germany")
    jane = person(acme, name="Jane Roe", email="jane@acme.com", job_title="CTO")
    other = person(globex, name="Jane Roe", email="jane.roe@globex.de")
    return {"acme": acme, "globex": globex, "jane": jane, "other": other}
