"""Does a key work? Asked where it costs nothing, and said in one sentence."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enrichment.key_tests import try_key
from enrichment.models import EnrichmentSource, Lookup
from sources import registry
from sources.contract import Source
from sources.vendors.key_checks import KNOWN
from tests import people
from tests.factories import make_source
from tests.sources.servers import Server, reply, serving

pytestmark = pytest.mark.django_db
HUNTER = {"data": {"requests": {"searches": {"used": 998, "available": 1000}}}}


class Vendor:
    """A loopback server that answers every question alike."""

    def __init__(self) -> None:
        self.answer: bytes = reply(b"{}")
        self.server: Server

    def says(self, body: Any, status: str = "200 OK") -> None:
        self.answer = reply(json.dumps(body).encode(), status)


@pytest.fixture
def vendor(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor()
    with serving(lambda connection, head: connection.sendall(vendor.answer)) as server:
        vendor.server = server
        settings.EGRESS_ALLOW = [server.netloc]
        for slug in registry.adapters():
            monkeypatch.setenv(f"{slug.upper()}_BASE_URL", server.url)
            monkeypatch.setenv(f"{slug.upper()}_API_KEY", "sesame-123")
        yield vendor


def test_a_key_that_works_says_what_is_left(vendor: Vendor) -> None:
    vendor.says(HUNTER)
    verdict = try_key(make_source("hunter", label="Hunter"))
    assert (verdict.works, verdict.text) == (True, "The key works, 2 searches are left.")
    (head,) = vendor.server.heads
    assert head.startswith(b"GET /account HTTP/1.1") and b"X-API-KEY: sesame-123" in head
    assert not Lookup.objects.exists()


def test_a_key_that_is_refused(vendor: Vendor) -> None:
    vendor.says({}, "401 Unauthorized")
    verdict = try_key(make_source("hunter"))
    assert verdict.works is False and verdict.text.startswith("The key does not work: ")
    assert "sesame" not in verdict.text


@pytest.mark.parametrize("status", ["500 Oops", "429 Slow Down", "302 Found", "200 OK"])
def test_what_cannot_be_found_out_is_no_verdict(vendor: Vendor, status: str) -> None:
    vendor.says([], status)
    verdict = try_key(make_source("builtwith"))
    assert verdict.works is (True if status == "200 OK" else None)  # an answer that does not say what is left
    assert "\n" not in verdict.text


@pytest.mark.parametrize(
    ("slug", "body", "text"),
    [
        ("builtwith", {"used": 1234, "purchased": 200000, "remaining": 198766}, "The key works, 198,766 credits are left."),
        ("github_organization", {"resources": {"core": {"remaining": 4988}}}, "The key works, 4,988 questions this hour are left."),
        ("apollo", {"credit_usage_stats": {"lead_credit": {"left_over": 7500}}}, "The key works, 7,500 lead credits are left."),
        ("enrich_layer", {"credit_balance": 12}, "The key works, 12 credits are left."),
        ("hunter", {"data": {"requests": {"searches": {"used": "many"}}}}, "The key works."),
    ],
)  # fmt: skip
def test_vendors_say_what_is_left_in_their_ways(vendor: Vendor, slug: str, body: Any, text: str) -> None:
    vendor.says(body)
    assert try_key(make_source(slug)).text == text


def test_where_a_miss_is_free_a_miss_is_good_news(vendor: Vendor) -> None:
    vendor.says({}, "404 Not Found")
    assert try_key(make_source("people_data_labs")).works


def test_a_key_may_be_the_user_of_http_basic(vendor: Vendor) -> None:
    try_key(make_source("companies_house"))
    assert base64.b64encode(b"sesame-123:") in vendor.server.heads[0]


def test_a_key_that_is_missing_and_one_that_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUNTER_API_KEY", raising=False)
    assert try_key(make_source("hunter", label="Hunter")).text == "Hunter has no key: set HUNTER_API_KEY."
    assert try_key(make_source("gleif", label="GLEIF")).text == "GLEIF needs no key."


def test_without_a_free_question_the_last_answer_is_told(vendor: Vendor) -> None:
    source = make_source("clearbit")
    assert try_key(source).text.endswith("the first record that is asked about will tell.")
    Lookup.objects.create(
        source=source, key="k", question={}, state="failed", error="does not accept the key (401)", period="2026-01",
        sent_at=timezone.now(),
    )  # fmt: skip
    assert try_key(source).text.endswith("failed: does not accept the key (401).")
    Lookup.objects.create(
        source=source, key="l", question={}, state="applied", period="2026-01", sent_at=timezone.now()
    )
    assert "the last was answered on" in try_key(source).text
    assert vendor.server.heads == []


@pytest.mark.parametrize("slug", sorted(KNOWN))
def test_every_known_question_is_of_a_source_with_a_key_and_an_address(slug: str) -> None:
    adapter: Source = registry.get(slug)
    assert adapter.base_url


def test_the_button_says_it_and_is_for_those_who_may_change_sources(client: Client, vendor: Vendor) -> None:
    vendor.says(HUNTER)
    source = make_source("hunter")
    url = reverse("admin:enrichment_enrichmentsource_test_key_action", args=[source.pk])
    client.force_login(people.make_victor())
    assert client.get(url).status_code == 403 and vendor.server.heads == []
    client.force_login(people.make_olive())
    page = client.get(url, follow=True).content.decode()
    assert "The key works, 2 searches are left." in page and "sesame" not in page
    assert EnrichmentSource.objects.count() == 1
