"""Sources, tables that become sources, attributes, preferences, and the first page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from enrichment.admin import tables as table_pages
from enrichment.claims import record
from enrichment.models import Budget, CustomAttribute, EnrichmentSource, Preferences, Throttle
from sources import registry
from sources.attributes import Kind
from sources.contract import Secret
from tests import factories as make
from tests import people
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db
SOURCES = reverse("admin:enrichment_enrichmentsource_changelist")
REGISTER = reverse("admin:enrichment_enrichmentsource_register")
TABLE = "Company,Website,Employees,Proof,Colour\nAcme,acme.com,120,https://example.com/acme,red\n"


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


@pytest.fixture
def paid(monkeypatch):
    """A source whose adapter needs a key."""
    adapter = FakeSource("paid")
    adapter.secret = Secret(env="PAID_API_KEY")  # type: ignore[misc]
    monkeypatch.setattr(registry, "adapters", lambda: {"paid": adapter})
    monkeypatch.delenv("PAID_API_KEY", raising=False)
    return make.make_source("paid", cost=2, monthly_limit=1000)


def test_the_list_shows_use_and_keys_in_a_fixed_number_of_queries(olive, paid, django_assert_max_num_queries):
    Budget.objects.create(scope=f"source:{paid.pk}:{timezone.now():%Y-%m}", limit=1000, spent=40, reserved=2)
    account = make.make_account()
    record(
        run=make.make_run().pk,
        kind=Kind.ACCOUNT,
        answers=[make.make_answer(account.pk, paid.pk, industry="Toys")],
    )

    with django_assert_max_num_queries(9) as few:
        page = olive.get(SOURCES).content.decode()
    assert 'fn-danger">missing</span><div class="fn-muted fn-small fn-wrap">PAID_API_KEY' in page
    assert re.search(r">\s*42 of 1,000 credits\s*<", page)

    for _ in range(8):
        make.make_source()
    with django_assert_max_num_queries(9) as many:
        olive.get(SOURCES)
    assert len(few.captured_queries) == len(many.captured_queries)


def test_a_key_is_never_shown(olive, paid, monkeypatch):
    monkeypatch.setenv("PAID_API_KEY", "sesame-123")

    for url in (SOURCES, reverse("admin:enrichment_enrichmentsource_change", args=[paid.pk])):
        page = olive.get(url).content.decode()
        assert "present" in page
        assert "sesame" not in page


def test_rank_and_switch_are_edited_in_the_list(olive):
    source = make.make_source("registry", rank=10)
    rows = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": source.pk,
        "form-0-rank": 3,
        "_save": "Save",
    }

    olive.post(SOURCES, rows)

    source.refresh_from_db()
    assert (source.rank, source.is_enabled) == (3, False)


def edit(client, source, **changes):
    url = reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])
    form = client.get(url).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if name in form.fields and value is not None}
    return client.post(url, {**data, "settings": "{}", **changes})


@pytest.mark.parametrize("wrong", [{"cadence": "now and then"}, {"time_zone": "Mars/Olympus"}, {"rank": "0"}])
def test_cadence_time_zone_and_rank_are_checked(olive, wrong):
    source = make.make_source("registry", rank=10)

    response = edit(olive, source, **wrong)

    assert response.status_code == 200
    assert response.context["adminform"].form.errors.keys() == wrong.keys()


def test_a_cadence_is_kept_in_its_normal_form(olive):
    source = make.make_source("registry", rank=10)

    assert edit(olive, source, cadence="Weekly on Monday").status_code == 302

    source.refresh_from_db()
    assert source.cadence == "weekly monday"


@pytest.mark.parametrize(
    ("changes", "is_lifted"),
    [({"settings": '{"region": "eu"}'}, True), ({"per_minute": "10"}, True), ({"monthly_limit": "50"}, True),
     ({"lift_pause": "on"}, True), ({"label": "Registry"}, False), ({}, False)],
)  # fmt: skip
def test_what_may_have_mended_a_source_lifts_its_pause(olive, changes, is_lifted):
    until = timezone.now() + timedelta(hours=1)
    source = make.make_source("registry", rank=10, paused_until=until, paused_reason="bad key")
    Throttle.objects.create(source=source, failures=7)

    assert edit(olive, source, **changes).status_code == 302

    source.refresh_from_db()
    assert (source.paused_until, source.paused_reason) == ((None, "") if is_lifted else (until, "bad key"))
    assert Throttle.objects.get().failures == (0 if is_lifted else 7)


def test_the_box_that_lifts_a_pause_is_there_while_it_lasts(olive):
    source = make.make_source("registry", rank=10)
    url = reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])
    assert "Ask it again at once" not in olive.get(url).content.decode()
    EnrichmentSource.objects.update(paused_until=timezone.now() + timedelta(hours=1))
    assert "Ask it again at once" in olive.get(url).content.decode()


def test_a_viewer_may_look_at_sources_only(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    source = make.make_source("registry", rank=10)
    client.force_login(people.make_victor())

    assert client.get(SOURCES).status_code == 200
    assert (
        client.post(reverse("admin:enrichment_enrichmentsource_change", args=[source.pk]), {}).status_code
        == 403
    )
    assert client.get(REGISTER).status_code == client.post(REGISTER).status_code == 403


# Tables


@pytest.fixture
def registered(monkeypatch, settings, tmp_path):
    """What was registered, instead of registering it."""
    settings.MEDIA_ROOT = tmp_path
    calls = []

    def register(path, **options):
        if options["slug"] == "taken":
            raise ValueError("There is a source 'taken' already: choose another slug.")
        calls.append((path.read_text(), options))
        return make.make_source(options["slug"], label=options["label"])

    monkeypatch.setattr(table_pages.tables, "register", register)  # type: ignore[attr-defined]
    return calls


def choose(client, text=TABLE, name="our_leads.csv"):
    return client.post(REGISTER, {"file": SimpleUploadedFile(name, text.encode())})


def submit(client, page, **changes):
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]  # type: ignore[index]
    fields = {f"column_{place}": column.slug for place, column in enumerate(page.context["columns"])}
    names = ("label", "slug", "rank", "key", "reference")
    return client.post(
        REGISTER, {"token": token, **fields, **{name: page.context[name] for name in names}, **changes}
    )


def test_recognised_columns_are_chosen_already(olive, registered):
    page = choose(olive)

    chosen = {column.header: column.slug for column in page.context["columns"]}
    assert (chosen["Website"], chosen["Employees"], chosen["Colour"]) == ("domain", "headcount", "")
    assert page.context["key"] == "Website"
    assert (page.context["label"], page.context["slug"]) == ("Our leads", "our_leads")


def test_a_table_becomes_a_source(olive, registered):
    response = submit(olive, choose(olive), reference="Proof", rank="7")

    ((text, options),) = registered
    assert text == TABLE
    assert options["mapping"]["Employees"] == "headcount"
    assert (options["slug"], options["key"], options["reference"], options["rank"]) == (
        "our_leads",
        "Website",
        "Proof",
        7,
    )
    source = EnrichmentSource.objects.get(slug="our_leads")
    assert response.url == reverse("admin:enrichment_enrichmentsource_change", args=[source.pk])


@pytest.mark.parametrize(
    "wrong",
    [{"slug": "taken"}, {"label": ""}, {"rank": "0"}, {"key": "Nothing"}, {"column_2": "", "column_4": ""}],
)
def test_what_cannot_be_registered_is_refused_in_one_sentence(olive, registered, wrong):
    response = submit(olive, choose(olive), **wrong)

    assert response.status_code == 200
    assert len(list(response.context["messages"])) == 1
    assert not registered


def test_a_bad_file_gets_one_message(olive, registered):
    response = choose(olive, "\x89PNG not a table", "broken.xlsx")

    assert len(list(response.context["messages"])) == 1
    assert "Look at its columns" in response.content.decode()


# Attributes and preferences


def test_an_attribute_is_added_and_one_that_exists_is_refused(olive):
    url = reverse("admin:enrichment_customattribute_add")
    fields = {"label": "Tier", "slug": "tier", "kind": "account", "type": "text", "aliases": "[]"}

    assert olive.post(url, fields).status_code == 302
    refused = olive.post(url, fields | {"label": "Employees", "slug": "employees"})

    assert "already means this" in refused.content.decode()
    assert [row.slug for row in CustomAttribute.objects.all()] == ["tier"]
    assert (
        "employee_count" in olive.get(reverse("admin:enrichment_customattribute_changelist")).content.decode()
    )


def test_switching_the_policy_recomputes_current_values(olive):
    account = make.make_account()
    trusted, newer = make.make_source("trusted", rank=1), make.make_source("newer", rank=9)
    for at, source, industry in ((0, trusted, "Robotics"), (3, newer, "Toys")):
        answer = make.make_answer(account.pk, source.pk, at, industry=industry)
        record(run=make.make_run().pk, kind=Kind.ACCOUNT, answers=[answer])

    opened = olive.get(reverse("admin:enrichment_preferences_changelist"), follow=True)
    response = olive.post(opened.redirect_chain[-1][0], {"belief": "newest", "monthly_limit_usd": "25"})

    assert response.status_code == 302
    account.refresh_from_db()
    assert account.value("industry") == "Toys"
    assert (Preferences.objects.get().policy, Preferences.objects.get().monthly_limit_usd) == ("newest", 25)  # type: ignore[comparison-overlap]


def test_a_viewer_may_not_switch_the_policy(client):
    Preferences.objects.create(pk=1)
    client.force_login(people.make_victor())
    url = reverse("admin:enrichment_preferences_change", args=[1])

    assert client.get(url).status_code == 200
    assert client.post(url, {"belief": "newest"}).status_code == 403
    assert Preferences.objects.get().policy == "rank"


# The first page


def test_the_first_page_counts_and_names_missing_keys(olive, paid, django_assert_max_num_queries):
    account = make.make_account()
    record(
        run=make.make_run().pk,
        kind=Kind.ACCOUNT,
        answers=[make.make_answer(account.pk, paid.pk, industry="Toys")],
    )
    make.make_account()

    with django_assert_max_num_queries(12):
        page = olive.get(reverse("admin:index")).content.decode()

    assert "1 of 2, 50 %" in page
    assert "set PAID_API_KEY" in page


def test_the_first_page_says_where_to_start_when_empty(olive):
    page = olive.get(reverse("admin:index")).content.decode()

    assert "Start here" in page
    assert reverse("admin:crm_account_import_file") in page


def test_the_first_page_shows_no_counts_to_who_may_not_look(client):
    make.make_account()
    client.force_login(people.make_nora())

    response = client.get(reverse("admin:index"))

    assert response.status_code == 200
    assert "Accounts" not in response.content.decode()


def test_a_source_that_is_never_asked_has_a_rank_and_no_more(olive):
    writer = make.make_writer("api", rank=20)
    url = reverse("admin:enrichment_enrichmentsource_change", args=[writer.pk])
    page = olive.get(url).content.decode()
    assert 'name="rank"' in page
    for each in ("monthly_limit", "cadence", "test-key"):
        assert each not in page, each
    olive.post(url, {"label": "Written over the API", "is_enabled": "on", "rank": "30"})
    writer.refresh_from_db()
    assert (writer.rank, writer.cadence) == (30, "never")
