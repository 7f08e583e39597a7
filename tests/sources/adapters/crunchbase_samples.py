"""What tests of Crunchbase share: an organization and its rounds."""

from __future__ import annotations

from typing import Any

from sources.adapters.crunchbase import Crunchbase

CRUNCHBASE = Crunchbase()

ORGANIZATION: dict[str, Any] = {
    "properties": {
        "identifier": {"value": "Acme", "permalink": "acme", "entity_def_id": "organization"},
        "website_url": "https://www.acme.example/",
        "legal_name": "Acme Robotics Inc.",
        "aliases": ["Acme Robots", "Acme"],
        "num_employees_enum": "c_00101_00250",
        "revenue_range": "r_00010000",
        "founded_on": {"value": "2015-03-01", "precision": "month"},
        "location_identifiers": [
            {"value": "Boston", "location_type": "city"},
            {"value": "Massachusetts", "location_type": "region"},
            {"value": "United States", "location_type": "country"},
        ],
        "funding_total": {"value": 30_000_000, "currency": "USD", "value_usd": 30_000_000},
        "last_funding_type": "series_b",
        "last_funding_at": "2026-05-04",
        "last_funding_total": {"value": 18_000_000, "currency": "EUR", "value_usd": 20_000_000},
        "investor_identifiers": [{"value": "First Fund"}, {"value": "Second Fund"}],
        "stock_symbol": {"value": "https://exchange.example/ACME", "label": "ACME"},
    }
}


def changed(**properties: Any) -> dict[str, Any]:
    return {"properties": ORGANIZATION["properties"] | properties}
