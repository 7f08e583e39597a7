"""A model and pages on loopback, and a company with a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crm.models import Sheet
from enrichment import runs
from enrichment.models import (
    EnrichmentSource,
)
from sources.adapters.ai_research import AiResearch
from tests.api.conftest import Api
from tests.api.research import Research, researching
from tests.api.researching.tasks import CUSTOMERS
from tests.api.world import list_account, make_profile, make_sheet


@pytest.fixture
def research(
    api: Api, fakes: Any, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Research]:
    """AI research that asks a model and reads pages on loopback; it is off, as it is when nobody turned it on."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["ai_research"] = AiResearch()
    with researching() as world:
        for name, text in world.env.items():
            monkeypatch.setenv(name, text)
        settings.EGRESS_ALLOW = [world.env["EGRESS_ALLOW"]]
        EnrichmentSource.objects.filter(slug="ai_research").update(settings=world.settings)
        world.pages = {
            "https://acme.com": f"Acme builds robots. {CUSTOMERS}. Our 1,200 people work in Graz.",
            "https://acme.com/news": "May 3: Acme opens a plant in Linz.",
        }
        yield world


@pytest.fixture
def acme(api: Api, research: Research) -> Sheet:
    """A sheet that wants headcount, tech_stack and key_customers of Acme."""
    sheet = make_sheet(api, make_profile(api))
    list_account(sheet, {"domain": "acme.com"}, name="Acme", domain="acme.com")
    return sheet
