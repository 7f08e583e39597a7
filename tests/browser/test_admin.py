"""The admin in a real browser: pages fit the window, open their history, and the progress bar moves."""

from __future__ import annotations

import pytest
from django.urls import reverse
from selenium.webdriver.support.ui import WebDriverWait

from crm.models import Account
from enrichment.claims import pin, record
from enrichment.models import EnrichmentRun, RunItem
from sources.attributes import Kind
from tests import factories as make
from tests import people
from tests.fakes import FakeSource

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("light", "wide"), ("dark", "wide"), ("light", "narrow"), ("dark", "narrow")]
COMPANIES = (  # type: ignore[var-annotated]
    ("Northwind Robotics", {"industry": "Robotics", "headcount": 1240, "funding_stage": "Series B", "headquarters": "Oslo, Norway", "tech_stack": ["AWS", "Kafka", "PostgreSQL", "React", "Terraform"], "founded_year": 2014, "total_funding": 48_000_000, "company_description": "Makes warehouse robots that sort parcels, and the software that plans their ways. Its customers are carriers and large retailers in northern Europe."}),
    ("Contoso Health", {"industry": "Health care", "headcount": 320, "headquarters": "Zürich, Switzerland", "tech_stack": ["Azure"]}),
    ("Fabrikam Energy", {"industry": "Energy", "headcount": 5400, "headquarters": "Houston, Texas"}),
    ("Tailspin Toys", {}),
)  # fmt: skip


@pytest.fixture
def olive(client, page):
    client.force_login(people.make_olive())
    page.sign_in(client)
    return client


@pytest.fixture
def companies(fakes):
    fakes["company_registry"] = FakeSource("company_registry")
    make.make_writer("user", rank=1)
    sheet = make.make_writer("spreadsheet", rank=50)
    sheet.label = "Spreadsheet"
    sheet.save()
    registry = make.make_source(
        "company_registry", label="Company registry", rank=10, cost=2, credit_price="0.01"
    )
    make.make_source("news", label="News reader", rank=20, is_enabled=False)
    run = make.make_run(
        name="leads.csv", status="COMPLETED", summary={"rows": 4, "created": 4, "seconds": 0.8}
    )
    accounts = []
    for name, values in COMPANIES:
        account = make.make_account(status="new")
        domain = name.split()[0].lower() + ".com"
        record(
            run=run.pk,
            kind=Kind.ACCOUNT,
            answers=[make.make_answer(account.pk, sheet.pk, name=name, domain=domain)],
        )
        if values:
            first = make.make_answer(
                account.pk,
                registry.pk,
                0,
                **{**values, "headcount": values["headcount"] - 40},  # type: ignore[operator]
            )
            record(run=run.pk, kind=Kind.ACCOUNT, answers=[first])
            again = make.make_answer(account.pk, registry.pk, 40, **values)
            record(run=make.make_run(name="Monthly refresh").pk, kind=Kind.ACCOUNT, answers=[again])
        account.refresh_from_db()
        accounts.append(account)
    make.make_contact(name="Ingrid Solberg", email="ingrid@northwind.com", account=accounts[0])
    pin(accounts[0], "ceo_name", "Ingrid Solberg", user="olive")
    accounts[0].refresh_from_db()
    return accounts


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_lists_and_record_pages_fit_the_window(page, olive, companies, theme, width):
    paths = {
        "overview": reverse("admin:index"),
        "accounts": reverse("admin:crm_account_changelist") + "?attribute=headcount&op=gt&text=200",
        "account": reverse("admin:crm_account_change", args=[companies[0].pk]),
        "preview": reverse("admin:crm_account_enrich") + "?select=",
        "sources": reverse("admin:enrichment_enrichmentsource_changelist"),
        "api": reverse("admin:enrichment_enrichmentsource_http_api"),
        "import": reverse("admin:crm_account_import_file"),
    }
    page.dress(theme, width)
    for name, path in paths.items():
        page.dress(theme, width)
        page.open(path)
        if name == "account":
            page.browser.execute_script("document.querySelector('#value-headcount').open = true")
            assert page.find("#value-headcount .fn-past").is_displayed()
        assert page.fits(), name
        is_dark = "dark" in page.find("html").get_attribute("class")
        assert is_dark == (theme == "dark")
        page.shoot(f"{name}-{theme}-{width}")


def make_big_run(accounts):
    run = make.make_run(
        name="Enrich 4 accounts", status=EnrichmentRun.Status.RUNNING, sources=["company_registry"]
    )
    RunItem.objects.bulk_create(
        RunItem(run=run, position=number, account=accounts[number % len(accounts)]) for number in range(1, 41)
    )
    return run


def finish(run, upto, state=RunItem.State.COMPLETED):
    run.items.filter(position__lte=upto, state=RunItem.State.QUEUED).update(state=state)


@pytest.mark.parametrize(("theme", "width"), [("light", "wide"), ("dark", "narrow")])
def test_the_progress_bar_moves_without_reloading(page, olive, companies, theme, width):
    run = make_big_run(companies)
    finish(run, 4)
    page.dress(theme, width)
    page.open(reverse("admin:enrichment_enrichmentrun_change", args=[run.pk]))
    page.browser.execute_script("window.isSamePage = true")
    seen = [percent(page)]

    for upto in (16, 30):
        finish(run, upto)
        finish(run, upto + 1, RunItem.State.FAILED)
        WebDriverWait(page.browser, 40).until(lambda _: percent(page) > seen[-1])
        seen.append(percent(page))
        if upto == 16:
            page.shoot(f"run-{theme}-{width}")

    assert seen[0] < seen[1] < seen[2] < 100
    assert page.browser.execute_script("return window.isSamePage")
    assert page.find("[data-state=completed] [data-count]").text == "29"
    assert page.fits()

    finish(run, 40)
    EnrichmentRun.objects.filter(pk=run.pk).update(status=EnrichmentRun.Status.COMPLETED)
    WebDriverWait(page.browser, 40).until(
        lambda _: (
            page.find("[data-follow]").get_attribute("data-open") == "false"
        )  # it reloads once at the end
    )
    assert page.find("[data-progress=label]").text == "completed"


def percent(page):
    return int(page.find("[role=progressbar]").get_attribute("aria-valuenow"))


LEADS = (
    "Company name,Website,Industry,Number of employees\nAcme,acme.com,Robotics,120\nOther,other.org,Toys,40\n"
)


@pytest.mark.parametrize(("theme", "width"), [("light", "wide"), ("dark", "narrow")])
def test_files_are_looked_at_before_they_are_taken(page, olive, companies, settings, tmp_path, theme, width):
    settings.MEDIA_ROOT = tmp_path
    leads = tmp_path / "leads.csv"
    leads.write_text(LEADS)
    for name, url in (
        ("import-columns", "crm_account_import_file"),
        ("table-columns", "enrichment_enrichmentsource_register"),
    ):
        page.dress(theme, width)
        page.open(reverse(f"admin:{url}"))
        page.find("#file").send_keys(str(leads))
        page.find("#content form").submit()
        WebDriverWait(page.browser, 40).until(lambda _: page.browser.find_elements("name", "column_3"))
        assert page.find("[name=column_3]").get_attribute("value").endswith("headcount")
        assert page.fits(), name
        page.shoot(f"{name}-{theme}-{width}")


@pytest.mark.parametrize(("theme", "width"), [("light", "wide"), ("dark", "narrow")])
def test_the_queue_a_doubtful_item_and_the_filters_fit_the_window(page, olive, companies, theme, width):
    run = make_big_run(companies)
    finish(run, 30)
    candidates = [
        {
            "id": row.pk,
            "name": row.name,
            "domain": row.domain,
            "score": 0.71,
            "reasons": ["name is alike", "same city"],
        }
        for row in companies[:2]
    ]
    outcomes = {
        "company_registry": {"outcome": "found", "reason": "", "lookup": None, "claims": 5},
        "news": {"outcome": "skipped", "reason": "fresh until 2026-12-01", "lookup": None, "claims": 0},
    }
    run.items.filter(position__lte=9).update(outcomes=outcomes)
    doubtful = run.items.get(position=1)
    RunItem.objects.filter(pk=doubtful.pk).update(
        state="review", account=None, reason="Two records are alike", evidence=candidates,
        subject={"name": "Northwind Robotic"}, row={"Company": "Northwind Robotic", "City": "Oslo"},
    )  # fmt: skip
    paths = {
        "runs": reverse("admin:enrichment_enrichmentrun_changelist"),
        "queue": f"{reverse('admin:enrichment_runitem_changelist')}?run={run.pk}",
        "item": reverse("admin:enrichment_runitem_change", args=[doubtful.pk]),
        "undo": reverse("admin:enrichment_enrichmentrun_undo", args=[run.pk]),
        "source": reverse("admin:enrichment_enrichmentsource_changelist"),
        "filters": reverse("admin:crm_account_changelist") + "?attribute=headcount&op=gt&text=200",
        "empty": reverse("admin:crm_sheet_changelist"),
        "export": reverse("admin:crm_account_export"),
        "small-update": reverse("admin:crm_account_import"),
        "new-account": reverse("admin:crm_account_add"),
        "source-page": reverse(
            "admin:enrichment_enrichmentsource_change", args=[make.make_source("news").pk]
        ),
        "claims": reverse("admin:enrichment_attributevalue_changelist"),
        "preferences": reverse("admin:enrichment_preferences_changelist"),
        "attributes": reverse("admin:enrichment_customattribute_changelist"),
    }
    for name, path in paths.items():
        page.dress(theme, width)
        page.open(path)
        if name == "filters":
            page.find("a[x-on\\:click='filterOpen = true']").click()
            WebDriverWait(page.browser, 40).until(lambda _: page.find(".fn-condition select").is_displayed())
        assert page.fits(), name
        page.shoot(f"{name}-{theme}-{width}")


def test_all_rows_of_a_list_are_enriched_from_ticking_to_the_run(page, olive, companies):
    page.dress("light", "wide")
    page.open(reverse("admin:crm_account_changelist"))
    page.find("input.action-select").click()
    page.browser.execute_script("document.querySelector('select[name=action]').value = 'enrich_selected'")
    page.browser.execute_script("document.querySelector('#changelist-form').submit()")
    WebDriverWait(page.browser, 40).until(lambda _: "/enrich/" in page.browser.current_url)
    assert "Company registry" in page.find("#enrich-form").text

    page.find("#enrich-form button.fn-primary").click()

    WebDriverWait(page.browser, 40).until(lambda _: "/enrichmentrun/" in page.browser.current_url)
    assert EnrichmentRun.objects.latest("pk").items.count() == 1
    assert Account.objects.count() == len(COMPANIES)
