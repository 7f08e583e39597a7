"""Suggestions while somebody types, and the page that shows a record."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.crm.reconcile.world import Refine, check, company, entity


def test_entities_are_suggested_by_prefix_id_and_address(refine: Refine, crm: dict[str, Any]):
    def names(**query: Any) -> list[str]:
        return [
            each["id"] for each in check("suggest_entity", refine.get("/suggest/entity", **query))["result"]
        ]

    assert names(prefix="acm") == [entity(crm["acme"])]
    assert names(prefix="robot") == [entity(crm["acme"])]
    assert names(prefix="globex.d") == [entity(crm["globex"])]
    assert names(prefix=entity(crm["jane"])) == [entity(crm["jane"])]
    assert names(prefix="jane", type="account") == []
    assert names(prefix="") == []


def test_suggestions_can_be_skipped(refine: Refine):
    for number in range(13):
        company(name=f"Acme {number:02}")
    first = refine.get("/suggest/entity", prefix="acme")["result"]
    rest = refine.get("/suggest/entity", prefix="acme", cursor=10)["result"]
    assert [each["name"] for each in first + rest] == [f"Acme {number:02}" for number in range(13)]


def test_properties_and_types_are_suggested(refine: Refine):
    found = check("suggest_property", refine.get("/suggest/property", prefix="fund"))["result"]
    assert {"id": "funding_stage", "name": "Funding stage"} in found
    assert found[0]["name"].startswith("Fund")
    assert not check("suggest_property", refine.get("/suggest/property", prefix="headcount", type="contact"))[
        "result"
    ]
    told = check("suggest_type", refine.get("/suggest/type", prefix="acc"))["result"]
    assert told == [{"id": "account", "name": "Account"}]


def test_a_preview_can_be_framed_and_holds_no_markup_of_a_value(refine: Refine):
    account = company(name="<script>alert(1)</script>", domain="evil.com", company_description="<img src=x>")
    page = refine.client.get(f"{refine.base}/preview", {"id": entity(account)})
    text = page.content.decode()
    assert "X-Frame-Options" not in page
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "csv_import" in text


@pytest.mark.parametrize("wrong", ["account-999", "nobody", "", "account-1;x"])
def test_a_preview_of_nobody_is_not_found(refine: Refine, wrong: str):
    assert refine.client.get(f"{refine.base}/preview", {"id": wrong}).status_code == 404


def test_an_id_leads_to_the_page_of_its_record(refine: Refine, crm: dict[str, Any]):
    address = refine.manifest()["view"]["url"].replace("{{id}}", entity(crm["jane"]))
    found = Client().get(address)
    assert found["Location"] == f"/admin/crm/contact/{crm['jane'].pk}/change/"
