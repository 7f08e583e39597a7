"""Profile tasks: a prompt about each company, really asked over the wire, and counted."""

from __future__ import annotations

import pytest

from crm.models import Account
from enrichment import claims, runs
from enrichment.models import (
    AttributeValue,
    EnrichmentRun,
    Freshness,
)
from sources.adapters.ai_research import AiResearch
from sources.attributes import Kind
from tests.api.research import fact
from tests.api.researching.tasks import (
    CUSTOMERS,
    finished,
    later,
    make_task,
    profile_task,
    refused,
)
from tests.api.test_tasks import execute, upload
from tests.api.world import list_account, make_profile, make_sheet

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_profile_task_fills_what_the_icp_asks_for_with_quotes(api, acme, research):
    research.states = lambda asked: [
        fact("key_customers", "Globex and Initech", CUSTOMERS),
        fact("headcount", "1200", "Our 1,200 people work in Graz"),
        fact("tech_stack", "Kubernetes", "We run Kubernetes"),  # no page says so
        fact("company_description", "Robots", "Acme builds robots"),  # nobody asked
    ]
    icp = f"{acme.profile_id:024x}"
    task_id = profile_task(api)
    run_id = execute(
        api, task_id, {"icp_id": icp, "parameters": {"topic": "{{ name }} & co", "input_entities": []}}
    )
    run = finished(api, run_id)
    assert "Analyze Acme of unknown for Bulk. Mind {{ name }} & co." in research.questions[0]
    assert research.enums == [["headcount", "tech_stack", "key_customers"]]
    assert research.scraped == ["https://acme.com/", "https://acme.com/news"]
    (entity,) = api.get(f"/v1/entity?icp_id={icp}")[1]["entities"]
    customers = entity["data"]["key_customers"]
    assert (customers["value"], customers["source"]) == ("Globex and Initech", "ai_research")
    assert customers["references"] == [f"https://acme.com/#:~:text={CUSTOMERS.replace(' ', '%20')}"]
    assert entity["data"]["employee_count"]["value"] == 1200
    assert AttributeValue.objects.filter(source__slug="ai_research").count() == 2
    assert (run["icp_id"], run["task_type"], run["sheet_id"]) == (icp, "profile", f"{acme.pk:024x}")
    assert run["output"]["resources"]["entities_updated"] == [entity["id"]]
    assert run["output"]["credits"]["total_credits"] == 1


def test_the_same_prompt_is_not_paid_twice_and_another_one_is_asked(api, acme, research):
    icp = {"icp_id": f"{acme.profile_id:024x}"}
    task_id = profile_task(api, "Analyze {{ name }}.")
    first = execute(api, task_id, icp)
    assert execute(api, task_id, icp) == first, "a blind retry"
    finished(api, first)
    later(hours=1)
    finished(api, execute(api, task_id, icp))
    assert len(research.questions) == 1
    other = profile_task(api, "Analyze {{ name }} and its {{ what }}.")
    for what in ("rivals", "rivals", "friends"):
        later(hours=1)
        finished(api, execute(api, other, icp | {"parameters": {"what": what}}))
    assert len(research.questions) == 3
    assert "its friends" in research.questions[-1]


def test_a_prompt_reads_the_columns_of_the_file_that_the_companies_came_from(api, research):
    ingest = {"type": "ingest", "primary_column": "name", "csv_entity_type": "company"}
    icp = make_profile(api)
    for text in ("old", "wants {{ robots }}"):
        task = make_task(
            api,
            ingest | {"file_id": upload(api, f"name,website,Account Notes\nAcme,acme.com,{text}\n")},
            "ingest",
        )
        finished(api, execute(api, task["id"], {"icp_id": icp, "parameters": {"unmatched": "create"}}))
    run_id = execute(api, profile_task(api, "Analyze {{ name }}: {{ account_notes }}."), {"icp_id": icp})
    finished(api, run_id)
    (question,) = research.questions
    assert "Analyze Acme: wants {{ robots }}." in question
    (row,) = api.get(f"/v1/run/{run_id}/queue")[1]["items"]
    assert row["row_data"]["Account Notes"] == "wants {{ robots }}"


def test_a_prompt_does_not_put_off_the_usual_question(api, acme, research):
    task_id = profile_task(api, "Analyze {{ name }}.", icp_id=f"{acme.profile_id:024x}")
    finished(api, execute(api, task_id))
    assert not Freshness.objects.exists()
    usual = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), sources=["ai_research"])
    finished(api, f"{usual.pk:024x}")
    before = Freshness.objects.get()
    finished(api, execute(api, task_id, {"parameters": {"other": 1}}))
    other = profile_task(api, "Describe {{ name }}.", icp_id=f"{acme.profile_id:024x}")
    finished(api, execute(api, other))
    assert len(research.questions) == 3
    (noted,) = Freshness.objects.values_list("checked_at", "key", "due_at")
    assert noted == (before.checked_at, before.key, before.due_at)
    rebuilt = claims.rebuild()
    assert (rebuilt.claims, rebuilt.dates, rebuilt.current) == (0, 0, 0), "as the checks have it"


def test_a_prompt_is_asked_of_the_entities_that_are_named(api, acme, research):
    entity, _ = list_account(acme, {"domain": "other.com"}, name="Other", domain="other.com")
    research.pages["https://other.com"] = "Other makes shoes."
    task_id = profile_task(api, "Analyze {{ name }}.", icp_id=f"{acme.profile_id:024x}")
    finished(api, execute(api, task_id, {"parameters": {"input_entities": [entity]}}))
    (question,) = research.questions
    assert "Analyze Other." in question
    status, answer = api.post(f"/v1/task/{task_id}/execute", {"parameters": {"input_entities": [{"id": 1}]}})
    assert (status, list(answer["errors"])) == (422, ["parameters.input_entities.0"])


def test_a_profile_without_attributes_gets_what_research_gives(api, research):
    target = {"entity_type": "company", "root": True, "description": "Robot makers"}
    sheet = make_sheet(api, make_profile(api, entity_targets=[target]))
    list_account(sheet, {"domain": "acme.com"}, name="Acme", domain="acme.com")
    finished(api, execute(api, profile_task(api, "Analyze."), {"icp_id": f"{sheet.profile_id:024x}"}))
    assert research.enums == [list(AiResearch.provides)]


def test_a_profile_task_is_scheduled_for_its_sheet(api, acme, research):
    task_id = profile_task(api, "Analyze {{ name }}.", sheet_id=f"{acme.pk:024x}")
    run = finished(api, execute(api, task_id))
    assert (run["progress"]["total"], len(research.questions)) == (1, 1)


@pytest.mark.parametrize(
    "prompt",
    ["{{ name | upper }}", "{% for x in y %}{{ x }}{% endfor %}", "{{ a.b }}", "{{ ''.__class__ }}", "{# x #}", ""],
    ids=["filter", "loop", "part", "class", "comment", "empty"],
)  # fmt: skip
def test_a_prompt_that_is_more_than_names_is_refused(api, prompt):
    status, answer = api.post(
        "/v1/task",
        {"name": "x", "flow_name": "profile", "task_config": {"type": "profile", "prompt": prompt}},
    )
    assert (status, list(answer["errors"])) == (422, ["task_config.prompt"])


def test_what_cannot_be_researched_is_said_before_a_run_is_made(api, acme, research, monkeypatch):
    icp = {"icp_id": f"{acme.profile_id:024x}"}
    assert "Say which companies are meant" in refused(api, profile_task(api, "x"))
    assert "{{ topic }}, which is no attribute of companies and no column" in refused(
        api, profile_task(api), icp
    )
    other = icp | {"parameters": {"sources": ["wikidata"]}}
    assert "leave the sources out" in refused(api, profile_task(api, "x"), other)
    people = make_sheet(api, icp["icp_id"], entity_type="person")
    assert "these are people" in refused(api, profile_task(api, "x", sheet_id=f"{people.pk:024x}"))
    monkeypatch.delenv("AI_RESEARCH_API_KEY")
    assert "it has no key: turn it on under Sources, with its key in AI_RESEARCH_API_KEY" in refused(
        api, profile_task(api, "x"), icp
    )
    assert not EnrichmentRun.objects.filter(origin__isnull=False).exists()
    assert research.questions == []
