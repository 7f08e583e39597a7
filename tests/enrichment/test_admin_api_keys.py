"""Keys of the REST API in the admin: shown once, revoked for good."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from enrichment.models import ApiKey
from tests import people

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:enrichment_apikey_changelist"), reverse("admin:enrichment_apikey_add")


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def test_a_new_key_is_shown_once(olive):
    assert "create_api_key" in olive.get(LIST).content.decode()
    asked = {"name": "CRM sync", "scopes": ["read", "write"], "per_minute": "60"}

    page = unescape(olive.post(ADD, asked, follow=True).content.decode())

    key = ApiKey.objects.get()
    (shown,) = re.findall(r"The key of CRM sync is (\S+)", page)
    assert key.is_valid(shown) and key.scopes == ["read", "write"]
    assert shown not in unescape(olive.get(LIST).content.decode())


def test_a_key_without_scopes_is_refused(olive):
    page = olive.post(ADD, {"name": "CRM sync", "per_minute": "60"}).content.decode()
    assert "This field is required" in page
    assert not ApiKey.objects.exists()


def test_a_revoked_key_stays_revoked(olive):
    key, _ = ApiKey.objects.create_key(name="Old", scopes=["read"])
    page = reverse("admin:enrichment_apikey_change", args=[key.pk])
    olive.post(page, {"name": "Old", "scopes": ["read"], "per_minute": "60", "revoked": "on"})
    assert ApiKey.objects.get().revoked
    olive.post(page, {"name": "Old", "scopes": ["read"], "per_minute": "60"})
    assert ApiKey.objects.get().revoked


def test_the_list_says_which_keys_still_open_something(olive):
    yesterday = timezone.now() - timedelta(days=1)
    for name, fields in (("One", {}), ("Two", {"expiry_date": yesterday}), ("Three", {"revoked": True})):
        ApiKey.objects.create_key(name=name, scopes=["read"], **fields)
    page = olive.get(LIST).content.decode()
    for state in ("valid", "expired", "revoked"):
        assert len(re.findall(rf">\s*{state}\s*<", page)) == 1, state


def test_who_only_views_makes_no_key(client):
    client.force_login(people.make_victor())
    assert client.get(LIST).status_code == 200
    assert client.post(ADD, {"name": "x", "scopes": ["admin"], "per_minute": "60"}).status_code == 403
    assert not ApiKey.objects.exists()
