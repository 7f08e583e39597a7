"""Claims, lookups, checks and the queue: to look at only."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from unfold.admin import ModelAdmin

from enrichment.claims import record
from enrichment.models import AttributeValue, Check, Lookup
from sources.attributes import Kind
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def evidence():
    """A claim, its check and the lookup behind it."""
    account, source, run = make.make_account(name="Acme"), make.make_source("registry"), make.make_run()
    lookup = Lookup.objects.create(
        source=source, key="k", question={"name": "Acme"}, period="2026-01", status=200,
        body=b"<script>alert(1)</script>" + b"x" * 100_000,
    )  # fmt: skip
    record(
        run=run.pk, kind=Kind.ACCOUNT, answers=[make.make_answer(account.pk, source.pk, industry="Robotics")]
    )
    return AttributeValue.objects.get(), Check.objects.get(), lookup


def test_evidence_is_shown_and_cannot_be_changed(olive, evidence):
    for row in evidence:
        name = f"admin:enrichment_{row._meta.model_name}"
        assert olive.get(reverse(f"{name}_changelist")).status_code == 200
        page = olive.get(reverse(f"{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert olive.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert olive.get(reverse(f"{name}_add")).status_code == 403
        assert olive.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_payload_is_shown_as_text_and_cut(olive, evidence):
    page = olive.get(reverse("admin:enrichment_lookup_change", args=[evidence[2].pk])).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "100,025 bytes in all" in page
    assert len(page) < 200_000


def test_lists_cost_the_same_for_any_number_of_rows(olive, evidence, django_assert_max_num_queries):
    source, run = make.make_source("registry"), make.make_run()
    for number in range(10):
        account = make.make_account(name=f"Company {number}")
        record(
            run=run.pk, kind=Kind.ACCOUNT, answers=[make.make_answer(account.pk, source.pk, industry="Toys")]
        )

    for name in ("attributevalue", "check", "lookup"):
        with django_assert_max_num_queries(7):
            olive.get(reverse(f"admin:enrichment_{name}_changelist"))


def test_the_list_of_lookups_leaves_payloads_in_the_database(olive, evidence, django_assert_max_num_queries):
    with django_assert_max_num_queries(7) as queries:
        olive.get(reverse("admin:enrichment_lookup_changelist"))

    assert not [query for query in queries.captured_queries if '"body"' in query["sql"]]


QUEUE = ("schedule", "ormq", "success", "failure")


@pytest.mark.parametrize("name", QUEUE)
def test_the_queue_is_for_superusers_and_read_only(client, name):
    url = reverse(f"admin:django_q_{name}_changelist")
    manager = User.objects.create_user("manager", is_staff=True)
    from django.contrib.auth.models import Permission

    manager.user_permissions.set(Permission.objects.filter(content_type__app_label="django_q"))
    client.force_login(manager)
    assert client.get(url).status_code == 403

    client.force_login(people.make_olive())
    assert client.get(url).status_code == 200
    assert client.get(reverse(f"admin:django_q_{name}_add")).status_code == 403


def test_every_model_is_shown_in_the_look_of_the_rest():
    plain = [model for model, page in admin.site._registry.items() if not isinstance(page, ModelAdmin)]

    assert not plain


def test_the_sidebar_leads_to_pages_that_exist(olive):
    groups = olive.get(reverse("admin:index")).context["sidebar_navigation"]
    links = [str(item["link"]) for group in groups for item in group["items"]]

    assert len(links) > 15
    for link in links:
        assert olive.get(link, follow=True).status_code == 200, link


def test_a_user_is_made_in_the_admin(olive):
    response = olive.post(
        reverse("admin:auth_user_add"),
        {
            "username": "sam",
            "usable_password": "true",
            "password1": "a-long-pass-1",
            "password2": "a-long-pass-1",
        },
    )

    assert response.status_code == 302
    assert User.objects.filter(username="sam").exists()
